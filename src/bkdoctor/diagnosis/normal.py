"""From a line to what it says, without what changes from job to job: numbers, times, hashes, paths, runners.

Two lines are the same when these are. A signature is made of one, a baseline of many.
"""

import re

from bkdoctor.digests import sha256

_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b0x[0-9a-fA-F]+\b|sha\d+:\S+"), "H"),
    (re.compile(r"\brunner-[\w-]+?-project-\d+-concurrent-\d+(?:-\w+)*"), "R"),
    # a word such as `defaced` is no hash: that has a digit
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{7,}\b"), "H"),
    # mktemp's names, where they are no part of a path
    (re.compile(r"\btmp[._]?(?=\w*[\dA-Z])\w{6,}\b"), "T"),
    (re.compile(r"\b(?:\d+(?:\.\d+)?(?:h|ms|m|s|µs|ns))+\b|\d+(?:[.:]\d+)*"), "N"),
    (re.compile(r"(?:/[\w.+@-]+){2,}/?"), "P"),
    (re.compile(r"\s+"), " "),
)


def normalised(text: str) -> str:
    """Return a line without what changes from job to job."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text.strip()


def signature(kind: str, text: str) -> str:
    """Return 16 hexadecimal digits that are the same for the same failure in another job, at another time."""
    return sha256(f"{kind}\n{normalised(text)}".encode(errors="replace")).hexdigest()[:16]
