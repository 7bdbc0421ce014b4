"""From a setting of the runner for the build container to the same for a service's, where the builder is a service.

A service's container has settings of its own, and on Kubernetes a name: that of its first alias which may be one
(runner 17.9 and later), else `svc-0`, `svc-1` and so on.
"""

import re

import msgspec

from bkdoctor.fixes.wanting import missing_value
from bkdoctor.model import Edit, Facts, Fix

_LABEL = re.compile(r"^\W*service:(?P<image>(?:[^\]/]*/)*[^\]/-]+)-(?P<alias>[^\]/-]+)\]")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_ANNOTATION = re.compile(r"(?P<key>\.apparmor\.security\.beta\.kubernetes\.io/)build\b")
_CONTEXT = re.compile(r"\bbuild_container_security_context\b")
_DOCKER = re.compile(r"^(?P<indent>[ \t]*)security_opt(?=\s*=)", re.MULTILINE)
_NAMED_BY_ALIAS = (17, 9)
_OWN_OPTIONS = (15, 10)


def alias_of(line: str) -> str | None:
    """Return the alias of the service that printed a line, `[service:IMAGE-ALIAS] ...`; None where it is not clear."""
    match = _LABEL.match(line)
    return match["alias"] if match and _DNS_LABEL.fullmatch(match["alias"]) else None


def for_service(fix: Fix, facts: Facts, alias: str | None) -> Fix:
    """Return a fix of config.toml whose settings are for the container of a service instead of the job's."""
    edit = fix.edit
    if fix.file != "config.toml" or not isinstance(edit, Edit) or edit.snippet is None:
        return fix
    snippet = _translated(edit.snippet, facts, alias)
    if snippet == edit.snippet:
        return fix
    edit = msgspec.structs.replace(edit, snippet=snippet)
    note = " ".join(n for n in (fix.note, _note(snippet)) if n)
    risk = "review" if missing_value(edit) else fix.risk
    return msgspec.structs.replace(fix, snippet=snippet, edit=edit, note=note, risk=risk)


def _translated(snippet: str, facts: Facts, alias: str | None) -> str:
    snippet = _CONTEXT.sub("service_container_security_context", snippet)
    if _is_older(facts, _NAMED_BY_ALIAS):
        alias = "svc-0"
    snippet = _ANNOTATION.sub(lambda m: f"{m['key']}{alias or '<service.alias>'}", snippet)
    if _is_older(facts, _OWN_OPTIONS):
        return snippet
    return _DOCKER.sub(r"\g<indent>services_security_opt", snippet)


def _is_older(facts: Facts, version: tuple[int, int]) -> bool:
    return facts.runner is not None and tuple(map(int, facts.runner.split(".")[:2])) < version


def _note(snippet: str) -> str:
    words = "The builder runs as a service here, and this is for its container."
    if "kubernetes.io/" not in snippet:
        return words
    return (
        f"{words} Its name is the service's first alias with runner 17.9 or later, where that is a valid DNS label,"
        " else `svc-0`, `svc-1` and so on, as the services stand."
    )
