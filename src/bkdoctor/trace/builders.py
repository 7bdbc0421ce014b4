"""How image builders announce their steps: one line in, what it says out.

Forms: BuildKit's plain progress (`#7 [build 2/4] RUN make`), buildx's tty progress as people paste it
(`=> ERROR [2/3] RUN make`), the classic builder (`Step 3/7 : RUN make`), buildah (`STEP 3/7: RUN make`) and kaniko
(`INFO[0001] RUN make`). Sources: BuildKit `util/progress/progressui`, moby `builder/dockerfile`, buildah
`imagebuildah/stage_executor.go`, kaniko `pkg/executor/build.go`.
"""

import re
from typing import Literal, NamedTuple

Status = Literal["running", "done", "cached", "error", "canceled"]

_STAMP = r"^(?:\d{4}-\d\d-\d\dT[\d:.]+Z\s)?\s*"
_VERTEX = re.compile(_STAMP + r"#(?P<id>\d+) (?P<rest>.*)$", re.ASCII)
_STATUS = re.compile(r"^(?P<word>DONE|CACHED|CANCELED|ERROR)(?:[: ]+(?P<detail>.*))?$")
_TTY = re.compile(
    _STAMP + r"=> (?P<status>ERROR |CACHED |CANCELED )?(?P<name>(?!=>).*?)(?:\s+(?P<time>\d+\.\d+s))?\s*$",
    re.ASCII,
)
_CLASSIC = re.compile(_STAMP + r"Step (?P<index>\d+)(?:/(?P<total>\d+))? : (?P<text>.*)$", re.ASCII)
_BUILDAH = re.compile(
    _STAMP + r"(?:\[(?P<stage>\d+/\d+)\] )?STEP (?P<index>\d+)(?:/(?P<total>\d+))?: (?P<text>.*)$", re.ASCII
)
_KANIKO = re.compile(
    _STAMP + r"(?:INFO\[[\dTZ:+-]+\]|INFO|time=\S+ level=info msg=\"?)\s*(?P<text>[A-Z]{3,} .*?)\"?$", re.ASCII
)
_BRACKET = re.compile(
    r"^\[(?:(?P<platform>[a-z0-9]+/[\w./]+)(?:->[\w./]+)? )?"
    r"(?:(?P<names>[^\]\d][^\]]*?) (?P<index>\d+)/\d+|\d+/\d+|(?P<other>[^\]]*))\] (?P<text>.*)$"
)
INSTRUCTIONS = frozenset(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL "
    "USER VOLUME WORKDIR".split()
)


_AMBIGUOUS = re.compile(r"section_|gitlab-runner|[Ff]ailed|=== log|\*\*\*")
"""What may make a line something else than a heading."""


class Title(NamedTuple):
    """What a step's heading says."""

    name: str
    platform: str | None
    stage: str | None
    instruction: str | None
    text: str


class Announcement(NamedTuple):
    """One line about a step: a heading, a status, or both."""

    kind: Literal["buildkit", "tty", "classic", "buildah", "kaniko"]
    id: str
    title: Title | None
    status: Status | None
    detail: str


def title_of(name: str) -> Title:
    """Take a step's name apart: platform, stage, instruction."""
    match = _BRACKET.match(name)
    if match is None:
        return Title(name, None, None, _instruction(name), name)
    names = match["names"]
    stage = names.split()[-1] if names else None
    return Title(name, match["platform"], stage, _instruction(match["text"]), match["text"])


def _instruction(text: str) -> str | None:
    word = text.split(" ", 1)[0].upper()
    return word if word in INSTRUCTIONS else None


def announcement(text: str) -> Announcement | None:
    """Return what a line says about a step; None for a line of output and for everything else."""
    if "#" in text and (match := _VERTEX.match(text)):
        return _vertex(match)
    if "=> " in text and (match := _TTY.match(text)):
        return _tty(match)
    for kind, pattern in (("classic", _CLASSIC), ("buildah", _BUILDAH)):
        if match := pattern.match(text):
            step_id = f"Step {match['index']}"
            title = title_of(match["text"])
            return Announcement(kind, step_id, title, None, "")  # type: ignore[arg-type]
    if match := _KANIKO.match(text):
        title = title_of(match["text"])
        if title.instruction:
            return Announcement("kaniko", title.name, title, None, "")
    return None


def heading(text: str) -> Announcement | None:
    """Return what BuildKit's heading of a step says (`#7 [2/3] RUN make`); None for every other line."""
    found = announcement(text) if text.startswith("#") and not _AMBIGUOUS.search(text) else None
    return found if found and found.kind == "buildkit" and found.title and found.title.name.startswith("[") else None


def _vertex(match: re.Match[str]) -> Announcement | None:
    rest = match["rest"].rstrip()
    step_id = f"#{match['id']}"
    if status := _STATUS.match(rest):
        word = status["word"].lower()
        return Announcement("buildkit", step_id, None, word, status["detail"] or "")  # type: ignore[arg-type]
    if (
        not rest
        or re.match(r"\d+\.\d+(?: |$)", rest)
        or rest.startswith(("sha256:", "transferring ", "resolve ", "..."))
    ):
        return None
    return Announcement("buildkit", step_id, title_of(rest), None, "")


def _tty(match: re.Match[str]) -> Announcement | None:
    name = re.sub(r"\s+\d+(?:\.\d+)?\w*B? / .*$", "", match["name"]).rstrip()
    if not name or not (name.startswith("[") or match["time"]):
        return None
    word = (match["status"] or "").strip().lower()
    status = word or ("done" if match["time"] else "running")
    return Announcement("tty", name, title_of(name), status, "")  # type: ignore[arg-type]


def may_restart(step_id: str) -> bool:
    """Say whether a step of this id may be the first of another build."""
    return step_id in ("#0", "#1")


def is_survivable(name: str) -> bool:
    """Say whether a step of this name may end in ERROR while the build goes on: imports of a cache."""
    return name.startswith(("importing cache", "inferred cache manifest"))
