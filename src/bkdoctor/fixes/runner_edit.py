"""From a fix's snippet and a runner's config.toml to the file with the snippet in the `[[runners]]` entry of the log.

Also buildkitd.toml, and Helm's values.yaml, whose string `runners.config` is a config.toml with template expressions.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bkdoctor.fixes.result import CannotEdit, Splice, next_line, spliced
from bkdoctor.fixes.scalar_map import char_map
from bkdoctor.fixes.toml_edit import merge_toml
from bkdoctor.fixes.toml_tree import Table, parse, scan
from bkdoctor.fixes.yaml_tree import Node, documents
from bkdoctor.model import Facts

_PREFIX = re.compile(r"^(?:glrtr?-|GR1348941)(?:t\d_)?")
_TEMPLATE_LINE = re.compile(r"^[ \t]*\{\{(?:[^}]|\}(?!\}))*\}\}[ \t]*$", re.MULTILINE)
_HEAD = re.compile(r"^[ \t]*\[", re.MULTILINE)
_TEMPLATE = re.compile(r"\{\{(?:[^}]|\}(?!\}))*\}\}")


def edit_buildkitd(text: str, snippet: str) -> str:
    """Return a buildkitd.toml with the snippet merged into it. Raises CannotEdit."""
    parse(text)
    return merge_toml(text, snippet)


def edit_runner(text: str, snippet: str, facts: Facts, runner: str | None) -> str:
    """Return a config.toml with the snippet merged into the entry that the log names. Raises CannotEdit.

    Args:
        text: the file.
        snippet: a partial document, its tables written `[runners.docker]`.
        facts: the runner's name, token and executor as the log has them.
        runner: the name of the entry that the user chose.
    """
    data = parse(text)
    if not any(t.key[:1] == ("runners",) for t in scan(snippet)):
        return merge_toml(text, snippet)
    runners = data.get("runners")
    if not isinstance(runners, list) or not runners:
        raise CannotEdit("it has no [[runners]] entry")
    return merge_toml(text, snippet, _scope(scan(text), _choose(runners, facts, runner)))


def _scope(tables: Sequence[Table], number: int) -> slice:
    """Return which tables belong to an entry."""
    heads = [n for n, t in enumerate(tables) if t.key == ("runners",) and t.array]
    start = heads[number]
    stop = next((n for n in range(start + 1, len(tables)) if n in heads or tables[n].key[:1] != ("runners",)), None)
    return slice(start, len(tables) if stop is None else stop)


def _choose(runners: Sequence[Mapping[str, Any]], facts: Facts, wanted: str | None) -> int:
    """Return the number of the entry: by name, else by the token's first characters, else by executor."""
    everything = list(range(len(runners)))
    if wanted is not None:
        fitting = [n for n in everything if runners[n].get("name") == wanted]
        if len(fitting) == 1:
            return fitting[0]
        raise CannotEdit(
            f"{'several entries have' if fitting else 'no entry has'} the name {wanted}: {_names(runners)}"
        )
    tests: list[Callable[[Mapping[str, Any]], bool]] = [
        lambda r: facts.runner_name is not None and r.get("name") == facts.runner_name,
        lambda r: _has_token(r, facts.runner_token),
        lambda r: facts.executor is not None and r.get("executor") == facts.executor,
    ]
    fitting = everything
    for test in tests:
        fitting = [n for n in fitting if test(runners[n])] or fitting
    if len(fitting) > 1:
        which = _names([runners[n] for n in fitting])
        raise CannotEdit(f"several entries may be the log's runner ({which}): choose one with --runner NAME")
    _check(runners[fitting[0]], facts)
    return fitting[0]


def _has_token(runner: Mapping[str, Any], short: str | None) -> bool:
    token = runner.get("token")
    if not short or not isinstance(token, str):
        return False
    return token.startswith(short) or _PREFIX.sub("", token).startswith(_PREFIX.sub("", short))


def _check(runner: Mapping[str, Any], facts: Facts) -> None:
    executor = runner.get("executor")
    if isinstance(executor, str) and facts.executor not in (None, executor):
        name = runner.get("name", "without a name")
        raise CannotEdit(f"the only entry, {name}, is for the executor {executor}, and the log's is {facts.executor}")


