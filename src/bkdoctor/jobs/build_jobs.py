"""A failed job, its trace and its report -> whether it builds an image; all other jobs are left alone."""

import re

from bkdoctor.errors import UsageError
from bkdoctor.model import Report
from bkdoctor.trace.source import Source

WORDS = "build|image|docker|kaniko|buildkit"
"""Regular expression for the names of build jobs, where nobody configured another."""
_SCRIPT = re.compile(rb"section_start:\d{9,11}:(?:step_|build_script|concrete)")
_BUILDERS = frozenset({"rootless", "native", "buildx", "bake", "kaniko", "buildah"})
"""Methods that are nothing else than image builds; `docker` and `compose` also run containers."""
_BUILDS = re.compile(
    rb"\bdocker (?:image )?(?:build|push|buildx)\b|\bdocker[ -]compose\b[^\n]{0,200}\b(?:build|push|--build)\b"
)
_OUTPUT = re.compile(rb"Sending build context to Docker daemon|#\d+ \[internal\] load |STEP 1/\d+: FROM |Step 1/\d+ : ")
"""What builders print first, whoever called them."""
_HEAD = 4 * 1024 * 1024
"""How much of a trace's beginning is searched."""


def checked(words: str | None) -> str:
    """Return the regular expression for the names of build jobs: the user's, else the usual one. Raises UsageError."""
    try:
        re.compile(words or "")
    except re.error as error:
        raise UsageError(f"--jobs is no regular expression ({error}): mend it") from None
    return words or WORDS


def is_build(report: Report, trace: Source, words: str) -> bool:
    """Whether the log shows an image builder, or the job failed too early to show one and its names say it has one.

    `words` is the regular expression that such names match.
    """
    facts = report.facts
    if facts.method in _BUILDERS or facts.buildkit or facts.kaniko:
        return True
    head = trace.read(0, _HEAD)
    if _OUTPUT.search(head) or (facts.method and _BUILDS.search(head)):
        return True
    # a job that only logs in or pulls with docker is one if it is called so
    return (bool(facts.method) or not _has_script(trace)) and names_say_build(report, words)


def _has_script(trace: Source) -> bool:
    return any(_SCRIPT.search(piece) for piece in trace.pieces(_HEAD, overlap=64))


def names_say_build(report: Report, words: str) -> bool:
    """Whether the job's name, image or services match."""
    facts = report.facts
    names = [facts.job, facts.image, *(service.name for service in facts.services)]
    return any(name and name_says_build(name, words) for name in names)


def name_says_build(name: str, words: str) -> bool:
    """Whether one name matches, without regard to case."""
    return re.search(words, name[:500], re.IGNORECASE) is not None
