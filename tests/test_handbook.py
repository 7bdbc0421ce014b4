"""The pages of docs/catalogue: filled with the example's values, linked, and safe whatever a log holds."""

from typing import Any

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.handbook import index, page, pages
from tests import catalogs

MATCH = "lines = ['cannot find <thing:path>']"
EXPLAIN = {
    "summary": "There is no `<thing>` <where|anywhere>.",
    "cause": "It is <gone>, see other-failure, not `other-failure`. For itself see run-fails.",
    "references": ["https://docs.gitlab.com/ci/", "javascript:alert(1)"],
    "checked": "2026-11-24",
}


def example(log: str, **more: Any) -> dict[str, Any]:
    return {"log": log, "captures": {"thing": "a/b"}} | more


def made(**more: Any) -> Catalog:
    """Return a catalogue of run-fails, with these keys, and other-failure."""
    fields = {"explain": EXPLAIN, "example": [example("cannot find a/b\n")]} | more
    return catalogs.catalog(run_fails=catalogs.pattern(MATCH, **fields), tls__other_failure=catalogs.pattern(MATCH))


def text(**more: Any) -> str:
    catalog = made(**more)
    return page(catalog.entries["run-fails"], catalog)


def test_texts_are_filled_with_the_values_of_the_first_example() -> None:
    assert "There is no `a/b` anywhere." in text()


def test_an_id_is_a_link_where_it_is_no_code_and_another_one() -> None:
    shown = text()
    assert "see [other-failure](other-failure.md), not `other-failure`" in shown
    assert "For itself see run-fails." in shown


def test_what_is_no_code_cannot_become_html_or_a_link_to_elsewhere() -> None:
    shown = text(title="<img src=x> breaks")
    assert "# \\<img src=x> breaks" in shown
    assert "\\<gone>" in shown
    assert "<https://docs.gitlab.com/ci/>" in shown
    assert "<javascript:" not in shown
    assert "](javascript" not in shown


def test_a_log_stays_in_its_fence() -> None:
    shown = text(example=[example("cannot find a/b\n```\n# not a heading\n````\n")])
    assert "`````text\ncannot find a/b\n```\n# not a heading\n````\n`````" in shown


def test_other_wordings_follow_and_at_most_three_logs_are_shown() -> None:
    shown = text(example=[example(f"cannot find a/b {n}\n") for n in range(5)])
    assert shown.count("cannot find a/b") == 3
    assert shown.count("Other wordings:") == 1


def test_what_looks_alike_is_told_with_its_log() -> None:
    other = {"match": False, "why": "a thing that is there: see other-failure", "log": "cannot find time\n"}
    shown = text(example=[example("cannot find a/b\n"), other])
    head, told = shown.split("## Not to be confused with")
    assert "A thing that is there: see [other-failure](other-failure.md)." in told
    assert "cannot find time" in told
    assert "cannot find time" not in head


def test_a_fix_says_where_it_fits_who_applies_it_and_what_it_costs() -> None:
    fix = {
        "title": "Make `<thing>`",
        "file": "config.toml",
        "when": {"runner": ">=18.11", "has": ["other"], "place": ["chain"]},
        "note": "It costs.",
        "snippet": 'path = "<thing:basename>"',
    }
    shown = text(fix=[fix])
    assert "### 1. Make `a/b`" in shown
    assert "In `config.toml`, by the runner's administrator; review before use. Where runner >= 18.11." in shown
    assert 'It costs.\n\n```toml\npath = "b"\n```' in shown


def test_a_command_is_shown_edited_as_the_example_has_it() -> None:
    fix = {
        "title": "Say so",
        "file": ".gitlab-ci.yml",
        "risk": "safe",
        "command": {"run": ["buildctl build"], "add": ["--opt filename=<thing:basename>"]},
    }
    shown = text(fix=[fix], example=[example("$ buildctl build --progress=plain\ncannot find a/b\n")])
    assert "```sh\nbuildctl build --progress=plain --opt filename=b\n```" in shown


def test_a_failure_without_a_log_is_told_by_its_reason() -> None:
    fields = catalogs.pattern(
        "facts = { failure_reason = ['stuck'] }", example=[{"facts": {"failure_reason": "stuck"}}]
    )
    catalog = catalogs.catalog(no_runner=fields)
    shown = page(catalog.entries["no-runner"], catalog)
    assert "the failure reason `stuck`; the job has no log of its own." in shown


def test_the_index_lists_every_page_by_family() -> None:
    catalog = made(title="A | B")
    shown = index(catalog)
    assert shown.index("## run") < shown.index("## tls")
    assert "| [run-fails](run-fails.md) | A \\| B | the author of the change |" in shown
    assert [name for name, _ in pages(catalog)] == ["README.md", "run-fails.md", "other-failure.md"]
