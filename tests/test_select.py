"""Selecting fixes: `when` against known and unknown facts, recipes of the job's method, owners, and what comes first."""

from typing import Any

import msgspec
import pytest

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.pattern import FixSpec, Recipe
from bkdoctor.doctor import diagnose
from bkdoctor.fixes.select import condition_of, select
from bkdoctor.model import Facts, Fix, Service
from tests.catalogs import TYPES, ours, pattern, report
from tests.traces import job

UNCONFINED = 'type = "Unconfined"'
LOCALHOST = 'type = "Localhost"'
ANNOTATION = '"container.apparmor.security.beta.kubernetes.io/build" = "unconfined"'


def fix(**fields: Any) -> FixSpec:
    fields.setdefault("recipe" if "recipe" in fields else "snippet", "a")
    return msgspec.convert({"title": "Do it", "file": ".gitlab-ci.yml"} | fields, FixSpec)


def recipe(method: str, **fields: Any) -> Recipe:
    return Recipe(**{"title": "T", "file": ".gitlab-ci.yml", "snippet": f"<job>: {method}"} | fields)


RECIPES = {(m, "auth"): recipe(m) for m in ("buildx", "native", "rootless")}


def chosen(
    *specs: FixSpec,
    facts: Facts | None = None,
    captures: dict[str, str] | None = None,
    place: str | None = None,
    foreign: bool | None = None,
    recipes: dict[tuple[str, str], Recipe] = RECIPES,
) -> tuple[Fix, ...]:
    known = captures or {}
    return select(
        specs, facts or Facts(), known, known, commands=[], place=place, foreign=foreign, catalog=Catalog({}, recipes, TYPES)
    )  # fmt: skip


def fits(when: dict[str, Any], **facts: Any) -> str | None:
    found = chosen(fix(when=when), facts=Facts(**facts))
    return found[0].fits if found else None


@pytest.mark.parametrize(
    ("wanted", "version", "expected"),
    [
        (">=18.11,<19.2", "18.11.0", "yes"),
        (">=18.11,<19.2", "18.9.9", None),
        (">=18.11,<19.2", "19.2.0", None),
        (">=18.11,<19.2", "19.1.5", "yes"),
        (">=18.11", "18.9.0", None),
        ("<18.11", "18.9.0", "yes"),
        (">= 1.30", "1.30", "yes"),
        (">=1.30", "1.4", None),
        ("<=18.11", "18.11.3", "yes"),
        (">18.11", "18.11.3", None),
        (">18.11", "19.0.0", "yes"),
        ("==18", "18.3.1", "yes"),
        ("==18.2", "18.3.1", None),
        (">=18", "18", "yes"),
    ],
)
def test_versions_are_compared_as_far_as_they_are_written(wanted: str, version: str, expected: str | None) -> None:
    assert fits({"runner": wanted}, runner=version) == expected


def test_lists_words_and_lists_of_facts() -> None:
    assert fits({"executor": ["docker", "shell"]}, executor="shell") == "yes"
    assert fits({"executor": ["docker", "shell"]}, executor="kubernetes") is None
    assert fits({"executor": "shell"}, executor="shell") == "yes"
    assert fits({"exit_code": ["137"]}, exit_code=137) == "yes"
    assert fits({"platforms": ["linux/arm64"]}, platforms=("linux/amd64", "linux/arm64")) == "yes"
    assert fits({"platforms": ["linux/arm64"]}, platforms=("linux/amd64",)) is None
    assert fits({"services": ["docker:dind"]}, services=(Service("docker:dind", "docker"),)) == "yes"
    assert fits({"platforms": ["linux/arm64"]}) == "unknown"


def test_all_must_hold() -> None:
    when = {"executor": ["kubernetes"], "runner": ">=18.11", "kubernetes": ">=1.30"}
    assert fits(when, executor="kubernetes", runner="18.11.0", kubernetes="1.31") == "yes"
    assert fits(when, executor="kubernetes", runner="18.11.0") == "unknown"
    assert fits(when, executor="docker", runner="18.11.0") is None
    assert fits(when, runner="17.0.0") is None


def test_an_unknown_fact_is_told_with_its_condition_in_words() -> None:
    found = chosen(fix(when={"runner": ">=18.11,<19", "kubernetes": ">=1.30", "has": ["x"]}), captures={"x": "1"})
    assert (found[0].fits, found[0].condition) == ("unknown", "runner >= 18.11 and < 19 and Kubernetes >= 1.30")


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({}, None),
        ({"has": ["x"], "place": ["chain"]}, None),
        ({"method": ["rootless", "docker"]}, "method is rootless BuildKit or docker build"),
        ({"executor": "shell"}, "executor is shell"),
        ({"platform": "foreign"}, "the step runs on another platform than the builder's"),
    ],
)
def test_conditions_in_words(when: dict[str, Any], words: str | None) -> None:
    assert condition_of(when) == words


