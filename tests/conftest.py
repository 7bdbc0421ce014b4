"""What every test gets: an environment that says nothing of the machine, and the command line as `cli`."""

import os
from pathlib import Path

import pytest

from tests.commands import Cli

_OURS = ("BKDOCTOR_", "GITLAB", "CI_", "OAUTH_TOKEN", "PYTHON_GITLAB_CFG", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in os.environ:
        if name.startswith(_OURS) and name != "BKDOCTOR_ALL":
            monkeypatch.delenv(name)
    cache = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Return the command line, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Cli(monkeypatch, capsys)
