"""From plain values to JSON that is safe to show: no control or invisible character, no half of one, stands in it."""

import re
from typing import Any

import msgspec

from bkdoctor.text import INVISIBLE

# JSON need not escape these, but a terminal, a log viewer or JavaScript would act on them.
_ACTIVE = re.compile(f"[{INVISIBLE}\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def to_json(value: Any) -> str:
    """Return the value as one line of JSON and a newline."""
    try:
        document = msgspec.json.encode(value)
    except UnicodeEncodeError:
        document = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(value)))
    return _ACTIVE.sub(_escape, document.decode()) + "\n"


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("utf-16-be").hex("|", 2).join(("|", "")).replace("|", "\\u")


def _without_surrogates(value: Any) -> Any:
    """Halves of characters, which no UTF-8 can hold, become the replacement character."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
