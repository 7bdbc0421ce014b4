"""Each case fails on the engine, is known, is fixed with what bkdoctor prints, and passes."""

import importlib
from pathlib import Path

import pytest

from tests.engine.cure import Bench, Case, cure

MODULES = sorted(p.stem for p in Path(__file__).parent.glob("cases_*.py"))
CASES: list[Case] = [case for name in MODULES for case in importlib.import_module(f"tests.engine.{name}").CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cure(case: Case, bench: Bench) -> None:
    cure(bench, case)
