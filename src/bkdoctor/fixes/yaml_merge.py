"""From a partial document and a value of the file to the splices that merge the one into the other.

Mappings merge by key, a scalar replaces, a list gains what it lacks. Nothing that is there is lost, and what is there
already is left as it is written.
"""

import re
from collections.abc import Callable, Iterable

from bkdoctor.fixes.result import CannotEdit
from bkdoctor.fixes.yaml_edit import Sheet
from bkdoctor.fixes.yaml_tree import Node
from bkdoctor.fixes.yaml_write import list_node, text_node

Path = tuple[str, ...]
"""Keys from the job down; `*` for an item of a list."""

_NAMES = {"image": "name", "services.*": "name", "needs.*": "job", "retry": "max", "variables.*": "value"}
"""The key of a mapping for which a string may stand alone."""
_FLAGS = re.compile(r"\w*_(?:FLAGS|OPTS|OPTIONS|ARGS)", re.IGNORECASE)
_ASSIGNED = re.compile(r"([A-Za-z_][\w.-]*)=")
_REPEATED = frozenset(
    "--addr --allow-insecure-entitlement --dns --dns-search --insecure-registry --label --registry-mirror".split()
)


def name_key(path: Path) -> str | None:
    """Return the key that a string at this place stands for."""
    general = ".".join("*" if n and path[0] == "variables" else part for n, part in enumerate(path))
    return _NAMES.get(general)


def merge(sheet: Sheet, parent: Node, key: str | int, new: Node, path: Path, *, brackets: bool = False) -> None:
    """Merge `new` into the value that a mapping has for a key, or a list at an index."""
    old = parent.items[key] if isinstance(key, int) else parent.get(key)
    if old is None:
        raise CannotEdit(f"{key} is gone")
    if covers(old, new, path):
        return
    inside = brackets or parent.flow

    def put(value: Node) -> None:
        if isinstance(key, int):
            sheet.replace_item(parent, key, value, brackets=brackets)
        else:
            sheet.replace(parent, key, value, brackets=brackets)

    if _is_argument_list(path) and old.kind == "seq" and (more := _more_arguments(old, new, path)):
        sheet.add_items(old, more)
    elif old.kind == "alias" or old.null or old.kind == new.kind == "scalar" or _is_argument_list(path):
        put(merged_node(old, new, path))
    elif old.kind == "map" and new.kind == "map":
        _mappings(sheet, old, new, path, brackets=inside)
    elif old.kind == "seq" and new.kind == "seq":
        _lists(sheet, old, new, path, brackets=inside)
    elif old.kind == "map" and (name := name_key(path)) and old.get(name) is not None:
        merge(sheet, old, name, new, (*path, name), brackets=inside)
    elif old.kind == "seq":
        sheet.add_items(old, [new])
    else:
        put(merged_node(old, new, path))


def _mappings(sheet: Sheet, old: Node, new: Node, path: Path, *, brackets: bool) -> None:
    lacking: list[tuple[Node, Node]] = []
    for key, value in new.pairs:
        deeper, merged = (*path, key.value), old.merged(key.value)
        if old.get(key.value) is not None:
            merge(sheet, old, key.value, value, deeper, brackets=brackets)
        elif merged is None:
            lacking.append((key, value))
        elif not covers(merged, value, deeper):
            lacking.append((key, merged_node(merged, value, deeper)))
    sheet.add_pairs(old, lacking)


def _lists(sheet: Sheet, old: Node, new: Node, path: Path, *, brackets: bool) -> None:
    if not new.items:
        raise CannotEdit(f"{'.'.join(path)} has entries and shall have none")
    lacking = []
    for item in new.items:
        index = _same_item(old.items, item, (*path, "*"))
        if index is None:
            lacking.append(item)
        else:
            merge(sheet, old, index, item, (*path, "*"), brackets=brackets)
    sheet.add_items(old, lacking)


