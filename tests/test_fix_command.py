"""`bkdoctor fix`: a log and the user's own files in, a diff out that git applies."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bkdoctor.mending import NoProposal, Proposal, Wish, propose
from bkdoctor.mending_files import LocalFiles
from bkdoctor.model import Edit, Facts, Finding, Fix, Location, Report, Source
from tests.commands import Answer, Cli
from tests.gitlab_double import TOKEN, GitLabDouble
from tests.traces import job

SAMPLES = Path(__file__).parents[1] / "sample_logs"
CI_FILES = Path(__file__).parent / "ci_files"
PROJECT = "group/sub/app"
LOCAL = SAMPLES / "context" / "local-dockerfile-is-file.log"
APPARMOR = SAMPLES / "rootless" / "rootless-apparmor-denies-mount.log"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git work tree, in which the command runs."""
    folder = tmp_path / "app"
    folder.mkdir()
    git(folder, "init", "-q")
    monkeypatch.chdir(folder)
    return folder


def git(folder: Path, *words: str, stdin: str = "") -> None:
    subprocess.run(["git", *words], cwd=folder, input=stdin.encode(), check=True, capture_output=True)


def put(tree: Path, name: str, text: str) -> Path:
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def applied(tree: Path, answer: Answer) -> None:
    """Apply what was printed as a user would, and see that the command has nothing more to say."""
    assert answer.status == 0, answer.err
    assert answer.out.startswith("diff --git a/"), answer.out
    git(tree, "apply", "--check", "-", stdin=answer.out)
    git(tree, "apply", "-", stdin=answer.out)


ROOTLESS = """\
stages: [build]

build-image:
  stage: build
  image:
    name: moby/buildkit:rootless
    entrypoint: [""]
  variables:
    BUILDKITD_FLAGS: --oci-worker-no-process-sandbox
  script:
    - buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=path/to/image/Dockerfile
"""
RUNNER = """\
[[runners]]
  name = "k8s-runner"
  token = "glrt-aBcD1xYz1kkkkkk"
  executor = "kubernetes"
  [runners.kubernetes]
    namespace = "gitlab-runner"
"""


def test_the_directory_for_local_dockerfile(cli: Cli, tree: Path) -> None:
    path = put(tree, ".gitlab-ci.yml", ROOTLESS)
    applied(tree, cli("fix", LOCAL))
    assert path.read_text() == ROOTLESS.replace("image/Dockerfile", "image --opt filename=Dockerfile")
    again = cli("fix", LOCAL)
    assert (again.status, again.out) == (3, "")
    assert ".gitlab-ci.yml needs no change" in again.err


def test_apparmor_by_version(cli: Cli, tree: Path) -> None:
    path = put(tree, "config.toml", RUNNER)
    unknown = cli("fix", APPARMOR)
    assert (unknown.status, unknown.out) == (3, "")
    assert "Kubernetes >= 1.30" in unknown.err
    old = cli("fix", APPARMOR, "--kubernetes", "1.29")
    assert "+    [runners.kubernetes.pod_annotations]\n" in old.out
    assert "to be reviewed" in old.err
    applied(tree, cli("fix", APPARMOR, "--kubernetes", "1.31"))
    assert path.read_text() == RUNNER + (
        "    [runners.kubernetes.build_container_security_context.app_armor_profile]\n"
        '      type = "Unconfined"\n'
    )  # fmt: skip


def test_the_same_fix_in_the_values_of_the_chart(cli: Cli, tree: Path) -> None:
    values = "runners:\n  config: |\n" + "".join(f"    {line}\n" for line in RUNNER.splitlines()).replace(
        '"gitlab-runner"', '"{{.Release.Namespace}}"'
    )
    path = put(tree, "deploy/values.yaml", values)
    applied(tree, cli("fix", APPARMOR, "--kubernetes", "1.31"))
    assert path.read_text() == values + (
        "        [runners.kubernetes.build_container_security_context.app_armor_profile]\n"
        '          type = "Unconfined"\n'
    )  # fmt: skip


AUTH_LOG = job(
    "$ buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=. "
    "--output type=image,name=$CI_REGISTRY_IMAGE:1,push=true\n"
    "#9 pushing layers\n"
    "#9 ERROR: failed to push registry.example.com/team/app:1: failed to authorize: failed to fetch anonymous token: "
    "unexpected status from GET request to https://registry.example.com/auth: 401 Unauthorized\n"
    "error: failed to solve: failed to push registry.example.com/team/app:1: failed to authorize: failed to fetch "
    "anonymous token: unexpected status from GET request to https://registry.example.com/auth: 401 Unauthorized"
)


