"""What a preflight printed, read back: the catalogue's findings, wherever in a log it stands, and nothing for others."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.doctor import diagnose
from bkdoctor.errors import InputError
from bkdoctor.model import Facts, Report, Source
from bkdoctor.preflight.answer import WELL, explain, meanings
from bkdoctor.session import catalog_of
from tests.commands import Cli
from tests.gitlab_double import TOKEN, GitLabDouble
from tests.traces import job, timestamped

SCRIPTS = Path(__file__).resolve().parent.parent / "src" / "bkdoctor" / "preflight" / "script"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return catalog_of(())


def printed(*checks: str, facts: tuple[str, ...] = ("method=rootless",), end: bool = True) -> str:
    """Return the lines for programs as the script prints them."""
    lines = ["begin", *(f"fact {fact}" for fact in facts), *checks, *(["end checks=9 ok=1"] if end else [])]
    return "\n".join(f"bkdoctor-preflight/1 {line}" for line in lines) + "\n"


def report(text: str, catalog: Catalog, **known: Any) -> Report:
    return explain(text.encode(), catalog, known=Facts(**known), source=Source(name="job.log"))


def ids(made: Report) -> list[str]:
    return [finding.id for finding in made.findings]


def test_every_meaning_is_a_pattern_and_every_reason_is_one_that_the_script_knows(catalog: Catalog) -> None:
    text = "".join(part.read_text() for part in sorted(SCRIPTS.glob("*.sh")))
    for key, pattern in meanings().items():
        assert catalog.get(pattern) is not None, f"{key}: there is no pattern {pattern}"
        check, _, reason = key.partition("/")
        assert re.search(rf'check \S+ "?(?:{check}|\$\w+)"? ', text), f"the script makes no check {check}"
        assert not reason or re.search(rf"\b{reason}\b", text), f"the script knows no reason {reason}"


def test_every_reason_of_the_script_has_a_meaning() -> None:
    text = "".join(part.read_text() for part in sorted(SCRIPTS.glob("*.sh"))).replace("\\\n", " ")
    said = re.findall(r'check (?:warn|fail|"\$worst") ("?[\w$-]+"?) .*? reason "?([\w-]+|\$\w+)', text)
    assert len(said) > 40
    for name, reason in said:
        plain = name.strip('"')
        names = {
            "$u_name": ["newuidmap", "newgidmap"],
            "$u_file": ["subuid", "subgid"],
            "$d_name": ["docker", "buildkitd"],
        }
        for check in names.get(plain, [plain]):
            known = [key for key in meanings() if key in (check, f"{check}/{reason}")]
            assert known or (check, reason) in NO_CAUSE or reason.startswith("$"), f"{check}/{reason}"


NO_CAUSE = {("registry", "odd"), ("registry", "other")}
"""Worth a word, and no failure."""


@pytest.mark.parametrize("key", meanings())
def test_every_meaning_is_a_finding_without_a_gap(key: str, catalog: Catalog) -> None:
    check, _, reason = key.partition("/")
    values = (
        "host=registry.example.com address=registry.example.com:443 path=/home/user helper=newuidmap service=docker"
    )
    made = report(printed(f"fail {check} reason={reason or 'other'} {values}"), catalog)
    assert made.verdict == "diagnosed"
    assert ids(made) == [meanings()[key]]
    finding = made.findings[0]
    assert not re.search(r"<[a-z_.]+(?:\||:|>)", finding.summary + finding.explanation), finding.summary
    assert finding.fixes
    assert finding.evidence[0].text.startswith("bkdoctor-preflight/1 fail")


ALL_WRONG = printed(
    *(f"fail {key.partition('/')[0]} reason={key.partition('/')[2] or 'other'} path=/x" for key in meanings())
)


def test_an_ordinary_diagnosis_is_silent_about_it(catalog: Catalog) -> None:
    assert (
        diagnose(job(f"$ sh preflight.sh\n{ALL_WRONG}$ make\nok", result="Job succeeded").encode(), catalog).findings
        == ()
    )
    failed = job(f"$ sh preflight.sh\n{ALL_WRONG}$ make\nfrobnicate: error: no gizmo").encode()
    assert diagnose(failed, catalog).verdict == "unknown"
    part = diagnose(ALL_WRONG.encode(), catalog)
    assert (part.verdict, part.findings) == ("unknown", ())


def test_what_a_program_said_is_no_line_of_the_catalogue(catalog: Catalog) -> None:
    """Even where the log is a part of one, without commands that the failure was survived by."""
    for entry in catalog.entries.values():
        if entry.family != "rootless":
            continue
        for example in entry.pattern.example:
            if example.match and not example.facts:
                lines = [line for line in example.log.splitlines() if line.strip()]
                safe = "/:@,+=(){}<>*"
                said = printed(*(f"fail rootlesskit said={quote(line, safe=safe)}" for line in lines))
                assert diagnose(said.encode(), catalog).findings == (), entry.id


def test_what_rootlesskit_said_is_read_by_the_catalogue(catalog: Catalog) -> None:
    said = quote(
        '[rootlesskit:parent] error: failed to setup UID/GID map: No subuid ranges found for user 1000 ("user")'
    )
    made = report(printed("ok userns", f"fail rootlesskit said={said}"), catalog)
    assert ids(made) == ["rootless-no-subuid-range"]
    assert made.findings[0].captures["user"] == "1000"


def test_what_rootlesskit_said_gives_way_to_a_check_that_knows_why(catalog: Catalog) -> None:
    said = quote("[rootlesskit:parent] error: newuidmap: write to uid_map failed: Operation not permitted")
    lines = (f"fail rootlesskit said={said}", "fail no-new-privs reason=set")
    assert ids(report(printed(*lines), catalog)) == ["rootless-no-new-privs"]
    assert ids(report(printed(*lines[:1], "fail home reason=unwritable path=/home/u"), catalog)) == [
        "rootless-uid-map-denied", "home-not-writable",
    ]  # fmt: skip


def test_a_cause_before_what_it_explains(catalog: Catalog) -> None:
    lines = ("fail mount reason=eperm", "fail userns reason=clone-off", "fail user reason=root")
    assert ids(report(printed(*lines), catalog)) == ["rootless-userns-clone-disabled", "rootless-image-run-as-root"]


def test_facts_decide_the_fixes(catalog: Catalog) -> None:
    new = report(
        printed("fail mount reason=eacces", facts=("method=rootless", "executor=kubernetes", "runner=18.11.0")), catalog
    )
    old = report(
        printed("fail mount reason=eacces", facts=("method=rootless", "executor=kubernetes", "runner=17.4.2")), catalog
    )
    assert "build_container_security_context" in new.findings[0].fixes[0].snippet
    assert "pod_annotations" in old.findings[0].fixes[0].snippet
    given = report(
        printed("fail mount reason=eacces", facts=("executor=kubernetes", "runner=18.11.0")), catalog, kubernetes="1.29"
    )
    assert {fix.fits for fix in given.findings[0].fixes} == {"yes"}
    assert "pod_annotations" in given.findings[0].fixes[0].snippet


def test_the_runner_s_own_head_goes_before_the_script_s_guess(catalog: Catalog) -> None:
    text = job(f"$ sh preflight.sh\n{printed('fail mount reason=eacces', facts=('executor=docker',))}")
    made = report(text.replace('Preparing the "docker" executor', 'Preparing the "docker+machine" executor'), catalog)
    assert made.facts.executor == "docker+machine"


@pytest.mark.parametrize(
    "facts", [("method=rm%20-rf", "executor=%1b]0;x", "runner=nonsense"), ("method=", "x=y", "image=")]
)
def test_facts_of_another_form_are_none(catalog: Catalog, facts: tuple[str, ...]) -> None:
    made = report(printed("fail user reason=root", facts=facts), catalog)
    assert (made.facts.method, made.facts.executor, made.facts.runner) == (None, None, None)


HUMAN = """\
bkdoctor preflight: rootless build, uid 1000, kernel 6.8.0, x86_64

  ok    seccomp          no filter
  WARN  credentials      there is no /home/user/.docker/config.json yet: a later command has to write it
  FAIL  runtime-dir      /run/user/1000 can not be written

