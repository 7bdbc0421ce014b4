"""Whole jobs as GitLab gives them: the failed ones are named, the passing ones are silent, the unknown ones say where to look."""

from functools import cache
from pathlib import Path

import pytest

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.doctor import diagnose
from bkdoctor.model import Report, Source
from tests.bless import SAMPLES, note, sample_logs
from tests.catalogs import ours

PASSING = sorted((SAMPLES / "passing").glob("*.log"))
UNKNOWN = sorted((SAMPLES / "unknown").glob("*.log"))
FAILED = [log for log in sample_logs() if log.parent.name != "unknown"]


@cache
def catalog() -> Catalog:
    return ours()


def report(log: Path) -> Report:
    return diagnose(log.read_bytes(), catalog(), source=Source(name=log.name))


def name(log: Path) -> str:
    return f"{log.parent.name}/{log.stem}"


@pytest.mark.parametrize("log", FAILED, ids=name)
def test_a_failed_job_is_answered_by_the_failure_it_is_named_after(log: Path) -> None:
    answer = report(log)

    first = answer.findings[0]
    assert (answer.verdict, f"{first.family}/{first.id}") == ("diagnosed", name(log))


@pytest.mark.parametrize("log", PASSING, ids=name)
def test_a_passing_job_is_silent(log: Path) -> None:
    answer = report(log)

    assert (answer.verdict, [finding.id for finding in answer.findings]) == ("passed", [])


@pytest.mark.parametrize("log", UNKNOWN, ids=name)
def test_an_unknown_failure_shows_lines_and_has_a_signature(log: Path) -> None:
    answer = report(log)

    assert answer.verdict == "unknown"
    assert answer.excerpt
    assert answer.signature


@pytest.mark.parametrize("log", sample_logs(), ids=name)
def test_the_note_beside_a_log_is_current(log: Path) -> None:
    assert log.with_suffix(".md").read_text(encoding="utf-8") == note(log, catalog()), (
        "run make bless, look at the diff"
    )


def test_there_are_enough_samples() -> None:
    assert len(FAILED) >= 45
    assert len(PASSING) >= 27
    assert len(UNKNOWN) >= 4


def test_every_note_has_its_log() -> None:
    assert not [note for note in SAMPLES.glob("*/*.md") if not note.with_suffix(".log").is_file()]
