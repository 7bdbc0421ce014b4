"""From a CI configuration and a file that it includes to one text that says the same, for GitLab to judge.

GitLab lints a text; what that includes it reads from the repository, where a proposed change is not yet.
"""

from bkdoctor.fixes.ci_config import entries_of_include, name_of_include
from bkdoctor.fixes.result import CannotEdit, Splice, spliced
from bkdoctor.fixes.yaml_tree import Node, documents
from bkdoctor.fixes.yaml_write import in_brackets


def with_included(main: str, path: str, text: str) -> str | None:
    """Return the configuration with an included file's text in the place of its `include`.

    None where that is not the same: the file is not included by the main one itself, takes inputs, or both have a key.
    """
    try:
        roots, others = documents(main), documents(text)
    except CannotEdit:
        return None
    if len(roots) != 1 or len(others) != 1 or not roots[0].kind == others[0].kind == "map":
        return None
    root, other = roots[0], others[0]
    left = [e for e in entries_of_include(root) if name_of_include(e) != path]
    if len(left) == len(entries_of_include(root)) or root.flow or other.flow:
        return None
    mine, theirs = ({k.value for k, _ in node.pairs} - {"include"} for node in (root, other))
    if mine & theirs:
        return None
    list_ = Node("seq", 0, 0, items=[*left, *entries_of_include(other)])
    head = spliced(main, [_include(root, f"include: {in_brackets(list_)}")])
    return f"{head}\n{spliced(text, [_include(other, '')] if other.get('include') else [])}"


def _include(root: Node, new: str) -> Splice:
    key = root.key("include")
    value = root.get("include")
    return Splice(key.start, max(value.end if value else 0, key.end + 1), new)
