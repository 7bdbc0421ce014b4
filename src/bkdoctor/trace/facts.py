"""From a Log and its Layout to Facts: what the trace says about runner, executor, image, method and versions.

Sources of the lines: gitlab-runner `common/build.go`, `executors/docker`, `executors/kubernetes`; facts that only the
job API knows are merged in by the caller.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

import msgspec

from bkdoctor.model import Facts, Method
from bkdoctor.trace.layout import Layout, is_script
from bkdoctor.trace.log import Log
from bkdoctor.trace.survey import Survey

HEAD_LINES = 400
"""The runner's own lines before the script stand among the first lines; more are not read for them."""

_VERSION = r"v?(?P<version>\d+\.\d+(?:\.\d+)?)"
_RUNNER = re.compile(r"Running with gitlab-runner " + _VERSION)
_NAME = re.compile(r"^(?=\d?\s)\s*+(?:\d\s++)?on (?P<name>.*?) (?P<token>[\w-]{8,20})(?:, system ID: \S+)?\s*$")
_EXECUTOR = re.compile(r'Preparing the "(?P<name>[^"]+)" executor|Using (?P<word>Docker|Kubernetes|Shell|Custom|SSH)\b')
_IMAGE = re.compile(r"executor with image (?P<image>\S+)")
_SERVICE = re.compile(r"Starting service (?P<name>\S+?)\s*\.\.\.")
_NUMBER = r"v?(\d+\.\d+(?:\.\d+)?)"
_VERSIONS: dict[str, re.Pattern[str]] = {
    name: re.compile("|".join(before + _NUMBER for before in befores))
    for name, befores in {
        "buildkit": (
            r"(?:buildkitd?|moby/buildkit)(?: github\.com/moby/buildkit)?[: ]",
            r"version:\s*buildkit ",
            r"BuildKit version:\s+",
        ),
        "buildx": (r"github\.com/docker/buildx ",),
        "docker": (r"Docker version ", r"Docker Engine - Community\s+", r"\bdocker:"),
        "kaniko": (r"kaniko-project/executor:", r"Kaniko version\s*:\s*"),
    }.items()
}
_VERSION_WORDS = {
    "buildkit": ("buildkit", "BuildKit version:"),
    "buildx": ("github.com/docker/buildx ",),
    "docker": ("Docker version ", "Docker Engine - Community", "docker:"),
    "kaniko": ("kaniko-project/executor:", "Kaniko version"),
}
"""One of them is in all that says a tool's version."""
_METHODS: tuple[tuple[Method, re.Pattern[str]], ...] = (
    ("rootless", re.compile(r"\bbuildctl-daemonless\.sh\b")),
    ("bake", re.compile(r"\bbuildx bake\b|\bdocker bake\b")),
    ("buildx", re.compile(r"\bdocker[ -]buildx\b")),
    ("native", re.compile(r"\bbuildctl\b")),
    ("kaniko", re.compile(r"/kaniko/executor\b|\bkaniko-project\b")),
    ("buildah", re.compile(r"\bbuildah (?:bud|build|push|from|login|manifest)\b|\bpodman build\b")),
    ("compose", re.compile(r"\bdocker[ -]compose\b")),
    ("docker", re.compile(r"\bdocker (?:build|push|image build|builder|pull|login|tag|run|info|version)\b")),
)
_OUTPUT_METHODS: tuple[tuple[Method, bytes], ...] = (
    ("rootless", b"buildctl-daemonless"),
    ("rootless", b"[rootlesskit:"),
    ("kaniko", b"kaniko"),
    ("buildah", b"error building at STEP"),
    ("native", b"github.com/moby/buildkit/cmd/buildctl"),
    ("buildx", b"buildx"),
    ("native", b"\nerror: failed to solve"),
    ("docker", b"Sending build context to Docker daemon"),
)
_BUILD_WORDS = re.compile(r"\b(?:build|push|bake|executor|bud|up|solve)\b")
_PLATFORM_OPTION = re.compile(
    r"--(?:opt[ =])?platform[= ]?(?P<list>[a-z0-9]+/[\w/.,-]+)|platform=(?P<list2>[a-z0-9]+/[\w/.,-]+)"
)
_REGISTRY = re.compile(
    r"(?:load metadata for|pushing(?: manifest for| layers to)?|naming to|exporting to) "
    r"(?P<host>[\w-]+(?:\.[\w-]+)+(?::\d+)?|localhost:\d+)/"
)
_EXIT = re.compile(
    r"Job failed: (?:exit code|exit status|command terminated with exit code) (\d+)|exit (?:code|status):? (\d+)\s*$"
)


