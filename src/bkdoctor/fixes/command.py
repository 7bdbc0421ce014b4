"""From an edit of a command's options and the commands that the log shows to the command as it shall read.

Where the log does not show the command, the options stand alone with the command's name.
"""

import re
import shlex
from collections.abc import Callable, Sequence

from bkdoctor.catalog.pattern import Command


def edited(edit: Command, commands: Sequence[str], filled: Callable[[str], str]) -> str:
    """Return the last of `commands` that the edit is for, edited; one option a line.

    `filled` puts values for placeholders into an option.
    """
    changes = [[filled(o) for o in options] for options in (edit.set, edit.add, edit.drop)]
    for text in reversed(commands):
        if any(run in text for run in edit.run) and not text.endswith("# collapsed multi-line command"):
            return change(text, *changes)
    return _folded([edit.run[0], *changes[0], *changes[1]]) + _dropped(changes[2])


def _dropped(options: Sequence[str]) -> str:
    return f"\n# without: {' '.join(options)}" if options else ""


def change(text: str, set_: Sequence[str], add: Sequence[str], drop: Sequence[str]) -> str:
    """Return a command line with options set, added or dropped; the words that stay keep their spelling.

    An option is known by its name and, where its value is `KEY=...`, by the key: `--opt filename=x` replaces
    `--opt filename=y` and leaves `--opt target=z`.
    """
    words = split(text)
    for option in drop:
        words, _ = _without(words, option)
    for option in set_:
        words, place = _without(words, option)
        words[place:place] = [option]
    for option in add:
        if not any(_same(group, option, exactly=True) for group in _groups(words)):
            words.insert(_end_of_options(words), option)
    return _folded(words)


def split(text: str) -> list[str]:
    """Return the words of a command as they are spelled, quotes and all; one that cannot be read comes back whole."""
    try:
        lexer = shlex.shlex(text, posix=False, punctuation_chars=False)
        lexer.whitespace_split = True
        lexer.commenters = ""
        return list(lexer)
    except ValueError:
        return text.split()


def _groups(words: Sequence[str]) -> list[str]:
    """Join each option with the value that follows it as a word of its own."""
    out: list[str] = []
    for word in words:
        if out and re.fullmatch(r"--?[\w-]+", out[-1]) and not word.startswith("-"):
            out[-1] += f" {word}"
        else:
            out.append(word)
    return out


def _same(group: str, option: str, *, exactly: bool = False) -> bool:
    if exactly:
        return _normal(group) == _normal(option)
    return _key(group) == _key(option)


def _normal(option: str) -> str:
    return option.replace(" ", "=", 1)


def _key(option: str) -> str:
    name, _, value = _normal(option).partition("=")
    key, equals, _ = value.partition("=")
    return f"{name}={key}" if equals else name


def _without(words: Sequence[str], option: str) -> tuple[list[str], int]:
    groups = _groups(words)
    kept = [g for g in groups if not _same(g, option)]
    place = next((n for n, g in enumerate(groups) if _same(g, option)), _end_of_options(groups))
    return kept, min(place, len(kept))


def _end_of_options(words: Sequence[str]) -> int:
    """Return where an option may be put: before a last word that is the context, and before any redirection."""
    for n, word in enumerate(words):
        if word in ("|", "||", "&&", ";", ">", ">>") or word.startswith((">", "2>")):
            return n
    last = words[-1] if words else ""
    return len(words) - 1 if last and not last.startswith("-") and len(words) > 2 and " " not in last else len(words)


def _folded(words: Sequence[str]) -> str:
    groups = _groups(words)
    line = " ".join(groups)
    if len(line) <= 78:
        return line
    start = next((n for n, g in enumerate(groups) if g.startswith("-")), len(groups))
    first = " ".join(groups[: max(start, 1)])
    return " \\\n  ".join([first, *groups[max(start, 1) :]])
