"""From what the user wants checked to a POSIX shell script that checks it."""

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal

from bkdoctor.errors import UsageError

Wanted = Literal["rootless", "native", "buildx"]
METHODS: tuple[Wanted, ...] = ("rootless", "native", "buildx")

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:\d{1,5})?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_START = "\nmain() {\n"


def script(
    *, registries: Sequence[str] = (), variables: Sequence[str] = (), method: str | None = None, strict: bool = False
) -> str:
    """Return the script; what is given becomes the default of its variables, which the environment overrides.

    Raises UsageError for a registry that is no host, a variable that is no name, and an unknown method.
    """
    for host in registries:
        if not _HOST.fullmatch(host):
            raise UsageError(f"--registry {host}: not a host. Write it as HOST or HOST:PORT, without a path.")
    for name in variables:
        if not _VARIABLE.fullmatch(name):
            raise UsageError(f"--variable {name}: not the name of a variable. Write it without $.")
    if method is not None and method not in METHODS:
        raise UsageError(f"--method {method}: write one of {', '.join(METHODS)}.")
    given = {
        "REGISTRIES": " ".join(registries),
        "VARIABLES": " ".join(variables),
        "METHOD": method or "",
        "STRICT": "1" if strict else "",
    }
    defaults = [f': "${{BKDOCTOR_PREFLIGHT_{name}={value}}}"' for name, value in given.items() if value]
    head, start, rest = _text().partition(_START)
    return head + "".join(f"\n{line}" for line in defaults) + ("\n" if defaults else "") + start + rest


def _text() -> str:
    parts = sorted((p for p in files(__package__).joinpath("script").iterdir()), key=lambda p: p.name)
    return "".join(part.read_text(encoding="utf-8") for part in parts if part.name.endswith(".sh"))