def facts_of(log: Log, layout: Layout) -> Facts:
    """Return what the trace says about the job; what it does not say stays None."""
    head = [log.line(n).text for n in log.numbers(1, HEAD_LINES + 1)]
    commands = [c.text for c in layout.commands]
    failed = layout.failed_section()
    step = failing_step_name(layout)
    known: dict[str, object] = {
        "method": _method(commands, _search(_IMAGE, head, "image"), log.survey),
        "executor": _executor(head),
        "runner": _search(_RUNNER, head[:40], "version"),
        "image": _search(_IMAGE, head, "image"),
        "services": _services(head),
        "platforms": _platforms(layout, commands),
        "registries": _registries(layout),
        "exit_code": _exit_code(log, layout),
        "failed_section": failed.name if failed and layout.succeeded is not True else None,
        "failed_step": step,
        "truncated": "tail" if layout.cut_by_limit else None,
        **_names(head[:40]),
        **_versions(log, layout, head),
    }
    return msgspec.convert({k: v for k, v in known.items() if v}, Facts) if known else Facts()


def merge(found: Facts, known: Facts) -> Facts:
    """Return the facts of the log with those of the job API and the command line laid over them."""
    given = {f: getattr(known, f) for f in known.__struct_fields__ if getattr(known, f) not in (None, ())}
    return msgspec.structs.replace(found, **given)


def failing_step_name(layout: Layout) -> str | None:
    """Return the name of the last step that failed, as the builder prints it."""
    failed = [s for s in layout.steps if s.failed]
    return failed[-1].title.name[:200] if failed else None


def _search(pattern: re.Pattern[str], lines: Iterable[str], group: str) -> str | None:
    for line in lines:
        if match := pattern.search(line):
            return str(match[group])
    return None


def _first_group(match: re.Match[str]) -> str:
    return next(v for v in match.groups() if v)


def _names(head: list[str]) -> dict[str, str | None]:
    for before, line in pairwise(head):
        if "Running with gitlab-runner" in before and (match := _NAME.match(line)):
            return {"runner_name": match["name"], "runner_token": match["token"]}
    return {}


def _executor(head: list[str]) -> str | None:
    for line in head:
        if match := _EXECUTOR.search(line):
            return match["name"] or str(match["word"]).lower()
    return None


def _services(head: list[str]) -> list[dict[str, str]]:
    names: dict[str, None] = {}
    for line in head:
        if match := _SERVICE.search(line):
            names[match["name"]] = None
    return [{"name": n, "alias": _alias(n)} for n in names]


def _alias(image: str) -> str:
    """Return the name under which a service is reached when no alias is given: the image's path, `/` as `__`."""
    return image.split("@")[0].rsplit(":", 1)[0].replace("/", "__") if "/" in image else image.split(":")[0]


def _method(commands: list[str], image: str | None, survey: Survey) -> Method | None:
    """The method of the last command that builds or pushes; else the image; else what the output says."""
    for text in reversed(commands):
        for method, pattern in _METHODS:
            if pattern.search(text) and _BUILD_WORDS.search(text):
                return method
    for text in reversed(commands):
        for method, pattern in _METHODS:
            if pattern.search(text):
                return method
    if image:
        if "kaniko" in image:
            return "kaniko"
        if "buildkit" in image:
            return "rootless" if "rootless" in image else "native"
        if "buildah" in image:
            return "buildah"
    return next((method for method, word in _OUTPUT_METHODS if survey.holds(word)), None)


def _platforms(layout: Layout, commands: list[str]) -> list[str]:
    found = {s.title.platform: None for s in layout.steps if s.title.platform}
    for text in commands:
        for match in _PLATFORM_OPTION.finditer(text):
            found.update({p: None for p in (match["list"] or match["list2"]).split(",") if p})
    return list(found)


def _registries(layout: Layout) -> list[str]:
    found: dict[str, None] = {}
    for step in layout.steps:
        if match := _REGISTRY.search(step.title.name):
            found[match["host"]] = None
    return list(found)


def _exit_code(log: Log, layout: Layout) -> int | None:
    if layout.final is None:
        return None
    match = _EXIT.search(log.line(layout.final).text)
    return int(_first_group(match)) if match else None


def _versions(log: Log, layout: Layout, head: list[str]) -> dict[str, str]:
    """Versions printed by tools in the script and named in images."""
    script = next((s.start for s in layout.sections if is_script(s.name)), 1)
    lines = [*head, *(log.line(n).text for n in log.numbers(script, script + HEAD_LINES))]
    found: dict[str, str] = {}
    text = "\n".join(lines)
    for name, pattern in _VERSIONS.items():
        words = [word for word in _VERSION_WORDS[name] if word in text]
        for line in lines if words else ():
            if any(word in line for word in words) and (match := pattern.search(line)):
                found[name] = _first_group(match)
                break
    return found
