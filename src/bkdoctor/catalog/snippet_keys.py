"""A snippet of config.toml or buildkitd.toml -> its keys that the tool does not have, or has later than `when` says."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from bkdoctor.config.keys import Kind, Version, version
from bkdoctor.config.lint import key_faults

_OF: dict[Kind, str] = {"config.toml": "runner", "buildkitd.toml": "buildkit"}
_OLDEST: dict[str, Version] = {"runner": (15, 0), "buildkit": (0, 10)}
"""What a snippet that names no version must work with: releases of mid-2022."""


def check_keys(snippet: str, file: str, when: Mapping[str, str | list[str]]) -> Iterator[str]:
    """Yield the faults of a snippet whose placeholders are filled; nothing for other files and for what is no TOML."""
    for kind, product in _OF.items():
        if file != kind:
            continue
        try:
            data = tomllib.loads(snippet)
        except tomllib.TOMLDecodeError:
            return
        oldest = lower_bound(when.get(product, "")) or _OLDEST[product]
        for fault in key_faults(_whole(data), kind, oldest):
            if fault.reason == "newer" and fault.since:
                since = ".".join(map(str, fault.since))
                yield f'{_path(fault.path)} came with {product} {since}: say when.{product} = ">={since}"'
            else:
                yield f"in {kind}: {fault.text}"


def lower_bound(wanted: str | list[str]) -> Version | None:
    """Return the oldest version that a comparison such as `>=18.11,<19` lets through."""
    found = re.search(r">=?\s*(\d+(?:\.\d+)*)", wanted) if isinstance(wanted, str) else None
    return version(found[1] if "." in found[1] else f"{found[1]}.0") if found else None


def _whole(data: dict[str, Any]) -> dict[str, Any]:
    """Return a snippet as a whole file: GitLab's pages write `[runners.docker]` for a table of `[[runners]]`."""
    runners = data.get("runners")
    return {**data, "runners": [runners]} if isinstance(runners, dict) else data


def _path(path: tuple[str | int, ...]) -> str:
    return ".".join(part for part in path if isinstance(part, str))
