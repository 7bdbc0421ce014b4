"""The catalogue's own checks: each speaks of a pattern made wrong on purpose, and of nothing else."""

import hashlib
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.check import check
from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.pattern import Pattern, Recipe
from bkdoctor.catalog.reach import caret
from bkdoctor.catalog.template import from_text
from bkdoctor.checking import run
from tests.catalogs import TYPES, pattern
from tests.traces import job

POSITIVE = {"log": "frobnicate: gizmo is gone\n", "captures": {"what": "gizmo"}}
NEGATIVE = {"log": "frobnicate: gizmo is here\n", "match": False, "why": "it is here"}
LINES = "lines = ['frobnicate: <what:word> is gone']"
RECIPES = {("rootless", "auth"): Recipe(title="T", file=".gitlab-ci.yml", snippet="a: b")}


def good(match: str = LINES, **more: Any) -> dict[str, Any]:
    return pattern(match, **({"example": [POSITIVE, NEGATIVE]} | more))


def examples(*logs: dict[str, Any]) -> dict[str, Any]:
    return {"example": list(logs)}


def faults(passing: tuple[Path, ...] = (), **patterns: dict[str, Any]) -> list[str]:
    entries = {}
    for name, fields in patterns.items():
        entry = Entry(Path("run") / f"{name.replace('_', '-')}.toml", msgspec.convert(fields, Pattern), TYPES)
        entries[entry.id] = entry
    return [str(f) for f in check(Catalog(entries, RECIPES, TYPES), run, passing=passing)]


def explained(summary: str = "Summary.", cause: str = "Cause.") -> dict[str, Any]:
    return {"explain": {"summary": summary, "cause": cause, "references": ["https://example.com"]}}


def fixed(**fields: Any) -> dict[str, Any]:
    return {"fix": [{"title": "Mend it", "file": ".gitlab-ci.yml"} | fields]}