def test_authentication(cli: Cli, tree: Path) -> None:
    path = put(tree, ".gitlab-ci.yml", ROOTLESS)
    log = put(tree, "job.log", AUTH_LOG)
    applied(tree, cli("fix", log))
    after = path.read_text()
    assert after.index('mkdir -p "$HOME/.docker"') < after.index("config.json") < after.index("  script:")
    assert cli("fix", log).status == 3


PLATFORM_LOG = job(
    "$ docker buildx build --platform linux/amd64,linux/arm64 --tag app:1 --push .\n"
    '#0 building with "default" instance using docker driver\n'
    "ERROR: failed to build: Multi-platform build is not supported for the docker driver.\n"
    "Switch to a different driver, or turn on the containerd image store, and try again."
)


PIECE = (
    "ERROR: failed to solve: failed to push registry.example.org/a:1: unexpected status from HEAD request to "
    "https://registry.example.org/v2/a/blobs/sha256:aa: 401 Unauthorized\n"
)


@pytest.mark.parametrize(
    ("command", "brought"),
    [
        ("docker build -t $CI_REGISTRY_IMAGE:1 .", "docker login"),
        ("buildctl-daemonless.sh build .", "config.json"),
        ("/kaniko/executor --context .", "/kaniko/.docker/config.json"),
    ],
)
def test_the_file_tells_the_method_that_a_piece_of_a_log_does_not(
    cli: Cli, tree: Path, command: str, brought: str
) -> None:
    put(tree, "piece.log", PIECE)
    put(tree, ".gitlab-ci.yml", f"build:\n  image: a\n  script:\n    - {command}\n")
    answer = cli("fix", "piece.log")
    assert answer.status == 0, answer.err
    assert brought in answer.out
    put(tree, ".gitlab-ci.yml", "a:\n  script: [docker build .]\nb:\n  script: [buildctl build .]\n")
    unclear = cli("fix", "piece.log")
    assert (unclear.status, unclear.out) == (3, "")


def test_several_platforms(cli: Cli, tree: Path) -> None:
    path = put(
        tree,
        ".gitlab-ci.yml",
        "build:\n  image: docker:29-cli\n  services: [docker:29-dind]\n  script:\n"
        "    - docker buildx build --platform linux/amd64,linux/arm64 --tag app:1 --push .\n",
    )  # fmt: skip
    applied(tree, cli("fix", put(tree, "job.log", PLATFORM_LOG)))
    after = path.read_text()
    assert after.index("docker context create") < after.index("docker buildx create") < after.index("buildx build")


def test_stdout_is_the_diff_alone(cli: Cli, tree: Path) -> None:
    put(tree, ".gitlab-ci.yml", ROOTLESS)
    answer = cli("fix", "-", stdin=LOCAL.read_bytes())
    assert all(line[:1] in "+- @d" for line in answer.out.splitlines())
    assert all(line.startswith("bkdoctor: ") for line in answer.err.splitlines())


def test_write_keeps_the_old_file(cli: Cli, tree: Path) -> None:
    path = put(tree, ".gitlab-ci.yml", ROOTLESS)
    put(tree, ".gitlab-ci.yml.orig", "an older one")
    answer = cli("fix", LOCAL, "--write")
    assert answer.status == 0
    assert "--opt filename=Dockerfile" in path.read_text()
    assert (tree / ".gitlab-ci.yml.orig").read_text() == "an older one"
    assert (tree / ".gitlab-ci.yml.orig.2").read_text() == ROOTLESS
    assert ".gitlab-ci.yml.orig.2" in answer.err


def test_a_file_that_is_named(cli: Cli, tree: Path) -> None:
    put(tree, "ci/app.yml", ROOTLESS)
    put(tree, ".gitlab-ci.yml", "include: ci/app.yml\n")
    applied(tree, cli("fix", LOCAL, "--file", "ci/app.yml"))
    assert "needs no change" in cli("fix", LOCAL).err
    assert cli("fix", LOCAL, "--file", "none.yml").status == 4


def test_the_file_that_holds_the_job_is_changed(cli: Cli, tree: Path) -> None:
    path = put(tree, "ci/app.yml", ROOTLESS)
    put(tree, ".gitlab-ci.yml", "include:\n  - local: /ci/app.yml\n")
    applied(tree, cli("fix", LOCAL))
    assert "--opt filename=Dockerfile" in path.read_text()


