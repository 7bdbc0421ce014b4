"""What a command builds, whichever tool runs it -> the command for buildctl or for docker buildx."""

import re
from dataclasses import dataclass, field

from bkdoctor.migrate.flags import Given, Target, on
from bkdoctor.migrate.words import csv_field, directory, is_variable, join, name_of, option, quoted

METADATA = "build-metadata.json"
_TOP = re.compile(r"\.|(?:\$CI_PROJECT_DIR|\$\{CI_PROJECT_DIR\}|\$PWD|\$\(pwd\))/?|\./")


@dataclass(slots=True)
class Build:
    """A build; every text stands between double quotes."""

    target: Target
    context: str = "."
    remote: bool = False
    """Whether BuildKit fetches the context itself, from a URL."""
    dockerfile: str = "Dockerfile"
    """From the job's directory on; in a context that BuildKit fetches, from its top."""
    names: list[str] = field(default_factory=list)
    push: bool = True
    load: bool = False
    """Whether the engine shall have the image too."""
    options: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    """Further outputs: archives, directories."""
    cache_from: list[str] = field(default_factory=list)
    cache_to: list[str] = field(default_factory=list)
    metadata: bool = False
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    config: dict[str, list[str]] = field(default_factory=dict)
    """Lines of buildkitd.toml by registry."""
    certificates: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Say something that the reader must know, once."""
        if text not in self.notes:
            self.notes.append(text)

    def registry(self, host: str, line: str) -> None:
        """Add a line to a registry's table in buildkitd.toml."""
        lines = self.config.setdefault(host, [])
        if line not in lines:
            lines.append(line)


def apply_row(build: Build, given: Given) -> None:
    """Add what a row without a role says."""
    flag, value = given
    name = f"--{flag.name}"
    if flag.needless or (flag.none and flag.only != build.target):
        if flag.value or on(given):
            build.note(f"{name}: {(flag.needless or flag.none).replace('<value>', value)}")
        return
    if not flag.value and not on(given):
        return
    for template in flag.rootless if build.target == "rootless" else flag.buildx:
        spelled, blank, text = template.partition(" ")
        build.options.append(option(spelled, text.replace("<value>", value)) if blank else spelled)
    build.attributes += [csv_field(a.replace("<value>", value)) for a in flag.attribute]
    if flag.note:
        build.note(f"{name}: {flag.note}")


def command(build: Build) -> str:
    """Return the command, one option a line, with what runs before and after it."""
    parts = _rootless(build) if build.target == "rootless" else _buildx(build)
    joined = " ".join(parts) if len(parts) < 3 else " \\\n  ".join(parts)
    return "\n".join([*build.before, joined, *build.after])


def at_top(context: str) -> bool:
    """Whether a context is the directory in which the job runs."""
    return _TOP.fullmatch(context) is not None


def _rootless(build: Build) -> list[str]:
    path = build.dockerfile
    if build.remote:
        source, name = [option("--opt", f"context={build.context}")], path
    else:
        beside = "/" not in path and not is_variable(path)
        folder = build.context if beside and at_top(build.context) else directory(path)
        source = [option("--local", f"context={build.context}"), option("--local", f"dockerfile={folder}")]
        name = name_of(path)
    return [
        "buildctl-daemonless.sh build",
        "--frontend dockerfile.v0",
        *source,
        *([option("--opt", f"filename={name}")] if name != "Dockerfile" else []),
        *build.options,
        *([option("--metadata-file", METADATA)] if build.metadata else []),
        *(option("--export-cache", value) for value in build.cache_to),
        *(option("--import-cache", value) for value in build.cache_from),
        *(option("--output", value) for value in _outputs(build)),
    ]


def _outputs(build: Build) -> list[str]:
    image = []
    if build.push and build.names:
        image = [",".join(["type=image", csv_field(f"name={','.join(build.names)}"), *build.attributes, "push=true"])]
    return [*image, *build.outputs]


def _buildx(build: Build) -> list[str]:
    path = build.dockerfile
    usual = {join(build.context, "Dockerfile")} | ({"Dockerfile"} if build.remote or at_top(build.context) else set())
    pushes = build.push and bool(build.names)
    outputs = _outputs(build) if pushes and (build.attributes or build.outputs) else build.outputs
    return [
        "docker buildx build",
        *([option("--file", path)] if path not in usual else []),
        *build.options,
        *([option("--metadata-file", METADATA)] if build.metadata else []),
        *(option("--cache-from", value) for value in build.cache_from),
        *(option("--cache-to", value) for value in build.cache_to),
        *(option("--tag", tag) for tag in build.names if not outputs),
        *(option("--output", value) for value in outputs),
        *(["--push"] if pushes and not outputs else []),
        *(["--load"] if build.load else []),
        quoted(build.context),
    ]
