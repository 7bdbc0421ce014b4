"""From a fix and the file that it is for to the changed file, or to the reason why nothing is changed."""

import msgspec

from bkdoctor.fixes.ci_config import Reader
from bkdoctor.fixes.diff import unified
from bkdoctor.fixes.dockerfile_edit import edit_dockerfile
from bkdoctor.fixes.json_edit import edit_json
from bkdoctor.fixes.line_edit import edit_ignore, replace_text
from bkdoctor.fixes.result import CannotEdit, Change, Refusal, Unchanged
from bkdoctor.fixes.runner_edit import edit_buildkitd, edit_helm, edit_runner
from bkdoctor.fixes.toml_tree import parse
from bkdoctor.fixes.wanting import missing_value
from bkdoctor.fixes.yaml_tree import documents
from bkdoctor.model import Edit, Facts, Fix, Location

_CI = ".gitlab-ci.yml"
EDITABLE = frozenset({".gitlab-ci.yml", "config.toml", "buildkitd.toml", "daemon.json", "Dockerfile", ".dockerignore"})
"""The files that fixes are merged into; others are for hands."""


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """What the user and the log say of the place of an edit."""

    facts: Facts = Facts()
    location: Location = Location()
    read: Reader = lambda _: None
    """Gives other files of the project."""
    whole: str | None = None
    """The CI configuration as GitLab merged it."""
    job: str | None = None
    runner: str | None = None


def apply(fix: Fix, path: str, text: str | None, where: Where) -> tuple[Change, ...] | Refusal | Unchanged:
    """Return the files that a fix changes, given the one it is for; `text` is None if there is no such file."""
    edit = fix.edit
    if not isinstance(edit, Edit) or fix.file not in EDITABLE:
        return Refusal(f"what it changes is no file of the project ({fix.file}): do what its snippet says")
    if reason := missing_value(edit):
        return Refusal(reason)
    try:
        changes = _changes(fix, edit, path, text, where)
        if not changes:
            return Unchanged(path)
        _check_stable(fix, edit, path, text, where, changes)
    except CannotEdit as error:
        return Refusal(str(error))
    except RecursionError:
        return Refusal(f"{path} is nested too deeply")
    return tuple(changes)


def with_diff(fix: Fix, changes: tuple[Change, ...]) -> Fix:
    """Return the fix with the diff of these changes."""
    return msgspec.structs.replace(fix, diff="".join(unified(change) for change in changes))


def examples_in(fix: Fix, changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return what changes bring that is there to be replaced."""
    known = fix.edit.examples if isinstance(fix.edit, Edit) else ()
    return tuple(w for w in known if any(w in c.after and w not in (c.before or "") for c in changes))


def _changes(fix: Fix, edit: Edit, path: str, text: str | None, where: Where) -> list[Change]:
    if fix.file == _CI and not edit.replace:
        from bkdoctor.fixes.ci_edit import edit_ci

        text = _there(path, text)
        return edit_ci(path, text, edit, where.facts, read=where.read, job=where.job, whole=where.whole)
    after = _edited(fix, edit, path, text, where)
    return [] if after == text else [Change(path=path, before=text, after=after)]


def _edited(fix: Fix, edit: Edit, path: str, text: str | None, where: Where) -> str:
    """Return the text of a file that is edited on its own."""
    snippet = edit.snippet or ""
    if edit.replace:
        return _replaced(fix, edit, _there(path, text), where)
    if fix.file == ".dockerignore":
        return edit_ignore(text, snippet)
    if fix.file == "daemon.json":
        return edit_json(text, snippet)
    if fix.file == "Dockerfile":
        return edit_dockerfile(path, _there(path, text), edit, where.location, where.read)
    if fix.file == "buildkitd.toml":
        return edit_buildkitd(_there(path, text), snippet)
    if path.endswith((".yml", ".yaml")):
        return edit_helm(_there(path, text), snippet, where.facts, where.runner)
    return edit_runner(_there(path, text), snippet, where.facts, where.runner)


def _replaced(fix: Fix, edit: Edit, text: str, where: Where) -> str:
    after = replace_text(text, edit.replace, where.location, dockerfile=fix.file == "Dockerfile")
    if fix.file == _CI:
        documents(after)
    if fix.file.endswith(".toml"):
        parse(after)
    return after


def _there(path: str, text: str | None) -> str:
    if text is None:
        raise CannotEdit(f"there is no {path}")
    return text


def _check_stable(fix: Fix, edit: Edit, path: str, text: str | None, where: Where, changes: list[Change]) -> None:
    """Raise CannotEdit unless the changed files are valid and need no further change."""
    made = {change.path: change.after for change in changes}

    def read(name: str) -> str | None:
        return made.get(name) or where.read(name)

    # the job is known by its script, which may just have changed
    again = msgspec.structs.replace(where, read=read, job=changes[0].job or where.job)
    if _changes(fix, edit, path, made.get(path, text), again):
        raise CannotEdit("the change would not be the same a second time")
