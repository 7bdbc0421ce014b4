"""How many examples a property is tried on: the same ones in every run, or `make fuzz`'s many new ones."""

import os
from typing import Any

from hypothesis import settings

FUZZ = int(os.environ.get("BKDOCTOR_FUZZ", "0"))
"""How many times as many examples are tried; 0: the same ones each time, so that a run says what the last one said."""


def examples(count: int, **more: Any) -> settings:
    """Return the settings of a property; no test depends on how fast the machine is."""
    return settings(max_examples=count * max(1, FUZZ), deadline=None, derandomize=not FUZZ, **more)