def test_has_and_place() -> None:
    assert chosen(fix(when={"has": ["x"]})) == ()
    assert chosen(fix(when={"has": ["x"]}), captures={"x": ""}) == ()
    assert len(chosen(fix(when={"has": ["x", "y"]}), captures={"x": "1", "y": "2"})) == 1
    assert chosen(fix(when={"place": ["chain"]}), place="step") == ()
    assert chosen(fix(when={"place": ["chain", "step"]}), place="step")[0].fits == "yes"


def test_platform() -> None:
    both = fix(title="a", when={"platform": "foreign"}), fix(title="b", when={"platform": "native"})
    assert [f.title for f in chosen(*both, foreign=True)] == ["a"]
    assert [f.title for f in chosen(*both, foreign=False)] == ["b"]
    assert [f.fits for f in chosen(*both)] == ["unknown", "unknown"]


def test_the_fitting_ones_come_first_in_their_order() -> None:
    specs = [
        fix(title="a", when={"docker": ">=1"}),
        fix(title="b"),
        fix(title="c", when={"kaniko": ">=1"}),
        fix(title="d"),
    ]
    assert [f.title for f in chosen(*specs)] == ["b", "d", "a", "c"]


@pytest.mark.parametrize(
    ("method", "shown"),
    [("rootless", "rootless"), ("native", "native"), ("buildx", "buildx"), ("docker", "buildx"), ("bake", "buildx"),
     ("compose", "buildx"), ("kaniko", "rootless"), ("buildah", "rootless")],
)  # fmt: skip
def test_the_recipe_of_the_jobs_method(method: Any, shown: str) -> None:
    found = chosen(fix(recipe="auth"), facts=Facts(method=method))
    assert [(f.snippet, f.fits, f.condition) for f in found] == [(f"build-image: {shown}", "yes", None)]


def test_where_the_method_is_unknown_rootless_comes_first_and_the_others_are_named() -> None:
    found = chosen(fix(recipe="auth"))
    assert [(f.snippet, f.fits, f.condition) for f in found] == [
        ("build-image: rootless", "unknown", "method is rootless BuildKit")
    ]
    assert found[0].note == (
        "Else: for docker buildx, `bkdoctor snippet buildx auth`; for native BuildKit, `bkdoctor snippet native auth`."
    )
    assert chosen(fix(recipe="auth"), facts=Facts(method="native"))[0].note is None


def test_a_recipe_is_shown_only_for_the_methods_of_its_fix() -> None:
    found = chosen(fix(recipe="auth", when={"method": ["rootless", "native"]}))
    assert [f.snippet for f in found] == ["build-image: rootless"]
    assert found[0].note == "Else: for native BuildKit, `bkdoctor snippet native auth`."
    found = chosen(fix(recipe="auth", when={"method": ["kaniko", "docker"]}))
    assert found[0].note == "Else: for docker build, `bkdoctor snippet buildx auth`."
    found = chosen(fix(recipe="auth", when={"method": ["kaniko", "buildah"]}))
    assert [(f.snippet, f.condition) for f in found] == [("build-image: rootless", "method is kaniko or buildah")]
    assert chosen(fix(recipe="auth", when={"method": ["kaniko"]}), facts=Facts(method="buildx")) == ()


@pytest.mark.parametrize("method", [None, "buildx", "kaniko"])
def test_a_recipe_that_names_its_method(method: Any) -> None:
    found = chosen(fix(recipe="native/auth"), facts=Facts(method=method))
    assert [(f.snippet, f.fits, f.condition) for f in found] == [("build-image: native", "yes", None)]
    assert chosen(fix(recipe="native/nothing")) == ()


def test_what_a_recipe_asks_for_counts_as_well() -> None:
    recipes = {
        ("rootless", "auth"): recipe(
            "rootless", when={"runner": ">=18"}, note="It costs.", references=["https://a.example"]
        )
    }
    made = chosen(fix(recipe="auth", note="Once."), facts=Facts(method="rootless"), recipes=recipes)[0]
    assert (made.fits, made.condition, made.note) == ("unknown", "runner >= 18", "Once. It costs.")
    assert made.references == ("https://a.example",)
    assert chosen(fix(recipe="auth"), facts=Facts(method="rootless", runner="17.1.0"), recipes=recipes) == ()


