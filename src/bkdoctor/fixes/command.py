"""From an edit of a command's options and the commands that the log shows to the command as it shall read.

Where the log does not show the command, the options stand alone with the command's name.
"""

import re
from collections.abc import Callable, Sequence

from bkdoctor.catalog.pattern import Command

_WIDTH = 78
_WORD = re.compile(
    r"""(?P<op>&&|\|\||[;|&\n])
    |(?P<word>(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\([^()]*\)|\$\{[^{}]*\}|[<>]&\d?|[^\s;|&'"\\]|['"\\](?!\n))+)""",
    re.VERBOSE,
)
_REDIRECTION = re.compile(r"\d*[<>]|&>")
_FLAGS = frozenset(
    "--push --load --use --append --bootstrap --no-cache --pull --rm --force-rm --squash --quiet -q --debug -D"
    " --compress --trace --print --force"
    " --cleanup --no-push --single-snapshot --insecure --reproducible --skip-tls-verify --verbose -v".split()
)
"""Options that take no value as a word of its own: the word behind them is the context."""
_SPELLINGS = {"-t": "--tag", "-o": "--output"}


def edited(edit: Command, commands: Sequence[str], filled: Callable[[str], str]) -> str:
    """Return the last of `commands` that the edit is for, edited; one option a line where it is long.

    `filled` puts values for placeholders into an option.
    """
    changes = [[filled(o) for o in options] for options in (edit.set, edit.add, edit.drop)]
    for text in reversed(commands):
        # the log shows only the first line of these, and a here-document is no list of words
        if text.endswith("# collapsed multi-line command") or "<<" in text:
            continue
        for run in edit.run:
            if (made := change(text, run, *changes)) is not None:
                return made
    return _folded([edit.run[0], *changes[0], *changes[1]]) + _dropped(changes[2])


def _dropped(options: Sequence[str]) -> str:
    return f"\n# without: {' '.join(options)}" if options else ""


def change(text: str, run: str, set_: Sequence[str], add: Sequence[str], drop: Sequence[str]) -> str | None:
    """Return a command line in which the command `run` has options set, added or dropped; None if it is not there.

    Words that stay keep their spelling. An option is known by its name and, where its value is `KEY=...`, by the key:
    `--opt filename=x` replaces `--opt filename=y` and leaves `--opt target=z`. One to drop that has no value is dropped
    whatever its value.
    """
    parts = split(text)
    named = re.compile(rf"(?<![\w.-]){re.escape(run)}(?![\w./-])")
    place = next((n for n, words in enumerate(parts) if named.search(" ".join(words))), None)
    if place is None:
        return None
    words = _with_changes(_groups(parts[place], run), set_, add, drop)
    before = " ".join(w for part in parts[:place] for w in part)
    behind = " ".join(w for part in parts[place + 1 :] for w in part)
    return " ".join(p for p in (before, _folded(words, len(before) + len(behind)), behind) if p)


def split(text: str) -> list[list[str]]:
    """Return the words of each command of a line as they are spelled, quotes and all; operators stand alone."""
    parts: list[list[str]] = [[]]
    for found in _WORD.finditer(text.strip().replace("\\\n", " ")):
        if found["op"]:
            parts += [[found["op"].replace("\n", ";")], []]
        else:
            parts[-1].append(found["word"])
    return [part for part in parts if part]


def _with_changes(groups: list[str], set_: Sequence[str], add: Sequence[str], drop: Sequence[str]) -> list[str]:
    for option in drop:
        groups = [g for g in groups if not (_same(g, option) or _name(g) == _normal(option))]
    for option in set_:
        first = next((n for n, g in enumerate(groups) if _same(g, option)), _end_of_options(groups))
        kept = [g for g in groups if not _same(g, option)]
        groups = [*kept[:first], option, *kept[first:]]
    for option in add:
        if not any(_normal(g) == _normal(option) for g in groups):
            groups.insert(_end_of_options(groups), option)
    return groups


def _groups(words: Sequence[str], run: str) -> list[str]:
    """Join the command's own words, and each option with the value that follows it as a word of its own."""
    out: list[str] = []
    count = run.count(" ") + 1
    for word in words:
        if len(out) >= count and _takes(out[-1], word):
            out[-1] += f" {word}"
        else:
            out.append(word)
    return out


def _takes(option: str, word: str) -> bool:
    is_option = re.fullmatch(r"--?[\w-]*\w", option) is not None
    return is_option and option not in _FLAGS and not word.startswith("-") and not _REDIRECTION.match(word)


def _same(group: str, option: str) -> bool:
    return group.startswith("-") and _key(group) == _key(option)


def _normal(option: str) -> str:
    """Return an option as `--name=value` without quotes, whichever way it is spelled."""
    name, sign, value = re.sub(r"[\"']", "", option).replace(" ", "=", 1).partition("=")
    return _SPELLINGS.get(name, name) + sign + value


def _name(option: str) -> str:
    return _normal(option).partition("=")[0]


def _key(option: str) -> str:
    name, _, value = _normal(option).partition("=")
    key, equals, _ = value.partition("=")
    return f"{name}={key}" if equals else name


def _end_of_options(groups: Sequence[str]) -> int:
    """Return where an option may be put: behind the last one, so that the context and redirections stay last."""
    end = next((n for n, g in enumerate(groups) if _REDIRECTION.match(g)), len(groups))
    options = [n for n in range(end) if groups[n].startswith("-") and groups[n] != "-"]
    if options:
        return options[-1] + 1
    words = [n for n in range(end) if not re.match(r"\w+=", groups[n])]
    return words[-1] if len(words) > 2 and _is_context(groups[words[-1]]) else end


def _is_context(word: str) -> bool:
    return re.search(r"^[.$~\"'-]|/|:", word) is not None


def _folded(groups: Sequence[str], more: int = 0) -> str:
    line = " ".join(groups)
    if len(line) + more <= _WIDTH:
        return line
    start = next((n for n, g in enumerate(groups) if g.startswith("-")), len(groups))
    first = " ".join(groups[: max(start, 1)])
    return " \\\n  ".join([first, *groups[max(start, 1) :]])
