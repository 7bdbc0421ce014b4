"""The nouns that pass between the stages: facts, evidence, fixes, findings and the report.

All are frozen. A value that is not known is None (or empty) and absent from the JSON report,
except where the report's format names the field as always present.
"""

from typing import Literal

import msgspec

SCHEMA = "bkdoctor.report/1"

Role = Literal["cause", "symptom", "hint"]
Phase = Literal["prepare", "source", "connect", "auth", "pull", "context", "build", "cache", "push", "finish"]
Owner = Literal["author", "runner-admin", "registry-admin", "gitlab-admin", "upstream"]
Confidence = Literal["high", "medium", "low"]
Risk = Literal["safe", "review"]
Verdict = Literal["diagnosed", "unknown", "passed", "empty"]
Method = Literal["rootless", "native", "buildx", "docker", "bake", "compose", "kaniko", "buildah"]
SnippetPlace = Literal["above", "first", "joined"]
Place = Literal["runner", "service", "daemon-log", "script", "step", "dump", "chain"]


class Service(msgspec.Struct, frozen=True, omit_defaults=True):
    """A service container of the job."""

    name: str
    alias: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the log, the job API and the command line say about the job; None or empty is "not known"."""

    method: Method | None = None
    executor: str | None = None
    runner: str | None = None
    """Version X.Y.Z of gitlab-runner, without what follows `~` or `-`; so all the versions below."""
    kubernetes: str | None = None
    buildkit: str | None = None
    buildx: str | None = None
    docker: str | None = None
    kaniko: str | None = None
    runner_name: str | None = None
    runner_token: str | None = None
    """The first characters of the runner's token, as the header prints them."""
    image: str | None = None
    services: tuple[Service, ...] = ()
    platforms: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    job: str | None = None
    stage: str | None = None
    ref: str | None = None
    project: str | None = None
    status: str | None = None
    failure_reason: str | None = None
    exit_code: int | None = None
    web_url: str | None = None
    failed_section: str | None = None
    failed_step: str | None = None
    truncated: Literal["head", "tail", "middle"] | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a trace comes from."""

    name: str | None = None
    """A file's name, `<stdin>`, or the job as the user named it."""
    job_id: int | None = None
    url: str | None = None


class Evidence(msgspec.Struct, frozen=True):
    """One line of the log that proves a finding."""

    line: int
    """Number in the raw trace, counted by `\\n` from 1: the number of a GitLab `#L123` link."""
    text: str
    """Cleaned and redacted, at most 400 characters."""


class Location(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where in the job a failure stands, as far as it is known."""

    section: str | None = None
    step: str | None = None
    stage: str | None = None
    platform: str | None = None
    instruction: str | None = None
    dockerfile: str | None = None
    dockerfile_line: int | None = None


class CommandEdit(msgspec.Struct, frozen=True):
    """Options of a command that are set, added or dropped, filled in with this log's values."""

    run: tuple[str, ...]
    set: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    before: str = ""
    """What stands in front of the command: another command and what joins them, or variables for it."""


class BaseEdit(msgspec.Struct, frozen=True):
    """The version in the tag of a base image."""

    images: tuple[str, ...]
    """`NAME`, or `NAME:TAG` with `{}` where the version stands in the tag and `*` for what may stand there too."""
    version: str
    """What is wanted, as a tool says it: `1.24.0`, `>=18.12`, `^18 || >=20`."""
    parts: int = 2
    """Of the version, as many are written."""
    exact: bool = False
    """Whether a newer version does not serve."""


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What a fix does to its file, filled in with this log's values: exactly one of snippet, replace, command and base.

    Gaps that nothing fills keep their placeholder, and `<job>` stands for the job wherever it is meant.
    """

    snippet: str | None = None
    replace: tuple[tuple[str, str], ...] = ()
    """Texts to find, each with what stands there afterwards."""
    command: CommandEdit | None = None
    base: BaseEdit | None = None
    at: SnippetPlace | None = None
    """Where a Dockerfile's snippet is written; None: it shows a form, for hands."""
    recipe: bool = False
    """Whether the snippet is a recipe: a whole job, of which a job that works already lacks one section."""
    examples: tuple[str, ...] = ()
    """What it brings that is there to be replaced: no value of the log."""
    probe: bool = False
    """Whether it finds out more, and cures nothing."""
    renews: bool = False
    """Whether its images go in place of others with a version of their own."""
    commands: tuple[str, ...] = ()
    """What the log shows of the job's script: it tells which job of a file it was."""


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """One change that cures a finding, filled in with this log's values."""

    title: str
    file: str
    language: str
    risk: Risk
    owner: Owner
    condition: str | None = None
    """What must hold for the fix to fit, in words; None: it fits wherever the finding holds."""
    fits: Literal["yes", "unknown"] = "yes"
    """`unknown`: the log does not tell the fact that `condition` names."""
    snippet: str
    """Never empty: a partial document, or the changed lines as they shall read."""
    diff: str | None = None
    note: str | None = None
    """What the fix costs or leaves open, one sentence of Markdown; None: nothing."""
    references: tuple[str, ...] = ()
    edit: Edit | msgspec.UnsetType = msgspec.UNSET
    """What `apply` does to the user's file; no part of the JSON report."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One failure that a pattern recognised."""

    id: str
    family: str
    title: str
    role: Role
    phase: Phase
    confidence: Confidence
    owner: Owner
    transient: bool
    generic: bool
    location: Location
    summary: str
    """One sentence of Markdown; values from the log stand in code spans."""
    explanation: str
    captures: dict[str, str]
    evidence: tuple[Evidence, ...]
    """At most 12; the first is the decisive line."""
    fixes: tuple[Fix, ...]
    references: tuple[str, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one log: the JSON document `bkdoctor.report/1`."""

    schema: str = SCHEMA
    verdict: Verdict
    source: Source
    facts: Facts
    findings: tuple[Finding, ...] = ()
    signature: str | None = None
    """Stable across runs of the same failure; None for a job that passed."""
    excerpt: tuple[Evidence, ...] = ()
    """At most 20 lines worth reading; there for every failed job, and where a piece of a log has errors."""
    decisive: int | None = None
    """The line of the excerpt that reads like the first real error; None where nothing failed or nothing reads so."""
    notes: tuple[str, ...] = ()
    """What the reader must know of the answer itself: a cut trace, a pattern that ran out of time."""
