"""What every test gets: an environment that says nothing of the machine, and the command line as `cli`."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.commands import Cli
from tests.postgres import new_database, server
from tests.properties import examples

_OURS = ("BKDOCTOR_", "GITLAB", "CI_", "OAUTH_TOKEN", "PYTHON_GITLAB_CFG", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")

settings.register_profile("bkdoctor", examples(100))
settings.load_profile("bkdoctor")


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


_databases = (f"bot{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server for the whole run, started by the first test that wants it."""
    with server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/bot.db"
    return new_database(request.getfixturevalue("postgres"), next(_databases))
