"""The outputs that other programs read: valid by their schemas, for every sample log, for several logs, for hostile ones."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import msgspec
import pytest
import xmlschema
from ruamel.yaml import YAML

from bkdoctor.doctor import diagnose
from bkdoctor.model import Report, Source
from bkdoctor.render import Options, texts
from bkdoctor.render._document import to_json
from tests.bless import SAMPLES
from tests.catalogs import ours
from tests.reports import (
    HOSTILE,
    JOB,
    apparmor,
    diagnosed,
    kaniko_hint,
    missing_package,
    silent,
    step_failed,
    unknown,
    with_strings,
)
from tests.test_catalogue_snippets import schema

SCHEMAS = Path(__file__).parent / "schemas"
SARIF = jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text()))
JUNIT = xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))
CODE_QUALITY = jsonschema.Draft7Validator(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "additionalProperties": False,
            "properties": {
                "description": {"type": "string", "minLength": 1, "maxLength": 1000, "pattern": "^[^\\n]+$"},
                "check_name": {"type": "string", "pattern": "^bkdoctor/"},
                "fingerprint": {"type": "string", "minLength": 1},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "pattern": "^(?!/|\\./|.*(^|/)\\.\\.(/|$)|[a-z]+://)."},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": {"begin": {"type": "integer", "minimum": 1}},
                        },
                    },
                },
            },
        },
    }
)
"""What GitLab's page on Code Quality says of the report."""
DOCUMENTS = ["sarif", "codequality", "junit"]
MADE_UP = [
    diagnosed(), diagnosed(apparmor()), diagnosed(missing_package()), unknown(), unknown(step_failed()), unknown(kaniko_hint()),
    silent("passed"), silent("empty"), msgspec.structs.replace(silent("passed"), verdict="unknown"),
    msgspec.structs.replace(unknown(), signature=None),
]  # fmt: skip


@cache
def samples() -> tuple[Report, ...]:
    catalog = ours()
    return tuple(
        diagnose(log.read_bytes(), catalog, source=Source(name=f"{log.parent.name}/{log.name}"))
        for log in sorted(SAMPLES.glob("*/*.log"))
    )


def written(form: str, *reports: Report) -> str:
    (text,) = texts(form, reports, Options())
    assert text.endswith("\n")
    return text


def checked(form: str, *reports: Report) -> Any:
    """Return the document, valid by its schema."""
    text = written(form, *reports)
    text.encode()
    if form == "junit":
        JUNIT.validate(text)
        return ElementTree.fromstring(text)
    document = json.loads(text)
    (SARIF if form == "sarif" else CODE_QUALITY).validate(document)
    return document


@pytest.mark.parametrize("form", DOCUMENTS)
def test_every_sample_log_gives_a_valid_document(form: str) -> None:
    for report in samples():
        checked(form, report)


@pytest.mark.parametrize("form", DOCUMENTS)
def test_all_sample_logs_are_one_valid_document(form: str) -> None:
    document = checked(form, *samples())
    failed = sum(report.verdict != "passed" for report in samples())
    assert failed > 50
    if form == "junit":
        assert len(document) == len(samples())
        assert document.get("failures") == str(failed)
    else:
        entries = document["runs"][0]["results"] if form == "sarif" else document
        assert len(entries) >= failed


@pytest.mark.parametrize("form", DOCUMENTS)
@pytest.mark.parametrize("report", MADE_UP)
@pytest.mark.parametrize(
    "text", [HOSTILE, "]]><x/>&\ufffe\uffff\x0b", "", "../../../etc/passwd", "/a/b", "https://x.y/z#é ü"]
)
def test_a_hostile_log_gives_a_valid_document(form: str, report: Report, text: str) -> None:
    checked(form, with_strings(report, text), report)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", written(form, with_strings(report, text))
    )


@pytest.mark.parametrize("form", DOCUMENTS)
def test_no_log_at_all_is_a_document(form: str) -> None:
    checked(form)


def test_the_pipeline_of_the_page_is_valid() -> None:
    page = (SAMPLES.parent / "docs" / "outputs.md").read_text(encoding="utf-8")
    job = YAML(typ="safe", pure=True).load(page.partition("```yaml\n")[2].partition("```")[0])
    schema().validate(job)
    reports = job["build-image"]["artifacts"]["reports"]
    assert set(reports) == {"codequality", "junit"}
    kept = [*job["build-image"]["artifacts"]["paths"], *reports.values()]
    assert sorted(line.rpartition(" > ")[2] for line in job["build-image"]["after_script"]) == sorted(kept)


# --- sarif --------------------------------------------------------------------------------------------------------


