"""What the tools do, in a process of its own: in go plain arguments, out come answers of bounded length.

Raises BkdoctorError for what the caller can mend; the message ends with the next step.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bkdoctor.assistant.bounds import Answer, diagnosis, explanation, line, text
from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.entry import Entry
from bkdoctor.diagnosis.match import Matcher
from bkdoctor.diagnosis.rank import rank
from bkdoctor.doctor import diagnose
from bkdoctor.errors import InputError, UsageError
from bkdoctor.explain import entry_of
from bkdoctor.fixes.result import Change, Refusal
from bkdoctor.mending import Judgement, NoProposal, Proposal, Wish, propose
from bkdoctor.mending_files import RemoteFiles, suits
from bkdoctor.model import Facts, Finding, Fix, Report, Source
from bkdoctor.session import Session
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment

if TYPE_CHECKING:
    from bkdoctor.gitlab.target import Target

MOST_TEXT = 8 * 1024 * 1024
MOST_DIFF = 16_000
_MOST_QUERY = 2_000


@dataclass(frozen=True)
class Setup:
    """What the server was started with."""

    kubernetes: str | None = None
    patterns: tuple[Path, ...] = ()
    gitlab: str | None = None
    """The only GitLab that may be asked, if it is named."""
    roots: tuple[Path, ...] = ()
    """Folders below which logs may be read."""


@dataclass(frozen=True)
class Asked:
    """Which log is meant: exactly one of text, path and job."""

    text: str | None = None
    path: str | None = None
    job: str | None = None
    project: str | None = None
    kubernetes: str | None = None


class Work:
    """The tools; holds the catalogue between calls."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._session = Session.of("json", setup.kubernetes, True, False, list(setup.patterns))

    @property
    def _catalog(self) -> Catalog:
        return self._session.catalog

    def diagnose(self, asked: Asked) -> Answer:
        """Return the answer for a log, of the form `Diagnosis`."""
        return diagnosis(self._report(asked))

    def _report(self, asked: Asked) -> Report:
        given = [value for value in (asked.text, asked.path, asked.job) if value is not None]
        if len(given) != 1:
            raise UsageError("Give exactly one of text, path and job.")
        session = self._session_for(asked.kubernetes)
        if asked.job is not None:
            return session.report_of_job(self._target(asked.job, asked.project))
        if asked.path is not None:
            return session.report_of(str(self._allowed(asked.path)))
        log = (asked.text or "").encode("utf-8", "replace")
        if len(log) > MOST_TEXT:
            raise UsageError(
                f"The text has {len(log)} bytes, and {MOST_TEXT} are the most. Give the path of a file, or the job."
            )
        return diagnose(log, session.catalog, known=session.facts, source=Source(name="<text>"))

    def _session_for(self, kubernetes: str | None) -> Session:
        if kubernetes is None:
            return self._session
        asked = Session.of("json", kubernetes, True, False, list(self._setup.patterns))
        # the catalogue is read once
        asked.__dict__["catalog"] = self._catalog
        return asked

    def _allowed(self, path: str) -> Path:
        """Return the file that a path names, if it lies below a folder that may be read."""
        if not self._setup.roots:
            raise UsageError(
                "Files may not be read: the server was started without --allow. Give the log's text instead, or start "
                "it as `bkdoctor mcp --allow FOLDER`."
            )
        try:
            found = (self._setup.roots[0] / path).resolve(strict=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(f"{line(path)}: there is no such file below the folders that may be read.") from error
        if not any(found.is_relative_to(root) for root in self._setup.roots) or not found.is_file():
            raise InputError(
                f"{line(path)}: no file below {', '.join(map(str, self._setup.roots))}. Name a log that lies there."
            )
        return found

    def _target(self, job: str, project: str | None) -> "Target":
        """Return the job that is meant, of the GitLab that the user's own settings name and of no other."""
        gitlab = self._setup.gitlab
        own = self._session.target("1", project="group/project", gitlab=gitlab).base
        try:
            meant = self._session.target(job, project=project, gitlab=None).base if "://" in f"{job} {project}" else own
            if not own.may_share_token_with(meant):
                raise UsageError(
                    f"{meant.netloc} is not the GitLab of this server, which is {own.netloc}. To ask another one, "
                    "start the server as `bkdoctor mcp --gitlab URL`."
                )
            return self._session.target(job, project=project, gitlab=gitlab)
        except UsageError as error:
            if project is None and job.isdecimal():
                raise UsageError(
                    "A job's number needs its project: give `project` as GROUP/PROJECT, or the address of its page."
                ) from error
            raise

    def explain(self, pattern_id: str) -> Answer:
        """Return what the catalogue says of a failure, of the form `Explanation`."""
        return explanation(entry_of(self._catalog, pattern_id))

    def search(self, query: str, family: str | None, limit: int) -> Answer:
        """Return the patterns that a line of a log, or some words, may mean, of the form `Hits`."""
        query = query[:_MOST_QUERY]
        families = sorted({entry.family for entry in self._catalog.entries.values()})
        if family is not None and family not in families:
            raise UsageError(f"There is no family {line(family)!r}. Families: {', '.join(families)}.")
        by_line = list(self._by_line(query))
        found = {entry.id: (entry, "line") for entry in by_line}
        found |= {entry.id: (entry, "words") for entry in self._by_words(query) if entry.id not in found}
        hits = [(entry, how) for entry, how in found.values() if family in (None, entry.family)]
        return {
            "hits": [
                {"id": e.id, "family": e.family, "title": e.pattern.title, "owner": e.pattern.owner, "found_by": how}
                for e, how in hits[:limit]
            ],
            "total": len(hits),
            "next_step": "explain_pattern tells one in full."
            if hits
            else "Nothing was found. Try the decisive words of the error, or diagnose_log with the whole log.",
        }

    def _by_line(self, query: str) -> Iterator[Entry]:
        log = Log(query.encode("utf-8", "replace"), self._catalog.searcher)
        matches = Matcher(log, segment(log), Facts(), self._catalog).run()
        yield from (answer.best.entry for answer in rank(list(matches), self._catalog))

    def _by_words(self, query: str) -> list[Entry]:
        words = list(dict.fromkeys(re.findall(r"[a-z0-9][a-z0-9._/-]+", query.lower())))[:20]
        scored = [(self._score(entry, words), entry) for entry in self._catalog.entries.values()]
        return [entry for score, entry in sorted(scored, key=lambda s: (-s[0], s[1].id)) if score]

    @staticmethod
    def _score(entry: Entry, words: list[str]) -> int:
        pattern = entry.pattern
        places = (
            (8, entry.id.lower()), (5, pattern.title.lower()), (3, pattern.explain.summary.lower()),
            (1, pattern.explain.cause.lower()),
        )  # fmt: skip
        scores = [max((weight for weight, where in places if word in where), default=0) for word in words]
        # a word that stands nowhere counts against a pattern that only some others name
        return sum(scores) if sum(map(bool, scores)) * 2 > len(scores) else 0

    def propose(self, asked: Asked, files: Mapping[str, str] | None, fix: int | None, job_key: str | None) -> Answer:
        """Return the diff of a fix, of the form `FixProposal`. Nothing is written."""
        if files is not None and sum(map(len, files.values())) > MOST_TEXT:
            raise UsageError("The files are too long. Give only those that are to be changed.")
        report = self._report(asked)
        wish = Wish(number=fix, job=job_key)
        if asked.job is not None and not files:
            from bkdoctor.gitlab.files import JobFiles

            with JobFiles(self._target(asked.job, asked.project)) as remote:
                return _proposal(propose(report, RemoteFiles(remote), wish))
        if not files and report.findings:
            raise UsageError("Give the files to change as `files`: their paths in the project, and their texts.")
        return _proposal(propose(report, GivenFiles(files or {}), wish))


def _proposal(made: Proposal | NoProposal) -> Answer:
    words = [line(word, 1_500) for word in made.words[:20]]
    if isinstance(made, NoProposal):
        nothing = dict.fromkeys(("title", "file", "risk", "condition", "diff"))
        return {"made": False, **nothing, "words": words}
    diff = text(made.fix.diff or "", MOST_DIFF + 1)
    if len(diff) > MOST_DIFF:
        raise UsageError("The diff is too long to be sent. Run `bkdoctor fix` where the files are.")
    return {
        "made": True,
        "title": line(made.fix.title),
        "file": line(made.changes[0].path) if made.changes else made.fix.file,
        "risk": made.fix.risk,
        "condition": made.fix.condition,
        "diff": diff,
        "words": words,
    }


class GivenFiles:
    """Files whose texts the caller gave."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = {str(PurePosixPath(name)): content for name, content in texts.items()}

    def name_for(self, fix: Fix, finding: Finding) -> str | Refusal:
        """Return the path of the file that a fix is for: the one of its name, else the only one of its kind."""
        if fix.file == ".dockerignore":
            return fix.file
        wanted = finding.location.dockerfile if fix.file == "Dockerfile" else None
        for name in (wanted, fix.file):
            if name in self._texts:
                return str(name)
        fitting = [name for name in self._texts if suits(fix.file, name)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            return Refusal(f"several of the files could be the {fix.file} that is meant: give only one")
        return Refusal(f"no {fix.file} is among the files that were given")

    def read(self, path: str) -> str | None:
        """Return a file's text, None if it was not given."""
        return self._texts.get(path)

    def whole(self) -> str | None:
        """Return None: only GitLab merges configurations."""
        return None

    def judge(self, changes: tuple[Change, ...]) -> Judgement:
        """Return nothing: only GitLab judges them."""
        del changes
        return Judgement()
