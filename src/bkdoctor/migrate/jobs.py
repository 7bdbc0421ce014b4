"""A .gitlab-ci.yml -> the same file with kaniko and docker builds moved to BuildKit, and what a reader must know."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bkdoctor.fixes.ci_config import SCRIPTS, Reader
from bkdoctor.fixes.ci_edit import edit_ci
from bkdoctor.fixes.ci_scripts import put_key
from bkdoctor.fixes.result import CannotEdit, Change, Splice, line_start, next_line
from bkdoctor.fixes.workspace import Workspace
from bkdoctor.fixes.yaml_tree import Node
from bkdoctor.fixes.yaml_write import list_node, text_node
from bkdoctor.migrate.engine import docker_plan
from bkdoctor.migrate.flags import Target
from bkdoctor.migrate.kaniko import ENVIRONMENT, Exists
from bkdoctor.migrate.lines import Place, distinct, part, replace, sweep, write
from bkdoctor.migrate.needs import Recipes, partial_job
from bkdoctor.migrate.script import KANIKO_CONFIG, Plan, kaniko_plan
from bkdoctor.model import Edit, Facts

_HOMES = {"rootless": "/home/user", "buildx": "/root"}


@dataclass(slots=True)
class Migration:
    """What comes of a file."""

    changes: list[Change] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    """Jobs and templates that were changed."""
    notes: list[str] = field(default_factory=list)
    """What has no counterpart or wants a look, each with its job."""
    refused: list[str] = field(default_factory=list)
    """Jobs that were left as they are, with the reason."""


def migrate(
    path: str, text: str, *, read: Reader, exists: Exists, recipes: Recipes, job: str | None, target: Target
) -> Migration:
    """Return the changed files. Raises CannotEdit where the file cannot be read or has no such job."""
    space = Workspace(path, text, read)
    made = Migration()
    if job is not None and not any(space.config.entries(job)):
        raise CannotEdit(f"there is no job {job}: its jobs are {', '.join(space.config.jobs()) or 'none'}")
    for name in [job] if job is not None else list(_all_jobs(space)):
        before = dict(space.changed)
        try:
            _migrate_job(space, name, exists, recipes, target, made)
        except CannotEdit as error:
            space.changed = before
            space.restore(path, before.get(path))
            made.refused.append(f"{name}: {error}.")
    made.changes = [
        Change(path=p, before=text if p == path else read(p), after=after) for p, after in space.changed.items()
    ]
    made.notes = list(dict.fromkeys([*made.notes, *_left_behind(Workspace(path, text, read), space)]))
    return made


def _left_behind(old: Workspace, new: Workspace) -> Iterator[str]:
    """Name the jobs that have another image now, and do not build."""
    for job in new.config.jobs():
        images = [config.effective(job, "image") for config in (old.config, new.config)]
        before, after = (_plain(found.node.real) if found else "" for found in images)
        new.job = job
        texts = "\n".join(node.value for _, _, _, node in new.scripts(*SCRIPTS))
        if before != after and not re.search("buildctl|docker buildx", texts):
            yield f"{job}: it takes its image from a job that was changed: give it one of its own."


def _plain(node: Node) -> str:
    name = node.get("name") if node.kind == "map" else node
    return name.real.value if name is not None else ""


def _all_jobs(space: Workspace) -> Iterator[str]:
    """Yield the jobs, then the templates: one that a job uses is done by then."""
    yield from space.config.jobs()
    for file in space.config.files:
        yield from (k.value for k, v in file.root.pairs if k.value.startswith(".") and v.real.kind == "map")


def _migrate_job(
    space: Workspace, name: str, exists: Exists, recipes: Recipes, target: Target, made: Migration
) -> None:
    space.job = name
    variables = _variables(space)
    asked = {flag: variables[key] for key, flag in ENVIRONMENT.items() if key in variables}

    def planned() -> tuple[list[Place], list[str], bool, Plan | None]:
        places = distinct(space.scripts(*SCRIPTS))
        texts = [node.value for _, _, _, node in places]
        kaniko = kaniko_plan(texts, target, exists, asked)
        return places, texts, kaniko is not None, kaniko or docker_plan(texts, target)

    places, texts, kaniko, plan = planned()
    if plan is not None and part(space, places, texts, plan):
        places, texts, kaniko, plan = planned()
    if plan is None:
        return
    home = _home(space, places, texts, plan)
    for other in _others(space, places, texts, plan, name):
        made.notes.append(f"{name}: the job {other} runs the same script lines: look at it too.")
    write(space, places, texts, plan)
    if kaniko:
        _move_variables(space, home, target)
    login = kaniko and any(b.push for b in plan.builds) and not _logs_in(plan, variables)
    whole = kaniko or target == "rootless"
    patch = partial_job(recipes, target, plan.builds, whole=whole, login=login, logins=plan.logins)
    _merge(space, home, patch)
    sweep(space, home)
    if not kaniko and target == "rootless":
        _without_engine(space, home)
    if not kaniko and target == "rootless" and any(b.push for b in plan.builds) and not plan.logins:
        made.notes.append(f"{name}: it logs in nowhere: `bkdoctor snippet rootless auth` prints how.")
    made.done.append(home)
    made.notes += [f"{name}: {text}" for build in plan.builds for text in build.notes]
    made.notes += [f"{name}: {text}" for text in plan.notes]


def _variables(space: Workspace) -> Mapping[str, str]:
    found = space.config.effective(space.job, "variables")
    return {k.value: v.real.value for k, v in found.node.real.pairs} if found else {}


def _logs_in(plan: Plan, variables: Mapping[str, str]) -> bool:
    text = "\n".join(plan.texts)
    return "config.json" in text or "docker-credential" in text or "DOCKER_CONFIG" in variables


def _home(space: Workspace, places: list[Place], texts: list[str], plan: Plan) -> str:
    """Return where the changed script stands: the job, or the template that it takes all of it from."""
    for (key, found, _, _), old, new in zip(places, texts, plan.texts, strict=True):
        if old != new and key == "script":
            config, job = space.config, space.job
            own = any(config.own(job, k) for k in ("image", "before_script", "services"))
            return found.source if found.how == "extends" and not own and any(config.entries(found.source)) else job
    return space.job


def _others(space: Workspace, places: list[Place], texts: list[str], plan: Plan, name: str) -> list[str]:
    """Return the jobs that share a changed line by reference or anchor, and do not build with it alone."""
    users: list[str] = []
    for (_, found, _, node), old, new in zip(places, texts, plan.texts, strict=True):
        if old != new and found.how != "extends":
            users += [job for job in space.config.users(node) if job != name]
    return list(dict.fromkeys(users))


def _move_variables(space: Workspace, home: str, target: Target) -> None:
    """Let variables that name kaniko's directory of credentials name that of the new image."""
    space.job = home
    found = space.config.effective(home, "variables")
    values = [v for _, v in found.node.real.pairs if KANIKO_CONFIG in v.value] if found else []
    if found and values:
        sheet = space.sheet(found.file)
        for value in values:
            moved = value.value.replace(KANIKO_CONFIG, f"{_HOMES[target]}/.docker")
            replace(sheet, found.file.root, value, text_node(moved))
        space.write(found.file, sheet.splices)


