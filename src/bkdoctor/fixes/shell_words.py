"""From the text of a script to its commands: words with their places, comments and here-documents left out."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<blank>(?:[ \t]|\\\n)+)
    |(?P<comment>\#[^\n]*)
    |(?P<here><<-?[ \t]*(?P<quote>["']?)(?P<end>\w+)(?P=quote))
    |(?P<op>&&|\|\||;;|[;|\n()]|&(?![>\d]))
    |(?P<word>(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\((?:[^()]|\([^()]*\))*\)|\$\{[^{}]*\}|[<>]&\d?|&>
       |[^\s;|&()'"\\]|['"\\&()])+)""",
    re.VERBOSE | re.DOTALL,
)
_QUIET = frozenset({"echo", "printf", "grep", "cat", "test", "[", "#"})
"""Commands of which an argument that reads like a command is none."""


class Word(NamedTuple):
    """A word as it is spelled."""

    start: int
    end: int
    text: str


class Run(NamedTuple):
    """A command in a text: its words, and where its arguments begin among them."""

    words: tuple[Word, ...]
    first: int
    begin: int = 0
    """Where its name begins among them."""


def commands(text: str) -> list[tuple[Word, ...]]:
    """Return the simple commands of a script."""
    found: list[list[Word]] = [[]]
    position, waiting = 0, ""
    while match := _TOKEN.match(text, position):
        position = match.end()
        if match["here"]:
            waiting = match["end"]
        elif match["op"]:
            found.append([])
            if match["op"] == "\n" and waiting:
                position = _behind_here_document(text, position, waiting)
                waiting = ""
        elif match["word"]:
            found[-1].append(Word(match.start(), match.end(), match[0]))
    return [tuple(words) for words in found if words]


def _behind_here_document(text: str, position: int, end: str) -> int:
    match = re.compile(rf"^[ \t]*{re.escape(end)}[ \t]*$\n?", re.MULTILINE).search(text, position)
    return match.end() if match else len(text)


def runs(text: str, names: Sequence[str]) -> list[Run]:
    """Return where a text runs one of the commands; a name is its words: `docker buildx build`."""
    found = []
    for words in commands(text):
        for name in names:
            if place := _place([w.text for w in words], name.split()):
                found.append(Run(words, place[1], place[0]))
                break
    return found


def _place(words: list[str], name: list[str]) -> tuple[int, int] | None:
    """Return where a command's name and where its arguments begin."""
    for start, word in enumerate(words):
        if word in _QUIET:
            return None
        if word == name[0] or (word.rpartition("/")[2] == name[0]):
            first = _behind(words, start + 1, name[1:])
            return None if first is None else (start, first)
    return None


def _behind(words: list[str], position: int, rest: list[str]) -> int | None:
    """Return where the arguments begin behind the words of a command, which may have options between them."""
    for part in rest:
        while position < len(words) and words[position].startswith("-"):
            takes = "=" not in words[position] and words[position + 1 : position + 2] != [part]
            position += 2 if takes else 1
        if words[position : position + 1] != [part]:
            return None
        position += 1
    return position