def covers(old: Node, new: Node, path: Path) -> bool:
    """Say whether merging `new` into `old` changes nothing."""
    old, new = old.real, new.real
    if old.null:
        return new.null
    if _is_argument_list(path):
        return _values(merged_node(old, new, path)) == _values(old)
    if old.kind == "map" and new.kind == "map":
        values = [(old.get(k.value) or old.merged(k.value), n, (*path, k.value)) for k, n in new.pairs]
        return all(value is not None and covers(value, n, deeper) for value, n, deeper in values)
    if old.kind == "seq":
        items = new.items if new.kind == "seq" else [new]
        if not items:
            return not old.items
        found = [(i, _same_item(old.items, i, (*path, "*"))) for i in items]
        return all(n is not None and covers(old.items[n], i, (*path, "*")) for i, n in found)
    if old.kind == "scalar" and new.kind == "scalar":
        return merged_node(old, new, path).value == old.value
    if old.kind == "map" and (name := name_key(path)):
        value = old.get(name)
        return value is not None and covers(value, new, (*path, name))
    return new.kind == "seq" and len(new.items) == 1 and covers(old, new.items[0], path)


def merged_node(old: Node, new: Node, path: Path) -> Node:
    """Return what `old` becomes, as a node of its own."""
    old, new = old.real, new.real
    if old.null or (old.kind != "seq" and path[-1:] == ("entrypoint",)):
        return new
    if _is_argument_list(path):
        return _arguments(old, new, path)
    if old.kind == "scalar" and new.kind == "scalar":
        return _scalar(old, new, path)
    if old.kind == "seq" or new.kind == "seq":
        return _merged_list(old, new, path)
    return _merged_mapping(_as_mapping(old, path), _as_mapping(new, path), path)


def _as_mapping(node: Node, path: Path) -> Node:
    if node.kind == "map":
        return node
    name = name_key(path)
    if name is None:
        raise CannotEdit(f"{'.'.join(path)} is a string, where the fix has keys")
    return Node("map", 0, 0, pairs=[(text_node(name), node)])


def _merged_mapping(old: Node, new: Node, path: Path) -> Node:
    pairs = [(k, v if (n := new.get(k.value)) is None else merged_node(v, n, (*path, k.value))) for k, v in old.pairs]
    return Node("map", 0, 0, pairs=pairs + [(k, v) for k, v in new.pairs if old.get(k.value) is None])


def _merged_list(old: Node, new: Node, path: Path) -> Node:
    items = list(old.items) if old.kind == "seq" else [old]
    for item in new.items if new.kind == "seq" else [new]:
        index = _same_item(items, item, (*path, "*"))
        if index is None:
            items.append(item)
        elif not covers(items[index], item, (*path, "*")):
            items[index] = merged_node(items[index], item, (*path, "*"))
    return list_node(items)


def _scalar(old: Node, new: Node, path: Path) -> Node:
    if path[0] == "variables" and len(path) == 2 and _FLAGS.fullmatch(path[1]):
        return _same_or(old, text_node(" ".join(merged_words(old.value.split(), new.value.split()))))
    if path[0] == "retry" and old.value.isdecimal() and new.value.isdecimal() and int(old.value) > int(new.value):
        return old
    if path[0] in ("image", "services") and path[-1] in ("image", "name", "*") and keeps_image(old.value, new.value):
        return old
    return _same_or(old, new)


def keeps_image(old: str, new: str) -> bool:
    """Say whether an image serves as well as another that has no version: `docker:29-dind` for `docker:dind`."""
    return not re.search(r"\d|\$", _image(new)[1]) and same_flavour(old, new)


def same_flavour(old: str, new: str) -> bool:
    """Say whether an image is another version of one: `docker:24.0.5-dind` of `docker:29-dind`, not of `docker:29`."""
    (old_name, old_tag), (new_name, new_tag) = _image(old), _image(new)
    wanted = {word for word in new_tag.split("-") if not re.search(r"\d", word)} - {"latest", "cli", ""}
    return old_name == new_name and wanted <= set(old_tag.split("-")) and ("dind" in wanted) == ("dind" in old_tag)


def _image(reference: str) -> tuple[str, str]:
    name, _, tag = reference.partition("@")[0].rpartition("/")[2].partition(":")
    return name, tag


def _same_or(old: Node, new: Node) -> Node:
    return old if old.value == new.value else new


def _is_argument_list(path: Path) -> bool:
    return path[-1:] in (("command",), ("entrypoint",)) and path[0] in ("services", "image")


