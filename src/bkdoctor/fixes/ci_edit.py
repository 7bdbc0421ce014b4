"""From a fix's edit and .gitlab-ci.yml to the same file with the fix merged into the job that failed.

A job keeps what it inherits, a recipe for one section leaves alone what a job that works has in its own way.
"""

import re
import shlex

from bkdoctor.fixes.ci_commands import edit_commands, not_found
from bkdoctor.fixes.ci_config import SCRIPTS, File, Found, Reader
from bkdoctor.fixes.ci_images import with_own_images
from bkdoctor.fixes.ci_jobs import find_job
from bkdoctor.fixes.ci_scripts import merge_script, put_key
from bkdoctor.fixes.result import CannotEdit, Change
from bkdoctor.fixes.script_lines import FAMILIES, family_of
from bkdoctor.fixes.workspace import Workspace
from bkdoctor.fixes.yaml_merge import covers, merge, merged_node
from bkdoctor.fixes.yaml_tree import Node, documents
from bkdoctor.model import Edit, Facts

_ORDER = ("image", "services", "id_tokens", "variables", "before_script", "script", "after_script")
_OF_THE_METHOD = frozenset({"image", "stage", "services", "after_script"})
_MIGRATED = frozenset({"kaniko", "docker"})
"""The methods of which `migrate` makes BuildKit."""
_NAMES_OF_IMAGES = frozenset({"IMAGE", "IMAGE_TAG"})
"""Variables that no tool reads: they say something only where the job names its image by them."""
_CONNECTION = frozenset("DOCKER_HOST DOCKER_TLS_CERTDIR DOCKER_TLS_VERIFY DOCKER_CERT_PATH BUILDKIT_HOST".split())
"""How a job that works reaches its builder is its own affair."""


def edit_ci(
    path: str, text: str, edit: Edit, facts: Facts, *, read: Reader, job: str | None = None, whole: str | None = None
) -> list[Change]:
    """Return the files that the edit changes; none when they say already what it would write.

    `read` gives the other files of the project, `whole` is the configuration as GitLab merged it, if that is known.
    Raises CannotEdit.
    """
    space = Workspace(path, text, read, whole)
    space.job = find_job(space.config, facts, edit, job)
    if edit.command is not None:
        edit_commands(space, edit.command)
    elif edit.snippet is not None:
        _merge_snippet(space, edit, facts)
    before = {path: text}
    return [
        Change(path=p, before=before.get(p) or read(p), after=after, notes=tuple(space.notes), job=space.job)
        for p, after in space.changed.items()
        if after != before.get(p)
    ]


def _merge_snippet(space: Workspace, edit: Edit, facts: Facts) -> None:
    roots = documents(f"{edit.snippet}\n")
    pairs = roots[-1].pairs if roots else []
    for key, value in pairs:
        if key.value == "<job>":
            _merge_job(space, value, facts, recipe=edit.recipe, renews=edit.renews)
        else:
            _merge_other(space, key, value)
    for needed in (name for _, value in pairs for name in _needed(value)):
        # GitLab refuses a file in which it is missing
        if not space.config.missing and not any(space.config.entries(needed)):
            raise CannotEdit(f"{space.path} has no job {needed}, which the fix has as an example: name your own")


def _needed(job: Node) -> list[str]:
    """Return the jobs that a fix's part for a job needs."""
    needs = job.get("needs")
    items = [item.real for item in needs.items] if needs is not None else []
    named = [item if item.kind == "scalar" else item.get("job") for item in items]
    return [name.value for name in named if name is not None]


def _merge_other(space: Workspace, key: Node, value: Node) -> None:
    """Merge what the fix says beside the job: another job, or a key of the top."""
    config = space.config
    if value.kind == "map" and any(config.entries(key.value)):
        job, space.job = space.job, key.value
        _merge_keys(space, value, recipe=False, section=False)
        space.job = job
        return
    sheet = space.sheet(config.main)
    if config.main.root.get(key.value) is not None:
        merge(sheet, config.main.root, key.value, value, (key.value,))
    else:
        sheet.add_pairs(config.main.root, [(key, value)], apart=value.kind == "map")
    space.write(config.main, sheet.splices)


def _merge_job(space: Workspace, patch: Node, facts: Facts, *, recipe: bool, renews: bool) -> None:
    script = patch.get("script")
    lines = [item.real.value for item in script.items] if script is not None and script.kind == "seq" else []
    family = next((f for line in lines if (f := family_of(line))), None)
    own = {f for _, _, _, node in space.scripts("before_script", "script") if (f := family_of(node.value))}
    if family is not None and family not in own and recipe:
        raise CannotEdit(
            f"{not_found(space, FAMILIES[family])}, so the fix is another job than this{_to_migrate(space, own)}"
        )
    section = recipe and family is not None
    _check_used(space, patch)
    _merge_keys(space, with_own_images(space, patch, facts, renews=renews), recipe=recipe, section=section)


def _check_used(space: Workspace, patch: Node) -> None:
    """Raise CannotEdit if the fix gives a value to the image's name in a way that the job does not read."""
    variables, script = patch.get("variables"), patch.get("script")
    names = {key.value for key, _ in variables.pairs} & _NAMES_OF_IMAGES if variables is not None else set()
    if not names or script is not None:
        return
    nodes = [n for _, _, node in space.config.entries(space.job) for n in node.walk()]
    texts = [n.value for n in [*nodes, *(node for _, _, _, node in space.scripts(*SCRIPTS))]]
    for name in sorted(names):
        if not any(re.search(rf"\$\{{?{name}\b", text) for text in texts):
            raise CannotEdit(f"the job {space.job} does not name its image by ${name}: put the value where it names it")