def test_names_with_blanks_and_files_without_final_newline(cli: Cli, tree: Path) -> None:
    path = put(tree, "my ci/a b.yml", ROOTLESS.rstrip("\n"))
    applied(tree, cli("fix", LOCAL, "--file", "my ci/a b.yml"))
    assert path.read_text() == ROOTLESS.rstrip("\n").replace("image/Dockerfile", "image --opt filename=Dockerfile")


def test_a_fix_that_is_chosen(cli: Cli, tree: Path) -> None:
    put(tree, "config.toml", RUNNER)
    second = cli("fix", APPARMOR, "--kubernetes", "1.31", "--fix", "2")
    assert "localhost_profile" in second.out
    none = cli("fix", APPARMOR, "--fix", "77")
    assert none.status == 3
    assert "There is no fix 77. There are: 1 " in none.err


def test_nothing_to_fix(cli: Cli, tree: Path) -> None:
    passed = cli("fix", next((SAMPLES / "passing").glob("*.log")))
    assert (passed.status, passed.out) == (3, "")
    assert "passed" in passed.err
    missing = cli("fix", LOCAL)
    assert (missing.status, missing.out) == (3, "")
    assert "there is no .gitlab-ci.yml" in missing.err
    assert cli("fix", "none.log").status == 4
    assert cli("fix", LOCAL, "-R", "a/b").status == 2


def report_with(*fixes: Fix) -> Report:
    finding = Finding(
        id="a", family="b", title="T", role="cause", phase="build", confidence="high", owner="author", transient=False,
        generic=False, location=Location(), summary="S.", explanation="", captures={}, evidence=(), references=(),
        fixes=fixes,
    )  # fmt: skip
    return Report(verdict="diagnosed", source=Source(), facts=Facts(), findings=(finding,))


def test_what_only_hands_can_do_is_said(tree: Path) -> None:
    by_hand = Fix(title="Free the disk", file="node", language="sh", risk="safe", owner="runner-admin", snippet="x")
    made = propose(report_with(by_hand), LocalFiles(None), Wish())
    assert made == NoProposal(("What cures this failure is no change of a file: Free the disk (node).",))


def test_a_probe_and_an_example_come_only_where_nothing_else_does(tree: Path) -> None:
    def fix(title: str, **edit: Any) -> Fix:
        made = Edit(snippet=f'"<job>":\n  tags: [{title}]\n', **edit)
        return Fix(
            title=title, file=".gitlab-ci.yml", language="yaml", risk="safe", owner="author", snippet="x", edit=made
        )

    probe, example, plain = fix("look", probe=True), fix("mine", examples=("mine",)), fix("plain")
    put(tree, ".gitlab-ci.yml", "build:\n  script: [docker build .]\n")
    for fixes, chosen in (((probe, example, plain), "plain"), ((probe, example), "mine")):
        made = propose(report_with(*fixes), LocalFiles(None), Wish())
        assert isinstance(made, Proposal)
        assert made.fix.title == chosen
        assert made.examples == (("mine",) if chosen == "mine" else ())
    only = propose(report_with(probe), LocalFiles(None), Wish())
    assert only == NoProposal(("To find out more, --fix 1: look (.gitlab-ci.yml).",))
    wanted = propose(report_with(probe), LocalFiles(None), Wish(number=1))
    assert isinstance(wanted, Proposal)


FAILED = job(
    "$ buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=path/to/image/Dockerfile\n"
    "error: invalid local: stat path/to/image/Dockerfile: not a directory"
)


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLabDouble]:
    with GitLabDouble() as double:
        double.add_job(
            PROJECT, 12, trace=FAILED.encode(), name="build-image", failure_reason="script_failure",
            commit={"id": "0123456789abcdef0123456789abcdef01234567"},
        )  # fmt: skip
        double.repository[PROJECT, ".gitlab-ci.yml"] = ROOTLESS.encode()
        monkeypatch.setenv("GITLAB_HOST", double.url)
        yield double


def test_a_job_is_fixed_at_its_commit(cli: Cli, tree: Path, gitlab: GitLabDouble) -> None:
    answer = cli("fix", "12", "-R", PROJECT)
    assert answer.status == 0, answer.err
    assert any("ref=0123456789abcdef" in seen.path for seen in gitlab.seen if seen.route == "raw")
    put(tree, ".gitlab-ci.yml", ROOTLESS)
    applied(tree, answer)


