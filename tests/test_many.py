"""Many logs are diagnosed in order, by several processes where that pays; one that cannot be read is told, not fatal."""

import json
import multiprocessing
from pathlib import Path

import pytest

from bkdoctor import many
from bkdoctor.errors import InputError
from bkdoctor.session import Session
from tests.traces import job


def logs(folder: Path, count: int) -> list[str]:
    names = []
    for number in range(count):
        name = folder / f"{number}.log"
        name.write_text(job(f"$ make\nfrobnicate {number}: error: gizmo {number} is gone"))
        names.append(str(name))
    return names


@pytest.mark.parametrize("processes", [1, 2])
def test_reports_come_in_order(tmp_path: Path, processes: int) -> None:
    names = [*logs(tmp_path, 12), str(tmp_path / "none.log"), *logs(tmp_path, 3)]
    session = Session.of("json", None, True, False, None)
    results = list(many.reports(names, session.report_of, processes))
    assert isinstance(results[12], InputError)
    texts = [" ".join(e.text for e in r.excerpt) for r in results if not isinstance(r, InputError)]
    assert [f"gizmo {n} is gone" in text for n, text in zip([*range(12), *range(3)], texts, strict=True)] == [True] * 15


def test_no_process_is_left_when_all_reports_are_there(tmp_path: Path) -> None:
    names = logs(tmp_path, 4)
    before = set(multiprocessing.active_children())
    assert len(list(many.reports(names, Session.of("json", None, True, False, None).report_of, 2))) == len(names)
    assert set(multiprocessing.active_children()) <= before


def test_processes_are_started_where_they_pay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "_cores", lambda: 4)
    few = logs(tmp_path, 3)
    assert many.processes_for(few) == 1
    assert many.processes_for(few * 40) == 4
    assert many.processes_for([*few * 40, "-"]) == 1
    with (tmp_path / "large.log").open("wb") as file:
        file.truncate(1_000_000_000)
    assert many.processes_for([*few[:1], str(tmp_path / "large.log")]) == 2


@pytest.mark.parametrize("processes", [1, 2])
def test_the_command_line_says_the_same_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], processes: int
) -> None:
    monkeypatch.setattr(many, "processes_for", lambda _names: processes)
    status = Session.of("json", None, True, False, None).logs([*logs(tmp_path, 5), str(tmp_path / "none.log")])
    said = capsys.readouterr()
    assert status == 4
    assert [Path(json.loads(line)["source"]["name"]).stem for line in said.out.splitlines()] == list("01234")
    assert "none.log: No such file" in said.err


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    many.Progress(5).show(1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    progress = many.Progress(5)
    progress.show(1)
    progress.hide()
    assert capsys.readouterr().err == "\r1 of 5 logs\x1b[K\r\x1b[K"
