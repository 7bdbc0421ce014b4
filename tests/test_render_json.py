"""The document `bkdoctor.report/1`, field by field, and what must not be in it."""

import json
import re
from typing import Any

import pytest

from bkdoctor.errors import UsageError
from bkdoctor.render import Options, formats, load
from bkdoctor.render.json import render

from .reports import (
    HOSTILE,
    apparmor,
    diagnosed,
    kaniko_hint,
    missing_package,
    silent,
    step_failed,
    unknown,
    with_strings,
)


def document(text: str) -> Any:
    assert text.endswith("\n")
    assert "\n" not in text[:-1]
    return json.loads(text)


def test_the_outputs_are_the_modules() -> None:
    assert {"json", "markdown", "terminal"} <= set(formats())
    assert not [name for name in formats() if name.startswith("_")]
    assert load("json") is render
    with pytest.raises(UsageError, match=f"Choose one of {', '.join(formats())}"):
        load("_words")


@pytest.mark.parametrize("name", formats())
@pytest.mark.parametrize(
    "report",
    [
        diagnosed(),
        diagnosed(missing_package()),
        unknown(),
        unknown(step_failed()),
        unknown(kaniko_hint()),
        silent("passed"),
        silent("empty"),
    ],
)
@pytest.mark.parametrize("verbose", [False, True])
def test_every_output_renders_every_report(name: str, report: Any, verbose: bool) -> None:
    text = load(name)(report, Options(verbose=verbose))
    assert text == "" or (text.endswith("\n") and not text.endswith("\n\n"))
    assert text == load(name)(report, Options(verbose=verbose))
    text.encode()


def test_the_report_has_its_fields() -> None:
    shown = document(render(diagnosed()))
    assert list(shown)[:7] == ["schema", "verdict", "source", "facts", "findings", "signature", "excerpt"]
    assert shown["schema"] == "bkdoctor.report/1"
    assert shown["verdict"] == "diagnosed"
    assert shown["source"] == {"name": "build.log"}
    assert shown["excerpt"] == [
        {"line": 47, "text": "[rootlesskit:child ] error: failed to share mount point: /: permission denied"}
    ]


def test_a_finding_has_all_its_fields() -> None:
    finding = document(render(diagnosed()))["findings"][0]
    assert set(finding) >= {
        "id",
        "family",
        "title",
        "role",
        "phase",
        "confidence",
        "owner",
        "transient",
        "generic",
        "location",
        "summary",
        "explanation",
        "captures",
        "evidence",
        "fixes",
        "references",
    }
    assert finding["location"] == {"section": "step_script"}
    assert finding["transient"] is False
    assert finding["captures"] == {"path": "/"}
    assert finding["evidence"][0]["line"] == 47
    located = document(render(diagnosed(missing_package())))["findings"][0]["location"]
    assert located == {
        "section": "step_script",
        "step": "[build 2/3] RUN apk add --no-cache gcc-9",
        "stage": "build",
        "platform": "linux/arm64",
        "instruction": "RUN",
        "dockerfile": "docker/Dockerfile",
        "dockerfile_line": 12,
    }


def test_a_fix_has_all_its_fields() -> None:
    fix = document(render(diagnosed(apparmor())))["findings"][0]["fixes"][0]
    assert set(fix) >= {"title", "file", "language", "risk", "owner", "condition", "fits", "snippet", "diff"}
    assert (fix["condition"], fix["fits"]) == ("runner >= 18.11 and Kubernetes >= 1.30", "unknown")
    assert fix["diff"] is None
    plain = document(render(diagnosed(missing_package())))["findings"][0]["fixes"][0]
    assert (plain["condition"], plain["fits"]) == (None, "yes")


def test_an_unknown_fact_is_absent() -> None:
    facts = document(render(unknown()))["facts"]
    assert facts == {"executor": "docker", "exit_code": 2}
    known = document(render(diagnosed()))["facts"]
    assert known["services"] == [{"name": "docker:dind", "alias": "docker"}]


@pytest.mark.parametrize("verdict", ["passed", "empty"])
def test_a_report_without_findings(verdict: str) -> None:
    shown = document(render(silent(verdict)))
    assert shown["findings"] == []
    assert shown["excerpt"] == []
    assert shown["signature"] is None


def test_nothing_in_it_acts_on_a_terminal() -> None:
    text = render(with_strings(diagnosed(), HOSTILE))
    text.encode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
    assert document(text)["findings"][0]["title"] == HOSTILE.replace("\ud800", "\ufffd")