@pytest.mark.parametrize(
    ("file", "owner"),
    [("config.toml", "runner-admin"), ("node", "runner-admin"), ("gitlab", "gitlab-admin"), ("shell", "author"),
     ("registry", "registry-admin"), ("Dockerfile", "author"), ("buildkitd.toml", "author")],
)  # fmt: skip
def test_owners_by_file(file: str, owner: str) -> None:
    assert chosen(fix(file=file))[0].owner == owner
    assert chosen(fix(file=file, owner="upstream"))[0].owner == "upstream"


def test_language_by_file_and_kind() -> None:
    assert chosen(fix())[0].language == "yaml"
    assert chosen(fix(file="source"))[0].language == "text"
    command = msgspec.convert(
        {"title": "T", "file": ".gitlab-ci.yml", "command": {"run": ["docker build"], "add": ["--push"]}}, FixSpec
    )
    made = chosen(command)[0]
    assert (made.language, made.snippet) == ("sh", "docker build --push")


@pytest.mark.parametrize(
    ("fields", "captures", "risk"),
    [
        ({"snippet": "<job>:\n  image: <wanted>"}, {"wanted": "a"}, "safe"),
        ({"snippet": "<job>:\n  image: <wanted>"}, {"wanted": "a b"}, "review"),
        ({"snippet": "<job>:\n  image: registry.example.com/a"}, {}, "review"),
        ({"snippet": "<job>:\n  image: <wanted>"}, {"wanted": "registry.example.com/a"}, "safe"),
        ({"snippet": "<job>:\n  image: <wanted|path/to/image>"}, {}, "review"),
        ({"snippet": "<job>:\n  image: [MASKED]/a"}, {}, "review"),
        ({"file": "Dockerfile", "snippet": "ENV A=b"}, {}, "review"),
        ({"file": "Dockerfile", "snippet": "ENV A=b", "at": "above"}, {}, "safe"),
        ({"file": "Dockerfile", "command": {"run": ["npm ci"], "add": ["-x"]}}, {"step.text": "RUN npm ci"}, "safe"),
        ({"file": "Dockerfile", "command": {"run": ["npm ci"], "add": ["-x"]}}, {"step.text": "RUN yarn"}, "review"),
        ({"file": "Dockerfile", "command": {"run": ["npm ci"], "add": ["-x"]}}, {}, "safe"),
        ({"file": "Dockerfile", "replace": [{"find": "a", "with": "b"}]}, {"step.text": "RUN yarn"}, "safe"),
        ({"file": "Dockerfile", "replace": [{"find": "x", "with": "b"}]}, {"step.text": "RUN yarn"}, "review"),
        ({"file": "Dockerfile", "base": {"images": ["go"], "version": "<wanted>"}}, {}, "review"),
        ({"file": "shell", "snippet": "ping registry.example.com"}, {}, "review"),
        ({"file": "shell", "snippet": "true"}, {}, "safe"),
    ],
)
def test_what_cannot_be_made_as_it_stands_is_not_called_safe(
    fields: dict[str, Any], captures: dict[str, str], risk: str
) -> None:
    spec = msgspec.convert({"title": "T", "file": ".gitlab-ci.yml", "risk": "safe"} | fields, FixSpec)
    assert chosen(spec, captures=captures)[0].risk == risk
    assert chosen(msgspec.structs.replace(spec, risk="review"), captures=captures)[0].risk == "review"


def test_an_edit_of_an_instruction_is_shown_in_that_of_the_step() -> None:
    fields = {"title": "T", "file": "Dockerfile", "command": {"run": ["npm ci"], "add": ["-x"], "before": "A=b"}}
    spec = msgspec.convert(fields, FixSpec)
    made = chosen(spec, captures={"step.text": "RUN npm ci && make"})[0]
    assert (made.language, made.snippet) == ("dockerfile", "RUN A=b npm ci -x && make")
    assert chosen(spec, captures={"step.text": "RUN make"})[0].snippet == "RUN A=b npm ci -x"
    base = msgspec.convert(fields | {"command": None, "base": {"images": ["go:{}-x"], "version": "<v>"}}, FixSpec)
    assert chosen(base, captures={"v": ">=1.2.3"})[0].snippet == "FROM go:1.2-x"
    assert chosen(base, captures={"v": "tip"})[0].snippet == "# a tag for tip\nFROM go"


def test_a_fix_may_ask_for_a_part_of_a_value() -> None:
    spec = fix(when={"has": ["word:keyword"]})
    assert chosen(spec, captures={"word": "RNU"})
    assert not chosen(spec, captures={"word": "curl"})