def _values(node: Node) -> list[str]:
    return [i.real.value for i in node.items] if node.kind == "seq" else [node.value]


def _arguments(old: Node, new: Node, path: Path) -> Node:
    words, wanted = _values(old), _values(new)
    if path[-1] == "entrypoint":
        return old if words == wanted else new
    if any("\n" in w or " " in w for w in (*words, *wanted)):
        # a script: it stands for the whole command, which it must hold
        if words == wanted:
            return old
        lost = [w for w in words if not any(w in text for text in wanted)]
        if lost:
            raise CannotEdit(f"the service has a command of its own ({' '.join(words)})")
        return new
    made = merged_words(words, wanted)
    return old if made == words else list_node([_spelled(word, old, new) for word in made])


def _more_arguments(old: Node, new: Node, path: Path) -> list[Node]:
    """Return what is added behind the arguments that are there, if nothing else changes."""
    made, count = merged_node(old, new, path), len(old.items)
    return made.items[count:] if _values(made)[:count] == _values(old) else []


def _spelled(word: str, *lists: Node) -> Node:
    known = (item.real for node in lists for item in (node.items or [node]))
    return next((item for item in known if item.value == word), text_node(word))


def merged_words(words: list[str], wanted: list[str]) -> list[str]:
    """Return a command's arguments with those that it lacks; an option with another value gets the new one."""
    out = _options(words)
    for option in _options(wanted):
        name = option[0].partition("=")[0]
        same = [n for n, o in enumerate(out) if o[0].partition("=")[0] == name]
        if option in out or _joined(option) in map(_joined, out):
            continue
        if same and name.startswith("-") and name not in _REPEATED:
            out[same[0]] = option
        else:
            out.append(option)
    return [word for option in out for word in option]


def _joined(option: Iterable[str]) -> str:
    return "=".join(option)


def _options(words: Iterable[str]) -> list[list[str]]:
    out: list[list[str]] = []
    for word in words:
        if out and len(out[-1]) == 1 and out[-1][0].startswith("--") and "=" not in out[-1][0] and word[:1] != "-":
            out[-1].append(word)
        else:
            out.append([word])
    return out


def _same_item(items: list[Node], new: Node, path: Path) -> int | None:
    """Return the index of the item that `new` is about: an equal one, or one of the same name."""
    for n, item in enumerate(items):
        if _equal(item.real, new.real):
            return n
    identity = _IDENTITIES.get(path[0], _assigned) if len(path) == 2 else _assigned
    names = identity(new.real)
    return next((n for n, item in enumerate(items) if names & identity(item.real)), None)


def _equal(one: Node, other: Node) -> bool:
    if one.kind != other.kind:
        return False
    if one.kind == "scalar":
        return one.value == other.value
    if one.kind == "map":
        return len(one.pairs) == len(other.pairs) and all(
            (v := one.get(k.value)) is not None and _equal(v.real, n.real) for k, n in other.pairs
        )
    pairs = zip(one.items, other.items, strict=False)
    return len(one.items) == len(other.items) and all(_equal(a.real, b.real) for a, b in pairs)


def _assigned(node: Node) -> set[str]:
    match = _ASSIGNED.match(node.value) if node.kind == "scalar" else None
    return {match[1]} if match else set()


def _field(node: Node, key: str) -> str:
    value = node.get(key) if node.kind == "map" else node
    return value.real.value if value is not None and value.real.kind == "scalar" else ""


def service_names(node: Node) -> set[str]:
    """Return the names under which a service is known: its aliases, or what GitLab makes of its image."""
    alias = node.get("alias") if node.kind == "map" else None
    if alias is not None and alias.real.value:
        return set(re.split(r"[ ,]+", alias.real.value))
    image = re.sub(r"(?<=[^/]):[^/:]*$", "", _field(node, "name").partition("@")[0])
    return {image.replace("/", "__"), image.replace("/", "-"), *_last_of(image)} - {""}


def _last_of(image: str) -> set[str]:
    # docker.io/library/docker and a mirror's docker are the same service to a reader
    return {image.rpartition("/")[2]} if image.endswith("/docker") else set()


_IDENTITIES: dict[str, Callable[[Node], set[str]]] = {
    "services": service_names,
    "needs": lambda node: {_field(node, "job")} - {""},
}
