"""From the images of a fix and those of a job to the fix with the job's own names and versions where they serve."""

from bkdoctor.fixes.workspace import Workspace
from bkdoctor.fixes.yaml_merge import same_flavour
from bkdoctor.fixes.yaml_tree import Node
from bkdoctor.model import Facts


def with_own_images(space: Workspace, patch: Node, facts: Facts, *, renews: bool) -> Node:
    """Return the part of a fix that is for a job, its images called as the job calls them.

    A file may spell an image with a variable; and a fix that is not about a version does not change it, unless it
    `renews` images.
    """
    own = {key: _names(space, key) for key in ("image", "services")}
    pairs = []
    for key, value in patch.pairs:
        if key.value == "image":
            value = _without_name(value, facts) if own["image"] else value
        if key.value in own and not renews:
            value = _kept(value, own[key.value])
        pairs.append((key, value))
    return Node("map", 0, 0, pairs=pairs)


def _names(space: Workspace, key: str) -> list[Node]:
    found = space.config.effective(space.job, key)
    if found is None:
        return []
    real = found.node.real
    named = [_name(item.real) for item in (real.items if real.kind == "seq" else [real])]
    return [name for name in named if name is not None]


def _name(node: Node) -> Node | None:
    value = node.get("name") if node.kind == "map" else node
    return value.real if value is not None and value.real.kind == "scalar" else None


def _without_name(image: Node, facts: Facts) -> Node:
    """Leave the image's name out where it is that of the log."""
    if image.kind != "map":
        return image
    return Node(
        "map", 0, 0, pairs=[(k, v) for k, v in image.pairs if not (k.value == "name" and v.value == facts.image)]
    )


def _kept(value: Node, own: list[Node]) -> Node:
    if value.kind == "seq":
        return Node("seq", 0, 0, items=[_kept(item, own) for item in value.items], style=value.style)
    if value.kind == "map":
        return Node("map", 0, 0, pairs=[(k, _kept(v, own) if k.value == "name" else v) for k, v in value.pairs])
    return next((name for name in own if same_flavour(name.value, value.value)), value)