def test_gitlab_judges_what_is_proposed_where_the_token_allows(cli: Cli, tree: Path, gitlab: GitLabDouble) -> None:
    gitlab.tokens[TOKEN] = {"api"}
    answer = cli("fix", "12", "-R", PROJECT)
    assert answer.status == 0
    assert "--opt filename=Dockerfile" in gitlab.linted[0]
    gitlab.invalid = "--opt filename"
    refused = cli("fix", "12", "-R", PROJECT)
    assert (refused.status, refused.out) == (3, "")
    assert "GitLab would refuse the changed .gitlab-ci.yml: --opt filename is wrong" in refused.err
    gitlab.invalid = "script"
    as_wrong = cli("fix", "12", "-R", PROJECT)
    assert as_wrong.status == 0, "the old file is as wrong"
    assert "did not judge the change: it refuses the present configuration, too." in as_wrong.err
    gitlab.tokens[TOKEN] = {"read_api"}
    assert "did not judge the change: that needs a token with the scope api." in cli("fix", "12", "-R", PROJECT).err


def test_a_file_that_is_included_is_judged_with_the_one_that_includes_it(
    cli: Cli, tree: Path, gitlab: GitLabDouble
) -> None:
    gitlab.tokens[TOKEN] = {"api"}
    main = "workflow:\n  name: x\ninclude:\n  - local: /ci/app.yml\n  - local: ci/other.yml\n"
    gitlab.repository[PROJECT, ".gitlab-ci.yml"] = main.encode()
    gitlab.repository[PROJECT, "ci/app.yml"] = ROOTLESS.encode()
    answer = cli("fix", "12", "-R", PROJECT)
    assert answer.status == 0, answer.err
    assert gitlab.linted[0].startswith("workflow:\n  name: x\ninclude: [{local: ci/other.yml}]\n\nstages:")
    assert "--opt filename=Dockerfile" in gitlab.linted[0]
    assert "did not judge" not in answer.err
    gitlab.repository[PROJECT, ".gitlab-ci.yml"] = f"{main}build-image:\n  tags: [a]\n".encode()
    assert "did not judge the change: .gitlab-ci.yml includes ci/app.yml." in cli("fix", "12", "-R", PROJECT).err


def test_includes_are_read_and_the_file_is_where_the_project_says(cli: Cli, tree: Path, gitlab: GitLabDouble) -> None:
    gitlab.project_fields = {"ci_config_path": "ci/main.yml"}
    gitlab.repository[PROJECT, "ci/main.yml"] = b"include: /ci/app.yml\n"
    gitlab.repository[PROJECT, "ci/app.yml"] = ROOTLESS.encode()
    answer = cli("fix", "12", "-R", PROJECT)
    assert "+++ b/ci/app.yml\n" in answer.out
    gitlab.project_fields = {"ci_config_path": "a.yml@other/project"}
    elsewhere = cli("fix", "12", "-R", PROJECT)
    assert (elsewhere.status, elsewhere.out) == (5, "")
    assert "--file" in elsewhere.err


def test_the_merged_configuration_tells_what_a_job_inherits(cli: Cli, tree: Path, gitlab: GitLabDouble) -> None:
    text = (CI_FILES / "unknown-template.yml").read_text()
    gitlab.repository[PROJECT, ".gitlab-ci.yml"] = text.encode()
    gitlab.merged = text.partition("\n\n")[2].replace(
        "  extends: .buildkit\n", "  before_script:\n  - echo from the template\n"
    )
    gitlab.add_job(PROJECT, 13, trace=AUTH_LOG.encode(), name="build-image", commit={"id": "abcd"})
    answer = cli("fix", "13", "-R", PROJECT)
    assert "+  before_script:\n+    - echo from the template\n+    - mkdir" in answer.out
    gitlab.merged = None
    without = cli("fix", "13", "-R", PROJECT)
    assert "+    - mkdir" in without.out
    assert "before_script" not in without.out


def test_write_of_a_job_needs_the_same_file_here(cli: Cli, tree: Path, gitlab: GitLabDouble) -> None:
    put(tree, ".gitlab-ci.yml", ROOTLESS + "# changed since\n")
    refused = cli("fix", "12", "-R", PROJECT, "--write")
    assert refused.status == 4
    assert "git apply" in refused.err
    put(tree, ".gitlab-ci.yml", ROOTLESS)
    assert cli("fix", "12", "-R", PROJECT, "--write").status == 0
    assert (tree / ".gitlab-ci.yml.orig").read_text() == ROOTLESS
