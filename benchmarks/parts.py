"""Measures parts of a diagnosis in one process with pytest-benchmark, each beside what it could be at best.

    python -m pytest benchmarks/parts.py

In each group the first line is the floor; the number in parentheses behind a time is its ratio to the fastest.
"""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import regex

from benchmarks import logs
from bkdoctor.catalog import store
from bkdoctor.catalog.catalog import Catalog, load
from bkdoctor.catalog.template import Template
from bkdoctor.doctor import diagnose
from bkdoctor.trace.finder import AhoCorasickFinder, HyperscanFinder
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment

Benchmark = Callable[..., Any]


@cache
def catalog() -> Catalog:
    return load([])


@cache
def trace() -> bytes:
    return b"".join(logs.build(10_000_000))


@pytest.mark.benchmark(group="searching 10 MB for the catalogue's literals")
@pytest.mark.parametrize("what", ["counting newlines", "hyperscan", "ahocorasick_rs"])
def test_search(benchmark: Benchmark, what: str) -> None:
    text = b"\n" + trace() + b"\n"
    finders = {"hyperscan": HyperscanFinder, "ahocorasick_rs": AhoCorasickFinder}
    if what in finders:
        benchmark(finders[what](catalog().literals).scan, text)
    else:
        benchmark(text.count, b"\n")


@pytest.mark.benchmark(group="a log of 10 MB")
@pytest.mark.parametrize("what", ["counting newlines", "the survey", "the structure", "the whole diagnosis"])
def test_diagnosis(benchmark: Benchmark, what: str) -> None:
    text, searcher = trace(), catalog().searcher
    _ = searcher.fast
    parts: dict[str, Callable[[], object]] = {
        "counting newlines": lambda: text.count(b"\n"),
        "the survey": lambda: Log(text, searcher).survey,
        "the structure": lambda: segment(Log(text, searcher)),
        "the whole diagnosis": lambda: diagnose(text, catalog()),
    }
    benchmark(parts[what])


@pytest.mark.benchmark(group="the catalogue")
@pytest.mark.parametrize("what", ["reading the file", "from its file", "from the pattern files"])
def test_catalogue(benchmark: Benchmark, what: str, tmp_path: Path) -> None:
    store.load_stored([], builtin=True, cache=tmp_path)
    (file,) = tmp_path.glob("catalog-*")
    parts: dict[str, Callable[[], object]] = {
        "reading the file": file.read_bytes,
        "from its file": lambda: store.load_stored([], builtin=True, cache=tmp_path),
        "from the pattern files": lambda: load([]).index,
    }
    benchmark(parts[what])


@pytest.mark.benchmark(group="one line of 30 kB and the regexes that are given as such")
@pytest.mark.parametrize("what", ["a plain regex", "the slowest of the catalogue"])
def test_regexes(benchmark: Benchmark, what: str) -> None:
    if what == "a plain regex":
        plain = regex.compile(r"(?:(?!\x01).)*+")
        benchmark(plain.search, "a" * 30_000)
        return
    templates = [t for entry in catalog().entries.values() for t in entry.templates() if t.is_regex]
    lines = [(t, t.literal + filler * (30_000 // len(filler))) for t in templates for filler in ("a", " ", "0.")]
    template, line = max(lines, key=lambda pair: _seconds(*pair))
    benchmark(template.match, line)


def _seconds(template: Template, line: str) -> float:
    start = os.times().user
    template.match(line)
    return os.times().user - start


@pytest.mark.benchmark(group="a report")
@pytest.mark.parametrize("form", ["json", "markdown", "terminal"])
def test_render(benchmark: Benchmark, form: str) -> None:
    from bkdoctor.render import load as renderer

    report = diagnose(trace()[-100_000:], catalog())
    assert msgspec.json.encode(report)
    benchmark(renderer(form), report)
