"""A Target -> the project's files at the job's commit, and GitLab's own judgement of a CI configuration."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from bkdoctor.errors import GitLabError
from bkdoctor.gitlab.connection import ONCE, Connection, Limits
from bkdoctor.gitlab.refusal import Asked
from bkdoctor.gitlab.target import Target

DEFAULT_CI_PATH = ".gitlab-ci.yml"
MAX_FILE = 4 * 1024 * 1024


class Lint(msgspec.Struct, frozen=True):
    """What GitLab says of a configuration."""

    valid: bool
    errors: tuple[str, ...] = ()


class JobFiles:
    """The files of a job's project; use it in a `with`."""

    def __init__(self, target: Target, *, limits: Limits | None = None) -> None:
        self._target = target
        self._connection = Connection(
            target.base, target.token, verify=target.verify, advice=target.advice, limits=limits
        )
        self._read: dict[str, str | None] = {}
        self.commit = ""
        """The commit that the job ran at."""
        self.ci_path = DEFAULT_CI_PATH
        """Where the project keeps its configuration."""

    def __enter__(self) -> "JobFiles":
        try:
            self.commit = self._commit()
            self.ci_path = self._ci_path()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def _project(self) -> Any:
        return self._connection.api.projects.get(self._target.project, lazy=True)

    def _commit(self) -> str:
        asked = Asked(thing=f"job {self._target.job_id} of {self._target.project}", project=self._target.project)
        job = self._connection.read(asked, lambda: self._project.jobs.get(self._target.job_id, **ONCE).attributes)
        for part, key in (("commit", "id"), ("pipeline", "sha")):
            fields = job.get(part)
            value = fields.get(key) if isinstance(fields, Mapping) else None
            if isinstance(value, str) and value:
                return value
        raise GitLabError(f"{asked.thing} names no commit: give the file with --file")

    def _ci_path(self) -> str:
        asked = Asked(thing=f"project {self._target.project}", project=self._target.project)
        project = self._connection.read(
            asked, lambda: self._connection.api.projects.get(self._target.project, **ONCE).attributes
        )
        path = project.get("ci_config_path")
        if not isinstance(path, str) or not path:
            return DEFAULT_CI_PATH
        if "://" in path or "@" in path:
            raise GitLabError(f"the configuration of {self._target.project} is {path}: give that file with --file")
        return path

    def read(self, path: str) -> str | None:
        """Return the text of a file at the job's commit, None if there is none."""
        if path not in self._read:
            asked = Asked(thing=f"{path} of {self._target.project}", project=self._target.project)
            self._read[path] = self._connection.read(asked, lambda: self._raw(path))
        return self._read[path]

    def _raw(self, path: str) -> str | None:
        import gitlab.exceptions

        try:
            data = self._project.files.raw(file_path=path, ref=self.commit, **ONCE)
        except gitlab.exceptions.GitlabError as error:
            if error.response_code == 404:
                return None
            raise
        if len(data) > MAX_FILE:
            raise GitLabError(f"{path} is larger than {MAX_FILE // 2**20} MiB: give it with --file")
        try:
            return bytes(data).decode()
        except UnicodeDecodeError:
            raise GitLabError(f"{path} is not UTF-8: save it so, and give it with --file") from None

    def merged(self) -> str | None:
        """Return the configuration as GitLab merged it for the job's commit; None where it does not say."""
        answer = self._asked_to_lint("get", {"content_ref": self.commit})
        text = answer.get("merged_yaml")
        return text if isinstance(text, str) and text.strip() else None

    def lint(self, content: str) -> Lint | None:
        """Return what GitLab says of a proposed configuration; None where the token does not let it be asked."""
        answer = self._asked_to_lint("post", {"content": content})
        if not isinstance(answer.get("valid"), bool):
            return None
        errors = answer.get("errors")
        texts = tuple(str(e) for e in errors[:5]) if isinstance(errors, list) else ()
        return Lint(answer["valid"], texts)

    def _asked_to_lint(self, verb: str, fields: dict[str, str]) -> Mapping[str, Any]:
        """Ask the lint endpoint; a refusal is no error, since the answer is a help and not the matter itself."""
        import gitlab.exceptions

        path = f"/projects/{quote(self._target.project, safe='')}/ci/lint"
        api = self._connection.api
        try:
            if verb == "get":
                answer = api.http_get(path, query_data=fields, **ONCE)
            else:
                answer = api.http_post(path, post_data=fields, **ONCE)
        except (gitlab.exceptions.GitlabError, OSError, ValueError):
            return {}
        return answer if isinstance(answer, dict) else {}
