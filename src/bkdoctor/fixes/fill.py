"""From a text with placeholders and this log's values to the text that a reader sees.

`<name>` is a value, `<name:filter>` a part of it, `<name|words>` the words when there is no value.
"""

import re
from collections.abc import Callable, Mapping

import msgspec

from bkdoctor.text import code_span, one_line, strip_controls

_PLACEHOLDER = re.compile(r"<(?P<name>[a-z][a-z0-9_]*(?:\.[a-z_]+)?)(?::(?P<filter>[a-z]+))?(?:\|(?P<words>[^<>]*))?>")
_IN_SPAN = re.compile(r"`(?P<text>[^`\n]*)`")
_PLAIN = re.compile(r"(?:[\w.:/@+%{}=,~^*!\[\]-]|\$(?!\())+")
_COPY_OF_A_JOB = re.compile(r"(?:: \[.*\]| \d+/\d+)$")
_PLAIN_KEY = re.compile(r"(?!(?i:true|false|null|yes|no|on|off|y|n)$)[A-Za-z_](?:[\w./()+-]| (?!#)|:(?=[^ ]))*(?<! )")

UNKNOWN = {"job": "build-image", "image": "your-image", "ref": "main"}
"""What stands for a fact that the log does not tell, where a snippet cannot do without a name."""


def dirname(value: str) -> str:
    """Return the directory of a path, `.` for a bare name."""
    head = value.rstrip("/").rpartition("/")[0]
    return head or ("/" if value.startswith("/") else ".")


def basename(value: str) -> str:
    """Return the last part of a path."""
    return value.rstrip("/").rpartition("/")[2]


def host(value: str) -> str:
    """Return the host, with its port, of a URL or an image reference; `docker.io` where an image names none."""
    rest = value.partition("://")[2] or value
    first, slash, _ = rest.partition("/")
    first = first.rpartition("@")[2]
    if "://" in value or (slash and ("." in first or ":" in first or first == "localhost")):
        return first
    name, _, port = first.partition(":")
    alone = not slash and ("." in name or name == "localhost" or re.fullmatch(r"\d{4,5}", port))
    return first if alone else "docker.io"


def repository(value: str) -> str:
    """Return an image reference without tag and digest."""
    name = value.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name


def tag(value: str) -> str:
    """Return the tag of an image reference, `latest` where it names none."""
    name = value.partition("@")[0]
    _, colon, tail = name.rpartition(":")
    return tail if colon and "/" not in tail else "latest"


def qualified(value: str) -> str:
    """Return an image reference with its registry, `docker.io/library/` where it names none."""
    if host(value) != "docker.io" or value.startswith("docker.io/"):
        return value
    return f"docker.io/{value}" if "/" in value else f"docker.io/library/{value}"


def lower(value: str) -> str:
    """Return an image reference with its name in lower case and without a scheme; its tag stays."""
    bare = value.partition("://")[2] or value
    name = repository(bare)
    return name.lower() + bare[len(name) :]


def owner(value: str) -> str:
    """Return the user of a `USER:GROUP`."""
    return value.partition(":")[0]


def series(value: str) -> str | None:
    """Return the pattern for all builds of a Debian package's version: `7.88.*` for `1:7.88.1-10+deb12u4`."""
    match = re.fullmatch(r"(?P<epoch>\d+:)?(?P<major>\d+)(?P<minor>\.\d+)?(?:[.+~-][\w.+~:-]*)?", value)
    return f"{match['epoch'] or ''}{match['major']}{match['minor'] or ''}.*" if match else None


def keyword(value: str) -> str | None:
    """Return the Dockerfile instruction that a misspelt word is meant to be; None: it may be something else."""
    import difflib

    word = value.upper()
    nearest = difflib.get_close_matches(word, KEYWORDS, 1, 0.6) if len(word) > 2 else []
    for meant in nearest:
        differing = sum(a != b for a, b in zip(word, meant, strict=False)) + abs(len(word) - len(meant))
        ratio = difflib.SequenceMatcher(None, word, meant).ratio()
        if sorted(word) == sorted(meant) or differing == 1 or ratio >= 0.75:
            return meant
    return None


def _debian(value: str) -> str:
    from bkdoctor.fixes.packages import DEBIAN

    return DEBIAN.get(value, value)


def _alpine(value: str) -> str:
    from bkdoctor.fixes.packages import ALPINE

    return ALPINE.get(value, value)


KEYWORDS = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "ONBUILD", "RUN",
    "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
"""The instructions of a Dockerfile."""
FILTERS: dict[str, Callable[[str], str | None]] = {
    "dirname": dirname, "basename": basename, "host": host, "repository": repository, "tag": tag, "lower": lower,
    "owner": owner, "qualified": qualified, "series": series, "keyword": keyword, "debian": _debian, "alpine": _alpine,
}  # fmt: skip
"""What makes a part or another spelling of a value; None: it has none."""


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with its placeholders filled, for snippets and commands that a reader copies.

    A value that a shell or a file's syntax could take for more than a word is not put in: the placeholder stays, or its
    words stand there.
    """
    plain = {k: v for k, v in values.items() if _PLAIN.fullmatch(v)}
    if "job" in values:
        plain["job"] = job_key(values["job"])
    return _filled(text, plain)


def fill_raw(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with its placeholders filled by values as they are: for what is read and checked, not copied."""
    return _filled(text, values)


def job_name(name: str) -> str:
    """Return the name under which a file has a job, without what tells one of `parallel` jobs from the others."""
    return _COPY_OF_A_JOB.sub("", one_line(name))


def job_key(name: str) -> str:
    """Return the key that a job has in .gitlab-ci.yml, which one of `parallel` jobs does not show as its name."""
    key = job_name(name)
    return key if _PLAIN_KEY.fullmatch(key) else msgspec.json.encode(key).decode()


def _filled(text: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        found = _value(match, values)
        return match[0] if found is None else found

    return _PLACEHOLDER.sub(value, text)


def fill_markdown(text: str, values: Mapping[str, str]) -> str:
    """Return Markdown with its placeholders filled, so that no value can leave the code span it stands in.

    A value outside a code span is put into one.
    """
    out: list[str] = []
    position = 0
    for span in _IN_SPAN.finditer(text):
        out.append(_fill_prose(text[position : span.start()], values))
        inner = _filled(span["text"], {k: strip_controls(v) for k, v in values.items()})
        out.append(code_span(inner) if inner != span["text"] else span[0])
        position = span.end()
    out.append(_fill_prose(text[position:], values))
    return "".join(out)


def _fill_prose(text: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        found = _value(match, values)
        if found is None:
            return match[0]
        return found if found == match["words"] else code_span(strip_controls(found))

    return _PLACEHOLDER.sub(value, text)


def part_of(values: Mapping[str, str], name: str) -> str | None:
    """Return the value of a name, or what a filter makes of it for `name:filter`; None: there is none."""
    name, _, wanted = name.partition(":")
    found = values.get(name) or None
    return FILTERS[wanted](found) or None if found is not None and wanted in FILTERS else found


def _value(match: re.Match[str], values: Mapping[str, str]) -> str | None:
    found = part_of(values, f"{match['name']}:{match['filter'] or ''}")
    if found is None:
        found = match["words"] if match["words"] is not None else UNKNOWN.get(match["name"])
    return found