def test_sarif_has_a_rule_for_each_result_and_its_help() -> None:
    (run,) = checked("sarif", *samples())["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules) > 40
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)


def test_sarif_stands_at_the_dockerfiles_line() -> None:
    result, other = checked("sarif", diagnosed(missing_package(), apparmor()))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "docker/Dockerfile"}, "region": {"startLine": 12}}
    assert other["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == ".gitlab-ci.yml"
    log = result["relatedLocations"][0]["physicalLocation"]
    assert (log["artifactLocation"]["uri"], log["region"]["startLine"]) == (JOB, 88)
    assert result["hostedViewerUri"] == f"{JOB}#L88"


def test_sarif_carries_the_signature_and_the_notes() -> None:
    report = unknown(step_failed())
    (run,) = checked("sarif", report)["runs"]
    assert run["results"][0]["partialFingerprints"] == {"bkdoctorSignature/v1": report.signature}
    assert [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]] == list(report.notes)


def test_an_unknown_failure_is_a_result_with_its_lines() -> None:
    result = checked("sarif", unknown())["runs"][0]["results"][0]
    assert result["ruleId"] == "unknown-failure"
    assert "fatal error: zlib.h" in result["message"]["text"]


# --- Code Quality -------------------------------------------------------------------------------------------------


def test_code_quality_places_and_weighs() -> None:
    entries = checked("codequality", diagnosed(missing_package(), apparmor(), kaniko_hint()))
    assert [(e["check_name"], e["severity"]) for e in entries] == [
        ("bkdoctor/apk-package-missing", "critical"),
        ("bkdoctor/rootless-apparmor-denies-mount", "minor"),
        ("bkdoctor/kaniko-archived", "info"),
    ]
    assert entries[0]["location"] == {"path": "docker/Dockerfile", "lines": {"begin": 12}}
    assert entries[1]["location"] == {"path": ".gitlab-ci.yml", "lines": {"begin": 1}}
    assert checked("codequality", unknown())[0]["severity"] == "major"
    assert checked("codequality", silent("passed")) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("./docker/Dockerfile", "docker/Dockerfile"),
        ("/builds/team/app/Dockerfile", "Dockerfile"),
        ("/etc/Dockerfile", ".gitlab-ci.yml"),
        ("../Dockerfile", ".gitlab-ci.yml"),
        ("https://git.example.com/x/Dockerfile", ".gitlab-ci.yml"),
        (".", ".gitlab-ci.yml"),
    ],
)
def test_a_path_stays_in_the_repository(name: str, path: str) -> None:
    finding = missing_package()
    location = msgspec.structs.replace(finding.location, dockerfile=name)
    report = diagnosed(msgspec.structs.replace(finding, location=location), project="team/app")
    assert checked("codequality", report)[0]["location"]["path"] == path


def test_fingerprints_are_unique_and_stable() -> None:
    """GitLab shows one entry of those that have the same fingerprint, and compares pipelines by them."""
    one = checked("codequality", diagnosed(), unknown(), diagnosed())
    fingerprints = [entry["fingerprint"] for entry in one]
    assert len(set(fingerprints)) == len(fingerprints) == 7
    assert [e["fingerprint"] for e in checked("codequality", diagnosed(), unknown(), diagnosed())] == fingerprints
    assert fingerprints[0] == diagnosed().signature
    everything = [entry["fingerprint"] for entry in checked("codequality", *samples(), *samples())]
    assert len(set(everything)) == len(everything)


# --- JUnit --------------------------------------------------------------------------------------------------------


def test_junit_has_one_test_for_each_log() -> None:
    suites = checked("junit", diagnosed(), unknown(), silent("passed"), silent("empty"))
    cases = [case for suite in suites for case in suite]
    assert [case.get("name") for case in cases] == ["image build"] * 4
    assert [[child.tag for child in case] for case in cases] == [["failure"], ["failure"], [], ["skipped"]]
    assert cases[0][0].get("type") == "rootless-apparmor-denies-mount"
    assert cases[0][0].get("message") == apparmor().title
    assert "Unconfined" in (cases[0][0].text or "")
    assert dict(suites.attrib) == {"tests": "4", "failures": "2", "errors": "0"}


def test_junit_names_are_unique() -> None:
    """Of two tests with the same name, GitLab ignores the second."""
    suites = checked("junit", diagnosed(), diagnosed(), unknown(), unknown())
    assert [case.get("classname") for suite in suites for case in suite] == [
        "build-image",
        "build-image (2)",
        "build.log",
        "build.log (2)",
    ]


def test_halves_of_characters_are_replaced() -> None:
    assert to_json({"a\ud800": ["\udfff"]}) == '{"a\ufffd":["\ufffd"]}\n'