def _merge(space: Workspace, home: str, patch: str) -> None:
    """Merge a partial job as a fix is merged."""
    text = space.changed.get(space.path, space.text)
    edit = Edit(snippet=patch)
    for change in edit_ci(
        space.path, text, edit, Facts(), read=lambda p: space.changed.get(p) or space.read(p), job=home
    ):
        space.restore(change.path, change.after)


def _without_engine(space: Workspace, home: str) -> None:
    """Take the services that run an engine from a job that needs none."""
    found = space.config.effective(home, "services")
    if found is None:
        return
    items = found.node.real.items
    left = [item for item in items if not _is_engine(item.real)]
    if len(left) == len(items):
        return
    node = list_node([*left])
    node.style = "" if left else "flow"
    file, _, job = next(space.config.entries(home))
    sheet = space.sheet(file)
    if found.how != "own":
        put_key(space, file, job, "services", node, replace=False)
        return
    if left:
        sheet.replace(job, "services", node, brackets=job.flow)
    elif job.flow:
        sheet.replace(job, "services", node, brackets=True)
    else:
        key = job.key("services")
        sheet.splices.append(Splice(line_start(file.text, key.start), next_line(file.text, found.node.end - 1), ""))
    space.write(file, sheet.splices)


def _is_engine(item: Node) -> bool:
    name = item.get("name") if item.kind == "map" else item
    return name is not None and "dind" in name.real.value
