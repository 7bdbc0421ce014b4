"""`explain`: what you see, why, what to change, in this order and with the values of the first example."""

from pathlib import Path
from typing import Any

import msgspec

from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.pattern import Pattern
from bkdoctor.explain import render_entry
from tests.catalogs import TYPES, pattern


def page(**more: Any) -> str:
    fields = pattern("lines = ['frobnicate: <what:word> is gone']") | more
    return render_entry(Entry(Path("run/x-y.toml"), msgspec.convert(fields, Pattern), TYPES))


SEEN = {"log": "frobnicate: \x1b[31mgizmo\x1b[0m is gone\n", "captures": {"what": "gizmo"}}
OTHER = {"log": "x", "match": False, "why": "it is here"}


def test_the_order() -> None:
    fix = {
        "title": "Get a `<what>`",
        "file": "Dockerfile",
        "snippet": "RUN get",
        "when": {"runner": ">=18.11"},
        "note": "It costs.",
    }
    text = page(example=[SEEN, OTHER], fix=[fix], transient=True)
    order = ["Title", "run/x-y · author can change it", "may pass", "What you see", "    frobnicate: gizmo is gone", "Why", "Cause.",
             "Fix 1: Get a `gizmo`", "in Dockerfile", "where runner >= 18.11", "    RUN get", "It costs.", "Not to be confused with",
             "- it is here", "https://example.com"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "\x1b" not in text


def test_values_of_the_example_stand_in_the_words() -> None:
    explain = {
        "summary": "S.",
        "cause": "The `<what>` of <job|the job> is gone.",
        "references": ["https://example.com"],
    }
    assert "The `gizmo` of the job is gone." in page(example=[SEEN], explain=explain)
    assert "The `<what>` of" in page(explain=explain)


def test_each_kind_of_fix_shows_something() -> None:
    base = {"title": "T", "file": ".gitlab-ci.yml"}
    assert "bkdoctor snippet METHOD auth" in page(fix=[base | {"recipe": "auth"}])
    assert "bkdoctor snippet native auth" in page(fix=[base | {"recipe": "native/auth"}])
    assert "docker build ...\n    --push" in page(
        fix=[base | {"command": {"run": ["docker build"], "add": ["--push"]}}]
    )
    assert "    after" in page(fix=[base | {"replace": [{"find": "before", "with": "after"}]}])
    assert "    a: <job>" in page(fix=[base | {"snippet": "a: <job>"}])


def test_it_fits_a_terminal() -> None:
    explain = {"summary": "S.", "cause": "word " * 100, "references": ["https://example.com"]}
    assert max(len(line) for line in page(explain=explain).splitlines()) <= 80