def test_a_snippet_is_never_empty() -> None:
    spec = msgspec.convert(
        {"title": "T", "file": "Dockerfile", "replace": [{"find": "# syntax=<x>", "with": ""}]}, FixSpec
    )
    assert chosen(spec)[0].snippet.strip()


def test_title_and_note_are_safe_markdown() -> None:
    made = chosen(fix(title="Add `<x>`", note="Not <x>"), captures={"x": "a`\n/close"})[0]
    assert made.title == "Add ``a` /close``"
    assert made.note == "Not ``a` /close``"


def apparmor(version: str, *, executor: str = "kubernetes", kubernetes: str | None = None) -> list[Fix]:
    trace = job(
        "$ buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=.\n"
        "could not connect to unix:///run/user/1000/buildkit/buildkitd.sock after 10 trials\n"
        "========== log ==========\n"
        "[rootlesskit:child ] error: failed to share mount point: /: permission denied\n"
        "[rootlesskit:parent] error: child exited: exit status 1",
        executor=executor,
    )
    trace = trace.replace("gitlab-runner 18.9.0", f"gitlab-runner {version}") if version else trace.split("\n", 2)[2]
    report = diagnose(trace.encode(), ours(), known=Facts(kubernetes=kubernetes))
    assert report.findings[0].id == "rootless-apparmor-denies-mount"
    assert {f.owner for f in report.findings[0].fixes} == {"runner-admin"}
    assert all(f.note for f in report.findings[0].fixes), "each says what it costs"
    return list(report.findings[0].fixes)


@pytest.mark.parametrize("version", ["18.11.0", "18.11.3", "19.1.0", "18.11.0~pre.12.gabcdef1"])
def test_apparmor_on_a_new_runner_and_cluster(version: str) -> None:
    fixes = apparmor(version, kubernetes="1.30")
    assert [f.fits for f in fixes] == ["yes", "yes"]
    assert UNCONFINED in fixes[0].snippet
    assert LOCALHOST in fixes[1].snippet
    assert all("[runners.kubernetes.build_container_security_context.app_armor_profile]" in f.snippet for f in fixes)
    assert fixes[0].condition is not None
    assert "runner >= 18.11" in fixes[0].condition


@pytest.mark.parametrize("kubernetes", [None, "1.29", "1.32"])
def test_apparmor_on_an_older_runner(kubernetes: str | None) -> None:
    fixes = apparmor("17.9.1", kubernetes=kubernetes)
    assert [f.fits for f in fixes] == ["yes"]
    assert ANNOTATION in fixes[0].snippet


def test_apparmor_on_a_new_runner_and_an_older_cluster() -> None:
    fixes = apparmor("18.11.0", kubernetes="1.29")
    assert [(f.fits, ANNOTATION in f.snippet) for f in fixes] == [("yes", True)]


def test_apparmor_where_the_cluster_is_not_known() -> None:
    fixes = apparmor("18.11.0")
    assert {f.fits for f in fixes} == {"unknown"}
    assert all(f.condition and "Kubernetes" in f.condition for f in fixes)
    assert [UNCONFINED in fixes[0].snippet, LOCALHOST in fixes[1].snippet, ANNOTATION in fixes[2].snippet] == [True] * 3


def test_apparmor_on_the_docker_executor() -> None:
    fixes = apparmor("18.9.0", executor="docker")
    assert [f.fits for f in fixes] == ["yes"]
    assert 'security_opt = ["seccomp=unconfined", "apparmor=unconfined"]' in fixes[0].snippet


def test_apparmor_where_no_version_is_known() -> None:
    fixes = apparmor("")
    shown = "\n".join(f.snippet for f in fixes)
    assert all(part in shown for part in (UNCONFINED, LOCALHOST, ANNOTATION))
    assert all(f.fits == "unknown" and f.condition and "runner" in f.condition for f in fixes)


def test_every_fix_of_the_catalogue_has_a_file_and_an_owner() -> None:
    catalog = ours()
    for entry in catalog.entries.values():
        for made in select(
            entry.pattern.fix, Facts(), {}, {}, commands=[], place=None, foreign=None, catalog=catalog
        ):  # fmt: skip
            assert made.snippet.strip(), entry.id


def test_a_line_of_a_pasted_piece_is_the_scripts() -> None:
    only = {"title": "T", "file": "shell", "risk": "safe", "snippet": "true", "when": {"place": ["script"]}}
    log = "$ git clone git@gitlab.example.com:team/lib.git\nHost key verification failed.\n"
    found = report(log, bad=pattern("lines = ['Host key verification failed.']", fix=[only])).findings
    assert [f.title for f in found[0].fixes] == ["T"]
