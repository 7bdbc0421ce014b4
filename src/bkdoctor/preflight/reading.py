"""From a Log that holds the output of a preflight somewhere to its checks and what it knows of the job."""

import re
from typing import Literal, cast
from urllib.parse import unquote

import msgspec

from bkdoctor.errors import InputError
from bkdoctor.text import one_line
from bkdoctor.trace.holding import holding
from bkdoctor.trace.log import Log

Status = Literal["ok", "warn", "fail", "skip"]

VERSION = "1"
_MARK = b"bkdoctor-preflight/"
_LINE = re.compile(
    r"\s*bkdoctor-preflight/(?P<version>\d+) (?P<kind>begin|end|fact|ok|warn|fail|skip)(?: (?P<rest>.*))?"
)
_HUMAN = re.compile(r"\s{0,4}(?P<word>ok|WARN|FAIL|-)\s+(?P<name>[a-z][a-z-]*)\s+(?P<text>\S.*)")
_TITLE = re.compile(r"\s*bkdoctor preflight: ")
_MOST_CHECKS = 300


class Check(msgspec.Struct, frozen=True):
    """One check of the preflight, and how it ended."""

    name: str
    status: Status
    values: dict[str, str]
    line: int
    """The line to show: that with the sentence for people, where it is there."""
    text: str
    """The sentence for people; the values, where it is not there."""
    own_line: int
    """The line for programs."""


class Preflight(msgspec.Struct, frozen=True):
    """What the last preflight of a log found."""

    checks: tuple[Check, ...]
    facts: dict[str, str]
    finished: bool
    """Whether its last line is there."""


def read(log: Log, name: str) -> Preflight:
    """Return the last preflight of a log that `name` stands for. Raises InputError where there is none."""
    found = [(n, m) for n in holding(log, list(log.numbers()), (_MARK,)) if (m := _LINE.fullmatch(log.line(n).body))]
    if not found:
        raise InputError(
            f"{name}: there is no output of a preflight in it. Run the script that `bkdoctor preflight` prints in the "
            "job, and give its log."
        )
    start = max((i for i, (_, m) in enumerate(found) if m["kind"] == "begin"), default=-1)
    own = found[start + 1 :]
    versions = {m["version"] for _, m in found[max(start, 0) :]} - {VERSION}
    if versions:
        raise InputError(
            f"{name}: the preflight writes form {sorted(versions)[0]}, and this bkdoctor reads form {VERSION}. "
            "Print the script anew with `bkdoctor preflight`."
        )
    end = next((i for i, (_, m) in enumerate(own) if m["kind"] == "end"), None)
    checks = [_check(n, m) for n, m in own[:end] if m["kind"] in ("ok", "warn", "fail", "skip")][:_MOST_CHECKS]
    facts = dict(_words(m["rest"] or "") for _, m in own[:end] if m["kind"] == "fact")
    told = _sentences(log, found[start][0] if start >= 0 else found[0][0])
    return Preflight(tuple(_told(checks, told)), facts, end is not None)


def _check(number: int, match: re.Match[str]) -> Check:
    name, _, rest = (match["rest"] or "").partition(" ")
    values = dict(map(_words, rest.split()))
    text = ", ".join(f"{key} {value}" for key, value in values.items())
    return Check(name, cast("Status", match["kind"]), values, number, text, number)


def _words(word: str) -> tuple[str, str]:
    key, _, value = word.partition("=")
    return key, one_line(unquote(value)).strip()


def _sentences(log: Log, begin: int) -> list[tuple[int, str, str]]:
    """Return the lines for people above the first line for programs: number, check, sentence."""
    told: list[tuple[int, str, str]] = []
    before = list(log.numbers(max(1, begin - 2 * _MOST_CHECKS), begin))
    for number in reversed(before):
        body = log.line(number).body
        if _TITLE.match(body):
            break
        if match := _HUMAN.fullmatch(body):
            told.append((number, match["name"], match["text"].strip()))
    return told[::-1]


def _told(checks: list[Check], told: list[tuple[int, str, str]]) -> list[Check]:
    if [check.name for check in checks] != [name for _, name, _ in told]:
        return checks
    return [
        msgspec.structs.replace(check, line=number, text=text)
        for check, (number, _, text) in zip(checks, told, strict=True)
    ]
