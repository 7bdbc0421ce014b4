"""Programs that some tests need: a test without one is skipped by name, and fails where everything must run."""

import os
import shutil
from typing import NoReturn

import pytest


def program(name: str, package: str) -> str:
    """Return the path of a program of this Debian package."""
    return shutil.which(name) or missing(f"{name} is not installed: apt-get install {package}")


def missing(why: str) -> NoReturn:
    """Skip the test, or fail it under BKDOCTOR_ALL."""
    if os.environ.get("BKDOCTOR_ALL"):
        pytest.fail(why)
    pytest.skip(why)