1 of 3 checks say that a build does not work here: runtime-dir
What to do: bkdoctor preflight --read, with this log.

"""
MACHINE = printed(
    "ok seccomp mode=none", "warn credentials reason=none", "fail runtime-dir reason=unwritable dir=/run/user/1000"
)


@pytest.mark.parametrize("how", ["alone", "crlf", "job", "timestamps", "colours", "twice", "buildkit"])
def test_it_is_found_wherever_it_stands(catalog: Catalog, how: str) -> None:
    text = HUMAN + MACHINE
    log = {
        "alone": text,
        "crlf": text.replace("\n", "\r\n"),
        "job": job(f"$ sh preflight.sh\n{text}$ buildctl-daemonless.sh build\nerror: x"),
        "timestamps": timestamped(job(f"$ sh preflight.sh\n{text}")),
        "colours": re.sub(r"(?m)^(.+)$", "\x1b[32;1m\\1\x1b[0;m", text),
        "twice": printed("fail home reason=unwritable path=/") + text,
        "buildkit": re.sub(r"(?m)^", "#9 1.234 ", text),
    }[how]
    made = report(log, catalog)
    assert ids(made) == ["rootless-runtime-dir-missing"]
    assert made.findings[0].captures["dir"] == "/run/user/1000"
    line = made.findings[0].evidence[0]
    assert "FAIL  runtime-dir      /run/user/1000 can not be written" in line.text
    assert "FAIL  runtime-dir" in log.split("\n")[line.line - 1]
    assert [note for note in made.notes if "registry-credentials-missing" in note]


def test_all_is_well(cli: Cli) -> None:
    good = printed("ok userns", "skip clock", "warn cgroup reason=none")
    answer = cli("preflight", "--read", "-", stdin=good)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(WELL)
    assert "docker-cgroup-mountpoint-missing" in answer.out
    made = json.loads(cli("preflight", "--read", "-", "-f", "json", stdin=good).out)
    assert (made["verdict"], made["findings"]) == ("passed", [])


def test_one_that_was_stopped_is_never_well(catalog: Catalog) -> None:
    made = report(printed("ok userns", end=False), catalog)
    assert made.verdict == "unknown"
    assert "last line is missing" in made.notes[0]


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_a_check_that_nothing_explains_is_shown(cli: Cli, form: str) -> None:
    answer = cli("preflight", "--read", "-", "-f", form, stdin=printed("fail userns reason=einval"))
    assert answer.status == 3
    assert "userns: reason einval. No pattern explains this check." in answer.out
    assert "build failed" not in answer.out


def test_a_job_s_log_is_read_through_the_api(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with GitLabDouble() as double:
        double.add_job("group/app", 12, trace=job(f"$ sh preflight.sh\n{HUMAN}{MACHINE}").encode(), name="build")
        monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
        monkeypatch.setenv("GITLAB_HOST", double.url)
        made = json.loads(cli("preflight", "--read", f"{double.url}/group/app/-/jobs/12", "-f", "json").out)
    assert [finding["id"] for finding in made["findings"]] == ["rootless-runtime-dir-missing"]
    assert (made["facts"]["job"], made["source"]["job_id"]) == ("build", 12)


@pytest.mark.parametrize("text", ["", "hello\n", "bkdoctor-preflight/1\n", job("$ make\nok")])
def test_a_log_without_one(text: str, cli: Cli) -> None:
    answer = cli("preflight", "--read", "-", stdin=text)
    assert (answer.status, answer.out) == (4, "")
    assert "no output of a preflight" in answer.err
    assert answer.err.count("\n") == 1


def test_one_of_a_later_form(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="Print the script anew"):
        report(printed("ok userns").replace("/1 ", "/2 "), catalog)


def test_hostile_values_stay_values(cli: Cli) -> None:
    evil = "%1b]0;x%07%0a/close%20`%20@all%20%3Cscript%3E%20glpat-" + "x1y2z3w4v5u6t7s8r9q0"
    text = printed(f"fail home reason=unwritable path={evil}", f"fail rootlesskit said={evil}", f"fail {evil}")
    for form in ("terminal", "markdown", "json"):
        answer = cli("preflight", "--read", "-", "-f", form, stdin=text)
        assert answer.status == 0
        assert "\x1b" not in answer.out
        assert "\x07" not in answer.out
        assert "\n/close" not in answer.out
        assert "x1y2z3w4" not in answer.out


def test_wrong_words(cli: Cli) -> None:
    for words in (
        ["--read", "-", "--strict"],
        ["-f", "json"],
        ["--method", "x"],
        ["--registry", "a b"],
        ["--variable", "1"],
    ):
        answer = cli("preflight", *words)
        assert (answer.status, answer.out) == (2, "")
        assert answer.err.startswith("bkdoctor: ")
    assert cli("preflight", "--read", "no-such-file").status == 4


def test_the_command_prints_the_script(cli: Cli) -> None:
    answer = cli(
        "preflight", "--registry", "r.example.com:5000", "--variable", "DEPLOY_KEY", "--method", "native", "--strict"
    )
    assert answer.status == 0
    assert answer.out.startswith("#!/bin/sh\n")
    for line in ("REGISTRIES=r.example.com:5000", "VARIABLES=DEPLOY_KEY", "METHOD=native", "STRICT=1"):
        assert f"BKDOCTOR_PREFLIGHT_{line}}}" in answer.out


def test_the_page_names_every_check() -> None:
    page = (SCRIPTS.parents[3] / "docs" / "preflight.md").read_text()
    text = "".join(part.read_text() for part in sorted(SCRIPTS.glob("*.sh")))
    names = set(re.findall(r'\bcheck (?:ok|warn|fail|skip|"\$worst") ([a-z-]+) ', text)) | {"newuidmap", "newgidmap"}
    assert len(names) > 20
    for name in (*names, "subuid", "subgid", "docker", "buildkitd"):
        assert f"`{name}`" in page, name
