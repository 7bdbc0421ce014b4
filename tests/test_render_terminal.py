"""What a reader of the terminal sees, and what the log must not do to the terminal."""

import re

import msgspec
import pytest

from bkdoctor.model import Evidence, Finding, Fix, Report
from bkdoctor.render import Options
from bkdoctor.render.terminal import render

from .reports import (
    HOSTILE,
    JOB,
    TICKS,
    apparmor,
    diagnosed,
    kaniko_hint,
    missing_package,
    silent,
    step_failed,
    unknown,
    with_strings,
)

UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def with_fix(**changes: object) -> Report:
    finding = missing_package()
    fix: Fix = msgspec.structs.replace(finding.fixes[0], diff=None, **changes)
    with_it: Finding = msgspec.structs.replace(finding, fixes=(fix,))
    return diagnosed(with_it)


def test_the_page_answers_in_the_order_of_the_questions() -> None:
    page = render(diagnosed())
    order = [
        "AppArmor blocks the mount that rootlesskit needs\n",
        "`rootlesskit` may not change",
        "Where  build.log:47, section step_script, job build-image\n",
        "Who    the runner's administrator has to act\n",
        "\nWhy\n",
        "- `failed to share mount point",
        "That depends on what the log does not tell",
        "\nFix 1: Let the build container run",
        "  config.toml; review before use\n",
        "  Fits if runner >= 18.11 and Kubernetes >= 1.30\n",
        "The build container loses AppArmor's confinement",
        '\n  type = "Unconfined"\n',
        "\nFix 3: Annotate the build pod\n",
        "\nEvidence\n",
        "\nSee\n",
        "  bkdoctor explain rootless-apparmor-denies-mount\n",
        "\nAlso seen\n  - The package is not in the distribution's index (line 88)",
        "\nAdvice\n  - kaniko is no longer maintained (line 12)",
        "-v shows",
    ]
    positions = [page.find(text) for text in order]
    assert -1 not in positions, order[positions.index(-1)]
    assert positions == sorted(positions)


def test_a_fix_that_fits_is_not_said_to_depend_on_anything() -> None:
    finding = diagnosed().findings[0]
    fits = msgspec.structs.replace(finding.fixes[0], fits="yes", condition=None)
    page = render(diagnosed(msgspec.structs.replace(finding, fixes=(fits, *finding.fixes[1:]))))
    assert "Fix 1 fits; whether the others do depends on what the log does not tell" in " ".join(page.split())
    assert "That depends" not in page


def test_it_fits_in_eighty_columns_but_for_what_is_copied() -> None:
    copied = ("[runners", '  "container', "  https://")
    assert [line for line in render(diagnosed()).split("\n") if len(line) > 80 and not line.startswith(copied)] == []


@pytest.mark.parametrize("width", [1, 40, 80, 200])
def test_snippets_and_addresses_are_never_wrapped(width: int) -> None:
    snippet = "RUN " + "a" * 150 + " \\\n    && b"
    page = render(with_fix(snippet=snippet), Options(width=width))
    assert f"\n\n{snippet}\n\n" in page
    assert "\n  https://pkgs.alpinelinux.org/packages\n" in page


def test_evidence_stands_in_the_order_of_the_log_and_the_decisive_line_is_marked() -> None:
    page = render(diagnosed(), Options(width=120))
    evidence = page[page.index("\nEvidence\n") + 10 : page.index("\nSee\n")]
    assert re.findall(r"^ (>?) +(\d+) ", evidence, re.MULTILINE) == [("", "44"), ("", "46"), (">", "47"), ("", "48")]


def test_place_step_and_certainty_are_shown_where_known() -> None:
    page = render(diagnosed(missing_package()))
    assert "File   docker/Dockerfile:12\n" in page
    assert "Step   [build 2/3] RUN apk add --no-cache gcc-9 (linux/arm64)\n" in page
    assert "medium confidence" in page
    assert "-RUN apk add --no-cache gcc-9\n+RUN apk add --no-cache gcc\n" in page
    assert "may pass when the job is run again" in render(
        diagnosed(msgspec.structs.replace(apparmor(), transient=True, role="symptom"))
    )


def test_a_log_from_standard_input_has_no_name() -> None:
    report = msgspec.structs.replace(diagnosed(), source=msgspec.structs.replace(diagnosed().source, name="<stdin>"))
    assert "Where  line 47 of the log," in render(report)


def test_verbose_shows_further_findings_whole() -> None:
    page = render(diagnosed(), Options(verbose=True))
    assert "+RUN apk add --no-cache gcc\n" in page
    assert "-v shows" not in page


def test_unknown_is_said_and_the_next_step_too() -> None:
    page = render(unknown())
    assert page.startswith("The build failed, and the cause is not known\n")
    assert "exit code 2" in page
    assert " 88 #9 12.30 src/main.c:4:10: fatal error: zlib.h" in page
    assert "\n  bkdoctor patterns new FAMILY/ID --from build.log\n" in page
    assert "lines 1000 to 90000 were not read" in page
    where = render(unknown(step_failed(), kaniko_hint()))
    assert "`make all` in step `[build 3/5]` ended with exit code `2`." in where
    assert "Advice" in where
    assert render(msgspec.structs.replace(unknown(), signature=None, excerpt=())).startswith(
        "No known failure found in this log\n"
    )


def test_a_hint_is_never_the_answer() -> None:
    assert not render(diagnosed(kaniko_hint(), apparmor())).startswith("kaniko")


def test_passed_is_silent_and_empty_says_what_to_do() -> None:
    assert render(silent("passed")) == ""
    assert render(silent("passed"), Options(verbose=True)) == "The job passed: nothing to diagnose.\n"
    assert render(silent("empty")).startswith("The log is empty")


def test_colour_and_links_only_on_demand() -> None:
    assert "\x1b" not in render(diagnosed())
    coloured = render(diagnosed(), Options(colour=True))
    assert "\x1b[1;31mAppArmor" in coloured
    assert "\x1b]8" not in coloured
    linked = render(diagnosed(), Options(links=True))
    assert f";{JOB}#L47\x1b\\" in linked
    assert "\x1b[" not in re.sub(r"\x1b\[0?m", "", linked)


@pytest.mark.parametrize("report", [diagnosed(), unknown(step_failed()), unknown(), silent("empty")])
@pytest.mark.parametrize(
    "value", [HOSTILE, TICKS, "\x1b]8;;https://evil.example\x1b\\", "\u202e\x9b31m", "\ud800", "", " "]
)
@pytest.mark.parametrize("verbose", [False, True])
def test_no_text_of_the_report_reaches_the_terminal_raw(report: Report, value: str, verbose: bool) -> None:
    hostile = with_strings(report, value)
    assert not UNSAFE.search(render(hostile, Options(verbose=verbose)))
    shown = render(hostile, Options(verbose=verbose, colour=True, links=True))
    assert not UNSAFE.search(re.sub(r"\x1b\[[0-9;]*m|\x1b]8;(?:id=\d+)?;[!-~]*\x1b\\", "", shown))
    assert "evil.example\x1b\\" not in shown


def test_tabs_are_blanks() -> None:
    finding = msgspec.structs.replace(missing_package(), evidence=(Evidence(1, "a\tb"),))
    assert "a       b" in render(diagnosed(finding))
    assert "RUN a\n        b" in render(with_fix(snippet="RUN a\n\tb"))