def _to_migrate(space: Workspace, families: set[str]) -> str:
    """Say which command makes a job of the fix's method of this one."""
    if not families or not families <= _MIGRATED:
        return ""
    found = next(iter(space.config.entries(space.job)), None)
    path = found[0].path if found else space.path
    return f": `bkdoctor migrate {path} --job {shlex.quote(space.job)}` makes it build with BuildKit"


def _merge_keys(space: Workspace, patch: Node, *, recipe: bool, section: bool) -> None:
    def place(pair: tuple[Node, Node]) -> int:
        return _ORDER.index(pair[0].value) if pair[0].value in _ORDER else 3

    for key, value in sorted(patch.pairs, key=place):
        if key.value in SCRIPTS:
            if not (section and key.value == "after_script"):
                merge_script(space, key.value, value, recipe=recipe, section=section)
            continue
        wanted = _of_section(space, key.value, value) if section else value
        if wanted is not None and (wanted.kind != "map" or wanted.pairs):
            _merge_key(space, key.value, wanted)


def _of_section(space: Workspace, key: str, value: Node) -> Node | None:
    """Return what of a recipe's key a job lacks that builds already in the recipe's way."""
    if key == "services":
        found = space.config.effective(space.job, "services")
        return value if found is not None and not all(_is_plain_service(i) for i in value.items) else None
    if key in _OF_THE_METHOD:
        return None
    if key == "variables":
        found = space.config.effective(space.job, "variables")
        mine = found.node.real if found else None
        pairs = [
            (k, v)
            for k, v in value.pairs
            if k.value not in _CONNECTION and (k.value.endswith("_FLAGS") or mine is None or mine.get(k.value) is None)
        ]
        return Node("map", 0, 0, pairs=pairs)
    return value


def _is_plain_service(item: Node) -> bool:
    arguments = item.get("command") if item.kind == "map" else None
    return arguments is None or [a.value for a in arguments.items][:1] == ["--addr"]


def _merge_key(space: Workspace, key: str, patch: Node) -> None:
    """Merge a key that is no script into the job; what the job inherits for it comes into the job first."""
    config = space.config
    patch = _beyond_inherited(space, key, patch)
    if patch.kind == "map" and not patch.pairs:
        return
    entries = list(config.entries(space.job))
    own = config.own(space.job, key)
    inherited = None if own is not None and not own.node.null else config.inherited(space.job, key)
    if own is not None and not own.node.null:
        _in_place(space, own.file, own, key, patch)
        return
    if inherited is not None and covers(inherited.node, patch, (key,)):
        return
    file, _, node = entries[0]
    # an image without its name would be merged along `extends`, but is not valid on its own
    whole = inherited.node.real if inherited and key == "image" else None
    carried = whole or (_carried(inherited, patch) if inherited else None)
    before = space.changed.get(file.path)
    put_key(space, file, node, key, carried or patch, replace=own is not None)
    if carried is None:
        return
    again = space.config.own(space.job, key)
    if again is None or not _in_place(space, again.file, again, key, patch):
        space.restore(file.path, before)


def _beyond_inherited(space: Workspace, key: str, patch: Node) -> Node:
    """Return what of a mapping the job does not inherit key by key: along `extends`, or as a variable of all jobs."""
    config = space.config
    own, inherited = config.own(space.job, key), config.inherited(space.job, key)
    sources = [inherited.node.real] if inherited and inherited.how == "extends" and key != "image" else []
    if key == "variables":
        sources += [value.real for file in config.files if (value := file.root.get(key)) is not None]
    mine = own.node.real if own else None
    pairs = []
    for name, value in patch.pairs:
        theirs = next((there for source in sources if (there := source.get(name.value)) is not None), None)
        if theirs is None or (mine is not None and mine.get(name.value) is not None):
            pairs.append((name, value))
        elif not covers(theirs, value, (key, name.value)):
            scalar = theirs.real.kind == "scalar" and value.kind == "scalar"
            pairs.append((name, merged_node(theirs, value, (key, name.value)) if scalar else value))
    return Node("map", 0, 0, pairs=pairs) if patch.kind == "map" else patch


def _in_place(space: Workspace, file: File, own: Found, key: str, patch: Node) -> bool:
    parent = next(node for f, _, node in space.config.entries(space.job) if f is file and node.get(key) is own.node)
    sheet = space.sheet(file)
    merge(sheet, parent, key, patch, (key,))
    return space.write(file, sheet.splices)


def _carried(inherited: Found, patch: Node) -> Node | None:
    """Return what must stand in the job too, so that a key of its own does not hide it.

    GitLab merges mappings along `extends`, but nothing else.
    """
    node = inherited.node.real
    if inherited.how != "extends" or node.kind != "map" or patch.kind != "map":
        return node
    pairs = []
    for key, value in patch.pairs:
        theirs = node.get(key.value)
        if theirs is not None and theirs.real.kind != "scalar":
            deeper = _carried(Found(theirs, inherited.file, "extends"), value)
            pairs += [(key, deeper)] if deeper is not None else []
    return Node("map", 0, 0, pairs=pairs) if pairs else None
