"""The engine as a fixture; what it needs is looked for first, and what is missing is said."""

import os
import re
from collections.abc import Generator, Iterator

import pytest

from tests.engine.cure import Bench
from tests.engine.machine import Machine
from tests.engine.sandbox import missing

ALL = "BKDOCTOR_ALL"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts the engine."""
    for item in items:
        if "machine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a skip be a failure where all tests must run."""
    report = yield
    if report.skipped and os.environ.get(ALL) and item.get_closest_marker("engine"):
        report.outcome = "failed"
        report.longrepr = f"{ALL} is set, and this was to be skipped: {call.excinfo and call.excinfo.value}"
    return report


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Return the machine that all tests share."""
    if why := missing():
        pytest.skip(why)
    try:
        machine = Machine(tmp_path_factory.mktemp("engine"))
    except OSError as error:
        pytest.skip(f"no engine can be started here: {error}")
    yield machine
    machine.close()


@pytest.fixture
def bench(machine: Machine, request: pytest.FixtureRequest) -> Bench:
    """Return the machine and a folder that it sees, for one project and its jobs."""
    folder = machine.folder / re.sub(r"\W+", "-", request.node.name)
    folder.mkdir()
    return Bench(machine, folder)
