"""Words of a shell command -> what they say, as it may stand between double quotes, and back to words.

Variables and command substitutions stay as they are; only the quotes around them change.
"""

import re

from bkdoctor.fixes.result import CannotEdit

_PARTS = re.compile(
    r"""(?P<single>'[^']*')
    |"(?P<double>(?:\\.|[^"\\])*)"
    |\\(?P<escaped>.)
    |(?P<plain>\$\((?:[^()]|\([^()]*\))*\)|\$\{[^{}]*\}|[^'"\\])""",
    re.VERBOSE | re.DOTALL,
)
_SAFE = re.compile(r"[\w./:@%+=,-]+")
_WHOLE_VARIABLE = re.compile(r"\$(?:\w+|\{\w+\})")
_REDIRECTION = re.compile(r"\d*[<>]|&>")


def inner(word: str) -> str:
    """Return a word as it may stand between double quotes. Raises CannotEdit for `$'...'`."""
    if word.startswith("$'") or "=$'" in word:
        raise CannotEdit(f"the word {word} is quoted in a way that only some shells know")
    out = []
    for part in _PARTS.finditer(word):
        if part["single"] is not None:
            out.append(re.sub(r'([\\"$`])', r"\\\1", part["single"][1:-1]))
        elif part["double"] is not None:
            out.append(part["double"].replace("\\\n", ""))
        elif part["escaped"] is not None:
            out.append({"\n": ""}.get(part["escaped"], re.sub(r'([\\"$`])', r"\\\1", part["escaped"])))
        else:
            out.append(part["plain"])
    text = "".join(out)
    return f"$HOME{text[1:]}" if word.startswith("~/") else text


def quoted(text: str) -> str:
    """Return what stands between double quotes as a word, without quotes where it needs none."""
    return text if _SAFE.fullmatch(text) else f'"{text}"'


def option(name: str, value: str) -> str:
    """Return `--name value`."""
    return f"{name} {quoted(value)}"


def csv_field(text: str) -> str:
    """Return a value as one field of a comma-separated option between double quotes."""
    return f'\\"{text}\\"' if "," in text else text


def split_tail(words: list[str]) -> tuple[list[str], list[str]]:
    """Return the words of a command, and its redirections."""
    end = next((n for n, word in enumerate(words) if _REDIRECTION.match(word)), len(words))
    return words[:end], words[end:]


def is_variable(text: str) -> bool:
    """Whether a text is a variable and nothing else."""
    return _WHOLE_VARIABLE.fullmatch(text) is not None


def directory(path: str) -> str:
    """Return the directory of a path; of a variable the shell finds it."""
    if is_variable(path):
        return f'$(dirname "{path}")'
    head, slash, _ = path.rstrip("/").rpartition("/")
    return (head or "/") if slash else "."


def name_of(path: str) -> str:
    """Return the last part of a path; of a variable the shell finds it."""
    return f'$(basename "{path}")' if is_variable(path) else path.rstrip("/").rpartition("/")[2]


def join(directory_: str, path: str) -> str:
    """Return a path below a directory."""
    below = path.removeprefix("./").rstrip("/")
    if below in ("", "."):
        return directory_
    return below if directory_ in (".", "./") else f"{directory_.rstrip('/')}/{below}"


def host_of(name: str) -> str:
    """Return the registry of an image's name, with variables as the shell will know them."""
    first, slash, _ = name.partition("/")
    if re.match(r"\$\{?CI_REGISTRY_IMAGE\b", first):
        return "$CI_REGISTRY"
    if slash and ("$" in first or "." in first or ":" in first or first == "localhost"):
        return first
    variable = re.match(r"\$\{?(\w+)\}?", name)
    return f"${{{variable[1]}%%/*}}" if variable else "docker.io"


def without_tag(name: str) -> str:
    """Return an image's name without its tag and digest."""
    mask = re.sub(r"\$\{[^{}]*\}|\$\([^()]*\)", lambda part: "x" * len(part[0]), name).partition("@")[0]
    colon = mask.rfind(":")
    return name[:colon] if colon > mask.rfind("/") else name[: len(mask)]
