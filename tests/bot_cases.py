"""What tests of the bot's handling share: traces of failed jobs, a connection to the double, and one call that handles."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from bkdoctor.bot.config import Config
from bkdoctor.bot.handle import handle
from bkdoctor.bot.task import Record, Task
from bkdoctor.catalog.catalog import Catalog
from bkdoctor.gitlab.address import parse_base
from bkdoctor.gitlab.connection import Connection, Limits
from bkdoctor.gitlab.credentials import Token
from bkdoctor.session import catalog_of

from . import traces
from .gitlab_double import TOKEN
from .gitlab_routes_bot import SHA, BotGitLab

APP = "team/app"
APPARMOR = traces.job(
    "$ buildctl-daemonless.sh build --frontend dockerfile.v0\n"
    "could not connect to unix:///run/user/1000/buildkit/buildkitd.sock after 10 trials\n"
    "========== log ==========\n"
    "[rootlesskit:child ] error: failed to share mount point: /: permission denied\n"
    "[rootlesskit:parent] error: child exited: exit status 1",
    executor="kubernetes",
    image="moby/buildkit:rootless",
).encode()
APPARMOR_ID = "rootless-apparmor-denies-mount"
PACKAGE = traces.job(
    "$ docker build .\n"
    "#5 [2/3] RUN apk add --no-cache gcc-9\n"
    "#5 1.204 ERROR: unable to select packages:\n"
    "#5 1.204   gcc-9 (no such package):\n"
    "#5 1.204     required by: world[gcc-9]\n"
    '#5 ERROR: process "/bin/sh -c apk add --no-cache gcc-9" did not complete successfully: exit code: 1\n'
    "------\n > [2/3] RUN apk add --no-cache gcc-9:\n------\n"
    "Dockerfile:2\n--------------------\n   1 |     FROM alpine\n   2 | >>> RUN apk add --no-cache gcc-9\n"
    "--------------------\n"
    'ERROR: failed to solve: process "/bin/sh -c apk add --no-cache gcc-9" did not complete successfully: exit code: 1'
).encode()
PACKAGE_ID = "apk-package-not-found"
UNKNOWN = traces.job("$ docker build .\nthe flux capacitor is out of plutonium").encode()
OTHER = traces.job("$ pytest\nFAILED tests/test_app.py::test_it", image="python:3.12").encode()
PASSED = traces.job("$ docker build .\n#1 DONE 0.1s", result="Job succeeded").encode()


@cache
def catalog() -> Catalog:
    return catalog_of(())


def connect(gitlab: BotGitLab, pauses: list[float] | None = None) -> Connection:
    """A connection that never waits; `pauses` learns for how long it would have."""
    limits = Limits(sleep=(pauses if pauses is not None else []).append, connect_timeout=5, read_timeout=1)
    return Connection(parse_base(gitlab.url, "url"), Token(TOKEN, "private", "BKDOCTOR_GITLAB_TOKEN"), limits=limits)


def configured(gitlab: BotGitLab, **fields: Any) -> Config:
    return Config(gitlab_url=gitlab.url, token=TOKEN, webhook_secret="s", **fields)


def run(gitlab: BotGitLab, number: int = 100, *, pauses: list[float] | None = None, **fields: Any) -> Record:
    """Handle the event of a pipeline; `fields` are the task's, else the configuration's."""
    pipeline = gitlab.pipelines[number]
    known = {name: pipeline[name] for name in ("project_id", "sha", "ref", "status")} | {"pipeline_id": number}
    task = {name: fields.pop(name) for name in list(fields) if name in Task.__struct_fields__}
    with connect(gitlab, pauses) as api:
        return handle(Task(**(known | task)), api, configured(gitlab, **fields), catalog())


def one_failed(gitlab: BotGitLab, trace: Any = APPARMOR, *, pipeline: int = 100, job: int = 12, **fields: Any) -> None:
    """Merge request 3, and a pipeline of it with one failed build job."""
    if (gitlab.project_id(APP), 3) not in gitlab.merge_requests:
        gitlab.add_merge_request(APP, 3)
    gitlab.add_pipeline(APP, pipeline, merge_request=3)
    gitlab.add_pipeline_job(APP, pipeline, job, trace, **({"name": "build-image"} | fields))


def passing(
    gitlab: BotGitLab, *, pipeline: int = 101, job: int = 20, sha: str = SHA, name: str = "build-image"
) -> None:
    gitlab.add_pipeline(APP, pipeline, merge_request=3, status="success", sha=sha)
    gitlab.add_pipeline_job(APP, pipeline, job, PASSED, name=name, status="success")


def body(gitlab: BotGitLab, iid: int = 3) -> str:
    """The text of the only note."""
    (note,) = gitlab.notes(APP, iid)
    return str(note["body"])


def thread(gitlab: BotGitLab, iid: int = 3) -> dict[str, Any]:
    """The bot's only discussion."""
    (note,) = gitlab.notes(APP, iid)
    found = gitlab.discussions[gitlab.project_id(APP), iid]
    return next(d for d in found if d["notes"][0] is note)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