def test_a_good_pattern_has_no_faults() -> None:
    fix = fixed(snippet="<job>:\n  image: <image>\n  a: <what>\n", when={"runner": ">=18.11,<19", "has": ["what"]})
    assert faults(x_y=good(**explained("`<what>` on <runner|the runner>", "see x-y"), **fix)) == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no positive": (good(**examples(NEGATIVE)), "needs at least one [[example]] that matches"),
    "no negative": (good(**examples(POSITIVE)), "needs at least one [[example]] with match = false"),
    "no reason": (good(**examples(POSITIVE, {**NEGATIVE, "why": None})), "example 2 has match = false and no `why`"),
    "nothing to match": (good("scope = 'step'"), "[match] needs `lines`, or `facts`"),
    "a dead alternative": (
        good("lines = ['frobnicate: <what:word> is gone', 'frobnicate: never printed']"),
        "no example holds a line for 'frobnicate: never printed'",
    ),
    "a dead line of a sequence": (
        good("lines = ['frobnicate: <what:word> is gone', ['frobnicate: ', 'nothing']]"),
        "no example holds a line for 'nothing'",
    ),
    "wrong captures": (
        good(**examples({**POSITIVE, "captures": {"what": "widget"}}, NEGATIVE)),
        "example 1 captures {'what': 'gizmo'}, not {'what': 'widget'}",
    ),
    "captures that are missing": (good(**examples({"log": POSITIVE["log"]}, NEGATIVE)), "example 1 captures"),
    "a negative that matches": (
        good(**examples(POSITIVE, {**POSITIVE, "captures": {}, "match": False, "why": "no"})),
        "example 2 must not match, and does: ['frobnicate: gizmo is gone']",
    ),
    "a positive that does not match": (
        good(**examples(POSITIVE, {"log": "frobnicate: gizmo is lost\n"}, NEGATIVE)),
        "example 2 does not match (got nothing)",
    ),
    "a fact that is none": (
        good(**examples({**POSITIVE, "facts": {"failure": "x"}}, NEGATIVE)),
        "example 1 names 'failure' in facts, which is no fact",
    ),
    "a fact of another kind": (
        good(**examples({**POSITIVE, "facts": {"exit_code": "one"}}, NEGATIVE)),
        "example 1 has facts that cannot be",
    ),
    "a fact to match that is none": (good(f"facts = {{ executer = ['x'] }}\n{LINES}"), "names 'executer', which is no fact"),
    "an unknown placeholder": (good(**explained("<nobody>")), "explain.summary: <nobody> is neither captured nor a fact"),
    "an unknown placeholder below": (good(**explained(cause="`<nobody>`")), "explain.cause: <nobody> is neither"),
    "an unknown filter": (good(**explained("<what:upper>")), "there is no filter 'upper'; there are alpine"),
    "a value that is not always there": (
        good(**explained("<runner>")),
        "explain.summary: <runner> is not always filled: say what stands for it, <runner|words>",
    ),
    "a capture of one alternative": (
        good(
            "lines = ['frobnicate: <what:word> is gone', 'frobnicate: <who:word> is here']",
            **(examples(POSITIVE, {"log": NEGATIVE["log"], "captures": {"who": "gizmo"}}, {**NEGATIVE, "log": "x\n"})),
            **explained("<who>"),
        ),
        "<who> is not always filled",
    ),
    "a fix without a change": (good(**fixed()), "fix 1 needs exactly one of recipe, snippet, replace, command"),
    "a fix with two": (good(**fixed(snippet="a: b", recipe="auth")), "fix 1 needs exactly one of"),
    "no YAML": (good(**fixed(snippet="a: [")), "fix 1: the snippet is not valid yaml"),
    "YAML that is no mapping": (good(**fixed(snippet="- a")), "it must be a mapping"),
    "no TOML": (good(**fixed(file="config.toml", snippet="a = ")), "fix 1: the snippet is not valid toml"),
    "no JSON": (good(**fixed(file="daemon.json", snippet="{'a': 1}")), "fix 1: the snippet is not valid json"),
    "no Dockerfile": (good(**fixed(file="Dockerfile", snippet="RUN a \\\n  b\nRUNS c")), "'RUNS c' does not begin with"),
    "words that would look like code": (
        good("lines = ['bad: <what:word>', 'bad']", **explained("It is `<what|not named in the log>`.")),
        "explain.summary: `<what|not named in the log>` shows words as code",
    ),
    "a placeholder of a fix": (good(**fixed(snippet="a: <nobody>")), "fix 1: <nobody> is neither captured nor a fact"),
    "a placeholder of a command": (
        good(**fixed(command={"run": ["a"], "add": ["--a <nobody>"]})),
        "fix 1: <nobody> is neither captured nor a fact",
    ),
    "an unknown recipe": (good(**fixed(recipe="autth")), "fix 1: no method has a recipe 'autth'; there are build, auth"),
    "when: no fact": (good(**fixed(snippet="a: b", when={"runer": ">=18"})), "fix 1: when names 'runer', which is no fact"),
    "when: no comparison": (good(**fixed(snippet="a: b", when={"runner": "18"})), "when.runner is '18': write a comparison"),
    "when: no list": (good(**fixed(snippet="a: b", when={"runner": [">=18"]})), "write a comparison"),
    "when: no method": (good(**fixed(snippet="a: b", when={"method": ["root"]})), "when.method names 'root'; there are"),
    "when: no place": (good(**fixed(snippet="a: b", when={"place": ["here"]})), "when.place names 'here'"),
    "when: no capture": (good(**fixed(snippet="a: b", when={"has": ["who"]})), "when.has names 'who'; there are what"),
    "masks nothing": (good(masks=["nobody-here"]), "masks names 'nobody-here', which is no pattern"),
    "masks no family": (good(masks=["nowhere/*"]), "masks names 'nowhere/*', which is no pattern"),
    "masks itself": (good(masks=["x-y"]), "masks names 'x-y', the pattern itself"),
    "yields to nothing": (good(yields_to=["nobody-here"]), "yields_to names 'nobody-here', which is no pattern"),
    "sees nothing": (good(**explained(cause="Other: see nobody-here.")), 'the text says "see nobody-here"'),
    "sees nothing in a reason": (
        good(**examples(POSITIVE, {**NEGATIVE, "why": "see nobody-there"})),
        'the text says "see nobody-there"',
    ),
    "a literal that is too short": (
        good("lines = ['frobnicate: <what:word> is gone', 'is <what>']"),
        "'is <what>' has no literal of 4 characters or more",
    ),
    "a slow regex": (
        good(f"{LINES}\nexcludes = [{{ regex = 'frob(a+)+$', literal = 'frob' }}]"),
        "'frob(a+)+$' is slow on a long line of 'a'",
    ),
    "a regex without its literal": (
        good("lines = [{ regex = 'frobnicate: (?P<what>\\w+) is (?:gone|lost)', literal = 'is gone' }]",
             **examples(POSITIVE, {**NEGATIVE, "log": "frobnicate: gizmo is lost\n"})),
        "matches 'frobnicate: gizmo is lost', which does not hold its literal 'is gone'",
    ),
    "a broken regex": (good("lines = [{ regex = '(', literal = 'frob' }]"), "is no regular expression"),
    "a broken template": (good("lines = ['frobnicate: <what:gizmo>']"), "there is no type 'gizmo'"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_pattern_is_told(what: str) -> None:
    wrong, message = WRONG[what]
    told = faults(x_y=wrong)
    assert any(message in fault for fault in told), told
    assert all(fault.startswith("x-y: ") for fault in told)


def slow_or_not(expression: str) -> list[str]:
    match = f"{LINES}\nexcludes = [{{ regex = '''{expression}''', literal = 'frob' }}]"
    return [fault for fault in faults(x_y=good(match)) if "is slow on a long line" in fault]


@pytest.mark.parametrize(
    "expression", ["frob(?:a|a)+$", r"frob(\w+\s?)*$", "(?:.*: )?frob.*here", "frob(?P<x>.*?)frob$"]
)
def test_what_grows_faster_than_the_line_is_slow(expression: str) -> None:
    assert slow_or_not(expression)


def test_what_grows_with_the_line_is_not_slow_in_a_busy_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bkdoctor.catalog.examples._QUICK", 1e-6)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000)

    busy = [threading.Thread(target=work) for _ in range(2)]
    for thread in busy:
        thread.start()
    try:
        assert slow_or_not("frob.{0,200}?(?:gone|lost)") == []
    finally:
        over.set()
        for thread in busy:
            thread.join()


def test_another_pattern_that_comes_first() -> None:
    symptom = good(role="symptom", confidence="low")
    told = faults(x_y=good(**examples(POSITIVE, NEGATIVE), generic=True), z_z=symptom)
    assert any("example 1 is answered by" in f for f in told)


def test_a_pattern_that_can_never_win() -> None:
    told = faults(x_y=good(masks=["z-z"]), z_z=good())
    assert told == ["z-z: example 1 matches, and is masked by x-y: see masks and yields_to there"]


def test_an_example_with_two_causes() -> None:
    told = faults(x_y=good(), z_z=good())
    assert (
        "x-y: example 1 is answered by z-z as well: say which explains the other (masks, yields_to), or exclude it"
        in told
    )
    assert any("z-z: example 1 is answered by x-y first" in f for f in told)
    weaker = faults(x_y=good(), z_z=good(confidence="medium"))
    assert not [f for f in weaker if f.startswith("x-y")]


def test_a_circle_is_shown_with_its_way() -> None:
    other = "lines = ['wobble: <what:word> is gone']"
    logs = examples({"log": "wobble: gizmo is gone\n", "captures": {"what": "gizmo"}}, NEGATIVE)
    told = faults(x_y=good(masks=["z-z"]), z_z=good(other, masks=["x-y"], **logs))
    assert told == [
        "x-y: masks and yields_to go in a circle: x-y > z-z > x-y. Break it",
        "z-z: masks and yields_to go in a circle: z-z > x-y > z-z. Break it",
    ]
    assert faults(x_y=good(yields_to=["z-z"]), z_z=good(other, masks=["x-y"], **logs)) == []


def test_an_alias_that_is_a_pattern() -> None:
    assert any(
        "aliases names 'z-z', which is a pattern itself" in f for f in faults(x_y=good(aliases=["z-z"]), z_z=good())
    )


def test_a_name_that_is_no_id() -> None:
    entry = Entry(Path("run/X_y.toml"), msgspec.convert(good(), Pattern), TYPES)
    told = check(Catalog({entry.id: entry}, RECIPES, TYPES), run)
    assert [f.message for f in told] == ["the file's name is the id and must be kebab-case: rename run/X_y.toml"]


def test_a_pattern_that_speaks_on_a_passing_log(tmp_path: Path) -> None:
    # a fragment without runner lines, whose end cannot be seen
    log = tmp_path / "a.log"
    log.write_text("frobnicate: gizmo is gone\n")
    assert faults((log,), x_y=good()) == ["x-y: speaks on a job that passed, a.log: 'frobnicate: gizmo is gone'"]
    log.write_text(job("$ make\nfrobnicate: gizmo is gone", result="Job succeeded"))
    assert faults((log,), x_y=good()) == []


def test_a_literal_that_is_too_common(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(job("$ make\n" + "step: ok\n" * 40, result="Job succeeded"))
    logs = examples({"log": "step: fails\n"}, NEGATIVE)
    told = faults((log,), x_y=good("lines = [{ regex = 'step: fail', literal = 'step: ' }]", **logs))
    assert told == ["x-y: the literal 'step: ' is on 40 of 59 lines of passing logs: too common"]


def test_only_the_chosen_are_checked() -> None:
    entries = {
        i: Entry(Path(f"run/{i}.toml"), msgspec.convert(good(masks=["nobody-here"]), Pattern), TYPES)
        for i in ("a-b", "c-d")
    }
    assert {f.id for f in check(Catalog(entries, RECIPES, TYPES), run, only=["c-d"])} == {"c-d"}


def test_a_failing_example_says_how_far_the_template_matched() -> None:
    told = faults(x_y=good(**examples(POSITIVE, {"log": "noise\nfrobnicate: gizmo is lost\n"}, NEGATIVE)))
    assert told[0].splitlines()[1:] == [
        "    frobnicate: gizmo is lost",
        "                        ^ matched up to here by 'frobnicate: <what:word> is gone'",
    ]


@pytest.mark.parametrize(
    ("template", "line", "pointed"),
    [
        ("frobnicate: <what:word> is gone", "so frobnicate: all", "frobnicate: all"),
        ("frobnicate: <n:int> gone", "frobnicate: x", "frobnicate: "),
        ("<start>frobnicate", "a frobnicate", None),
        ("frobnicate: it is gone", "something else", None),
        ("a.b.c.d <n:int>", "a.b.c.d x", "a.b.c.d "),
    ],
)
def test_the_caret_stands_under_the_last_character_that_matched(template: str, line: str, pointed: str | None) -> None:
    shown = caret(from_text(template, TYPES), ["noise", line]).splitlines()
    if pointed is None:
        assert shown[0].startswith("    no line holds")
    else:
        assert shown[0] == f"    {line}"
        assert shown[0][: shown[1].index("^") + 1].endswith(pointed)


def test_a_line_that_matches_while_something_else_does_not() -> None:
    wrong = good(
        f"{LINES}\nplace = ['runner']",
        **examples(POSITIVE, {**POSITIVE, "log": job("$ a\nfrobnicate: x is gone")}, NEGATIVE),
    )
    told = "\n".join(faults(x_y=wrong))
    assert "matches 'frobnicate: <what:word> is gone': what else [match] asks for does not hold" in told