def _names(runners: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(str(r.get("name", f"one without a name for {r.get('executor')}")) for r in runners)


def edit_helm(text: str, snippet: str, facts: Facts, runner: str | None) -> str:
    """Return a values.yaml with the snippet merged into its string `runners.config`. Raises CannotEdit."""
    node = _config_of(text)
    if node.style != "|":
        raise CannotEdit("its runners.config is no literal block (|)")
    chars = char_map(text, node)
    config = node.value
    masked = _masked(config)
    after = edit_runner(masked, snippet, facts, runner)
    made = [_outside_blocks(config, splice) for splice in _difference(masked, after)]
    return spliced(text, [_in_text(text, chars, splice) for splice in made])


def _config_of(text: str) -> Node:
    for root in documents(text):
        for node in root.walk():
            runners = node.get("runners") if node.kind == "map" else None
            config = runners.real.get("config") if runners is not None else None
            if config is not None and config.kind == "scalar" and config.value.strip():
                return config
    raise CannotEdit("it has no string runners.config")


def _masked(config: str) -> str:
    """Return a text of the same length in which template expressions are comments and numbers."""
    lines = _TEMPLATE_LINE.sub(lambda m: "#" * len(m[0]), config)
    return _TEMPLATE.sub(lambda m: "1" * len(m[0]), lines)


def _outside_blocks(config: str, splice: Splice) -> Splice:
    """Put new lines behind a template block, unless their table begins in it. Raises CannotEdit."""
    start, end = next((b for b in _blocks(config) if b[0] < splice.start <= b[1]), (0, 0))
    if splice.start != splice.end or not end or splice.start == end:
        return splice
    heads = [m.start() for m in _HEAD.finditer(config)]
    if not _HEAD.match(splice.text.lstrip("\n")):
        if any(start < head < splice.start for head in heads):
            return splice
        if any(splice.start <= head < end for head in heads):
            raise CannotEdit("its runners.config has template blocks around the place of the change: change it by hand")
    return Splice(end, end, splice.text)


def _blocks(config: str) -> list[tuple[int, int]]:
    """Return where the outermost template blocks begin, and where the line behind each begins."""
    found: list[tuple[int, int]] = []
    open_: list[int] = []
    for match in _TEMPLATE.finditer(config):
        word = re.match(r"\{\{-?\s*(\w+)", match[0])
        if word and word[1] in ("if", "range", "with", "define", "block"):
            open_.append(match.start())
        elif word and word[1] == "end" and open_:
            start = open_.pop()
            found += [] if open_ else [(start, next_line(config, match.end()))]
    return found


def _difference(before: str, after: str) -> list[Splice]:
    """Return the splices that make one text of the other, in whole lines where lines are new."""
    import difflib

    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    out = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            out += _narrowed(Splice(starts[i1], starts[i2], "".join(new[j1:j2])), before)
    return out


def _narrowed(splice: Splice, before: str) -> list[Splice]:
    """Leave out what a splice does not change at its ends, so that a template expression in a line survives."""
    old, new = before[splice.start : splice.end], splice.text
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return [Splice(splice.start + head, splice.end - tail, new[head : len(new) - tail])]


def _in_text(text: str, chars: Sequence[Any], splice: Splice) -> Splice:
    """Return a splice of a literal block's value as one of the text: what it adds is indented like the block."""
    first = chars[0].start
    indent = " " * (first - (text.rfind("\n", 0, first) + 1))
    new = re.sub(r"\n(?=[^\n])", f"\n{indent}", splice.text)
    if splice.start >= len(chars):
        end = chars[-1].end
        return Splice(end, end, (indent if text[end - 1 : end] == "\n" else "") + new)
    start = chars[splice.start].start
    if splice.start == splice.end and (splice.start == 0 or chars[splice.start - 1].char == "\n"):
        line = text.rfind("\n", 0, start) + 1
        return Splice(line, line, (indent if new.strip("\n") and new[0] != "\n" else "") + new)
    return Splice(start, chars[splice.end - 1].end if splice.end > splice.start else start, new)
