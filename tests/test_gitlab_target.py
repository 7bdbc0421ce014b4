"""Which job, which GitLab and which token: what counts before what, and where a token may not go."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bkdoctor.errors import BkdoctorError, GitLabError, UsageError
from bkdoctor.gitlab import credentials, remote
from bkdoctor.gitlab.address import PageUrl, parse_base, parse_job, parse_project, parse_remote
from bkdoctor.gitlab.target import Target, resolve_job

SECRET = "glpat-" + "aaaabbbbccccddddeeee"
URL = "https://gitlab.example.com/group/app/-/jobs/12"


@pytest.fixture(autouse=True)
def _no_system_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "SYSTEM_CONFIG", "/nonexistent/python-gitlab.cfg")


Resolve = Callable[..., Target]


@pytest.fixture
def resolve(tmp_path: Path) -> Resolve:
    """resolve_job in an empty home, with the git remote and the environment that a test gives."""

    def resolve_(argument: str, *, git: str | None = None, env: dict[str, str] | None = None, **options: Any) -> Target:
        known = {"HOME": str(tmp_path), **(env or {})}
        return resolve_job(argument, env=known, remote=lambda: git, **options)

    return resolve_


def place(target: Target) -> str:
    return f"{target.base.url} {target.project} {target.job_id}"


def sent(target: Target) -> str | None:
    return target.token.value if target.token else None


# the job


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, "https://gitlab.example.com group/app 12"),
        (f"  {URL}\n", "https://gitlab.example.com group/app 12"),
        (f"{URL}#L123", "https://gitlab.example.com group/app 12"),
        (f"{URL}?page=2&x=/-/jobs/9#L1", "https://gitlab.example.com group/app 12"),
        (f"{URL}/", "https://gitlab.example.com group/app 12"),
        (f"{URL}/raw", "https://gitlab.example.com group/app 12"),
        (f"{URL}/artifacts/browse/out", "https://gitlab.example.com group/app 12"),
        (f"{URL}.json", "https://gitlab.example.com group/app 12"),
        ("https://gitlab.example.com/a/b/c/app/-/jobs/12", "https://gitlab.example.com a/b/c/app 12"),
        ("https://gitlab.example.com/group/app/jobs/12", "https://gitlab.example.com group/app 12"),
        ("https://gitlab.example.com/group/app/builds/12", "https://gitlab.example.com group/app 12"),
        ("https://gitlab.example.com/group/jobs/-/jobs/12", "https://gitlab.example.com group/jobs 12"),
        ("https://gitlab.example.com/group/jobs/jobs/12", "https://gitlab.example.com group/jobs 12"),
        ("gitlab.example.com/group/app/-/jobs/12", "https://gitlab.example.com group/app 12"),
        ("HTTPS://GitLab.Example.com:443/group/app/-/jobs/12", "https://gitlab.example.com group/app 12"),
        ("https://gitlab.example.com:8443/group/app/-/jobs/12", "https://gitlab.example.com:8443 group/app 12"),
        ("http://gitlab.example.com/group/app/-/jobs/12", "http://gitlab.example.com group/app 12"),
        ("https://[2001:DB8::1]:8443/group/app/-/jobs/12", "https://[2001:db8::1]:8443 group/app 12"),
        ("https://me:pass@gitlab.example.com/group/app/-/jobs/12", "https://gitlab.example.com group/app 12"),
        ("https://gitlab.example.com/api/v4/projects/7/jobs/12/trace", "https://gitlab.example.com 7 12"),
        ("https://example.com/git/api/v4/projects/a%2Fb/jobs/12", "https://example.com/git a/b 12"),
    ],
)
def test_urls_of_jobs(resolve: Resolve, url: str, expected: str) -> None:
    assert place(resolve(url)) == expected


@pytest.mark.parametrize("number", ["12", "#12", " 12 "])
def test_numbers_of_jobs(resolve: Resolve, number: str) -> None:
    target = resolve(number, project="group/app", gitlab="gitlab.example.com")
    assert place(target) == "https://gitlab.example.com group/app 12"
    assert target.name == "12"
    assert target.url == URL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "build",
        "-1",
        "1.5",
        "١٢",
        SECRET,
        f"https://oauth2:{SECRET}@gitlab.example.com/group/app",
        f"https://gitlab.example.com/{SECRET}",
        "https://gitlab.example.com/group/app/-/pipelines/12",
        "https://gitlab.example.com/group/app/-/merge_requests/12",
        "https://gitlab.example.com/-/jobs/12",
        "https://gitlab.example.com/app/../../jobs/12",
        "https:///group/app/-/jobs/12",
        "https://[::1/group/app/-/jobs/12",
        "https://a b/group/app/-/jobs/12",
        "https://gitlab.example.com:port/group/app/-/jobs/12",
        "ftp://gitlab.example.com/group/app/-/jobs/12",
        "file:///group/app/-/jobs/12",
        "1" * 30,
    ],
)
def test_what_is_no_job_is_said_without_repeating_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_job(text)
    assert "copy the URL" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_the_name_holds_no_password(resolve: Resolve) -> None:
    target = resolve(f"https://oauth2:{SECRET}@gitlab.example.com/group/app/-/jobs/12?private_token={SECRET}")
    assert target.name == URL
    assert SECRET not in repr(target)


@pytest.mark.parametrize("named", [{"gitlab": "https://example.com/git"}, {"env": {"GITLAB_HOST": "example.com/git"}}])
def test_a_root_that_is_named(resolve: Resolve, named: dict[str, Any]) -> None:
    target = resolve("https://example.com/git/group/app/-/jobs/12", **named)
    assert place(target) == "https://example.com/git group/app 12"


def test_a_root_that_the_project_shows(resolve: Resolve) -> None:
    target = resolve("https://example.com/git/group/app/-/jobs/12", project="group/app")
    assert place(target) == "https://example.com/git group/app 12"


def test_a_root_that_python_gitlab_knows(resolve: Resolve, tmp_path: Path) -> None:
    write(tmp_path, "[work]\nurl = https://example.com/git/\nprivate_token = from-file\n")
    target = resolve("https://example.com/git/group/app/-/jobs/12")
    assert place(target) == "https://example.com/git group/app 12"
    assert sent(target) == "from-file"


# the host


HOSTS = ["https://flag.example.com", "https://url.example.com", "https://env.example.com", "https://ci.example.com"]


@pytest.mark.parametrize("first", range(6))
def test_order_of_hosts(resolve: Resolve, first: int) -> None:
    options: dict[str, Any] = {"project": "group/app", "env": {}}
    if first <= 0:
        options["gitlab"] = HOSTS[0]
    argument = f"{HOSTS[1]}/group/app/-/jobs/12" if first <= 1 else "12"
    if first <= 2:
        options["env"]["GITLAB_HOST"] = HOSTS[2]
    if first <= 3:
        options["env"]["CI_SERVER_URL"] = HOSTS[3]
    git = "git@remote.example.com:group/app.git" if first <= 4 else None
    expected = [*HOSTS, "https://remote.example.com", "https://gitlab.com"][first]
    assert resolve(argument, git=git, **options).base.url == expected


def test_git_is_not_asked_when_all_is_known(tmp_path: Path) -> None:
    def fail() -> str:
        raise AssertionError("git was asked")

    env = {"HOME": str(tmp_path), "GITLAB_HOST": "gitlab.example.com"}
    assert resolve_job("12", project="group/app", env=env, remote=fail).base.host == "gitlab.example.com"


def test_gitlab_com_is_asked_without_the_token_if_nothing_names_a_host(resolve: Resolve) -> None:
    target = resolve("12", project="group/app", env={"GITLAB_TOKEN": SECRET})
    assert target.base.url == "https://gitlab.com"
    assert target.token is None
    assert "add --gitlab https://gitlab.com to send it" in target.advice
    assert "gitlab.com was asked" in target.notes[0]
    assert target.advice in target.notes


def test_the_flag_beats_a_url_of_another_host_and_says_so(resolve: Resolve) -> None:
    target = resolve(URL, gitlab="https://inner.example.com", env={"GITLAB_TOKEN": SECRET})
    assert place(target) == "https://inner.example.com group/app 12"
    assert sent(target) == SECRET
    assert "is on gitlab.example.com, but --gitlab names inner.example.com" in target.notes[0]


@pytest.mark.parametrize("value", ["https://", "ftp://gitlab.example.com", "a b", "http://[", "https://u:p@/"])
@pytest.mark.parametrize("where", ["--gitlab", "GITLAB_HOST", "CI_SERVER_URL"])
def test_an_address_that_is_none(resolve: Resolve, value: str, where: str) -> None:
    options: dict[str, Any] = {"gitlab": value} if where == "--gitlab" else {"env": {where: value}}
    with pytest.raises(UsageError, match=f"^{where} is not the address of a GitLab: write it as https://"):
        resolve("12", project="group/app", **options)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("gitlab.example.com", "https://gitlab.example.com"),
        ("GitLab.example.com.", "https://gitlab.example.com"),
        ("gitlab.example.com:8443", "https://gitlab.example.com:8443"),
        ("http://gitlab.example.com:80/", "http://gitlab.example.com"),
        ("https://example.com/git/", "https://example.com/git"),
        ("https://example.com/git/api/v4/", "https://example.com/git"),
        ("https://me:pw@gitlab.example.com", "https://gitlab.example.com"),
        ("https://gitlab.example.com\\@other.example.net", "https://other.example.net"),
        ("https://müller.example", "https://xn--mller-kva.example"),
        ("localhost", "https://localhost"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert parse_base(text, "--gitlab").url == url


# the project


def test_order_of_projects(resolve: Resolve) -> None:
    git = "https://gitlab.example.com/from/remote.git"
    env = {"CI_PROJECT_ID": "71", "CI_SERVER_URL": "https://gitlab.example.com"}
    assert resolve(URL, project="a/b", git=git, env=env).project == "a/b"
    assert resolve(URL, git=git, env=env).project == "group/app"
    assert resolve("12", git=git, env=env).project == "71"
    assert resolve("12", git=git).project == "from/remote"


def test_no_project(resolve: Resolve) -> None:
    with pytest.raises(UsageError, match="-R GROUP/PROJECT"):
        resolve("12", gitlab="gitlab.example.com")


def test_the_number_of_a_project_counts_only_where_it_comes_from(resolve: Resolve) -> None:
    env = {"CI_PROJECT_ID": "71", "CI_SERVER_URL": "https://ci.example.com"}
    with pytest.raises(UsageError):
        resolve("12", gitlab="https://gitlab.example.com", env=env)


@pytest.mark.parametrize(
    ("wanted", "project", "host"),
    [
        ("group/app", "group/app", "gitlab.com"),
        ("a/b/c.d-e_f", "a/b/c.d-e_f", "gitlab.com"),
        ("/group/app/", "group/app", "gitlab.com"),
        ("group/app.git", "group/app", "gitlab.com"),
        ("71", "71", "gitlab.com"),
        ("https://gitlab.example.com/group/app", "group/app", "gitlab.example.com"),
        ("https://gitlab.example.com/group/app.git", "group/app", "gitlab.example.com"),
        ("https://gitlab.example.com/group/app/-/tree/main", "group/app", "gitlab.example.com"),
        ("git@gitlab.example.com:group/app.git", "group/app", "gitlab.example.com"),
    ],
)
def test_ways_to_name_a_project(resolve: Resolve, wanted: str, project: str, host: str) -> None:
    target = resolve("12", project=wanted)
    assert (target.project, target.base.host) == (project, host)


@pytest.mark.parametrize("wanted", ["app", "a//b", "../b", "a b/c", SECRET, "https://gitlab.example.com/x"])
def test_what_is_no_project_is_said_without_repeating_it(wanted: str) -> None:
    with pytest.raises(UsageError, match=r"^-R does not name a project: write -R GROUP/PROJECT") as caught:
        parse_project(wanted)
    assert SECRET not in str(caught.value)


def test_the_url_of_a_project_below_a_root(resolve: Resolve) -> None:
    env = {"GITLAB_HOST": "https://example.com/git"}
    assert place(resolve("12", project="https://example.com/git/a/b", env=env)) == "https://example.com/git a/b 12"


# git remotes


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://gitlab.example.com/group/app.git", "https://gitlab.example.com group/app"),
        ("https://gitlab.example.com/group/app", "https://gitlab.example.com group/app"),
        ("https://ci:secret@gitlab.example.com:8443/a/b/c.git/", "https://gitlab.example.com:8443 a/b/c"),
        ("http://gitlab.example.com/group/app.git", "http://gitlab.example.com group/app"),
        ("ssh://git@gitlab.example.com:2222/group/app.git", "https://gitlab.example.com group/app"),
        ("ssh://git@altssh.gitlab.com:443/group/app.git", "https://gitlab.com group/app"),
        ("git@gitlab.example.com:group/sub/app.git", "https://gitlab.example.com group/sub/app"),
        ("gitlab.example.com:/group/app.git", "https://gitlab.example.com group/app"),
        ("git://gitlab.example.com/group/app.git", "https://gitlab.example.com group/app"),
    ],
)
def test_remotes(url: str, expected: str) -> None:
    found = parse_remote(url)
    assert found is not None
    assert f"{found.base.url} {found.path}" == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/srv/git/app.git",
        "../app",
        "file:///srv/group/app.git",
        "C:\\git\\app",
        "c:/git/app",
        "https://h",
        "a:b",
        "git@github.com:group/app.git",
        "https://github.com/group/app",
        "git@bitbucket.org:a/b.git",
        "ssh://[x/a/b",
    ],
)
def test_remotes_that_name_no_gitlab(url: str) -> None:
    assert parse_remote(url) is None


def test_a_remote_below_a_root(resolve: Resolve) -> None:
    target = resolve("12", git="https://example.com/git/a/b.git", env={"GITLAB_HOST": "https://example.com/git"})
    assert place(target) == "https://example.com/git a/b 12"


def test_the_remote_of_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    if shutil.which("git") is None:
        pytest.skip("no git here")
    assert remote.git_remote_url() is None
    for command in (["init", "-q"], ["remote", "add", "upstream", "git@gitlab.example.com:group/app.git"]):
        subprocess.run(["git", *command], check=True, capture_output=True)
    assert remote.git_remote_url() == "git@gitlab.example.com:group/app.git"
    subprocess.run(["git", "remote", "add", "origin", "git@gitlab.example.com:me/app.git"], check=True)
    assert remote.git_remote_url() == "git@gitlab.example.com:me/app.git"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert remote.git_remote_url() is None


# tokens of the environment


def test_order_of_tokens_and_how_they_are_sent(resolve: Resolve) -> None:
    env = {"GITLAB_TOKEN": "one", "GITLAB_ACCESS_TOKEN": "two", "OAUTH_TOKEN": "three", "CI_JOB_TOKEN": "four"}
    got = []
    for name in list(env):
        token = resolve(URL, env=env).token
        got.append((token.value, token.kind, token.origin) if token else None)
        env[name] = " "
    assert got == [
        ("one", "private", "GITLAB_TOKEN"),
        ("two", "private", "GITLAB_ACCESS_TOKEN"),
        ("three", "oauth", "OAUTH_TOKEN"),
        None,
    ]


def test_no_token_at_all(resolve: Resolve) -> None:
    target = resolve(URL)
    assert target.token is None
    assert target.notes == ()
    assert "set GITLAB_TOKEN to a token with the scope read_api" in target.advice


def test_a_job_token_is_not_enough(resolve: Resolve) -> None:
    target = resolve(URL, env={"CI_JOB_TOKEN": SECRET, "CI_SERVER_URL": "https://gitlab.example.com"})
    assert target.token is None
    assert "CI_JOB_TOKEN cannot read" in target.advice
    assert "set GITLAB_TOKEN" in target.advice
    assert SECRET not in repr(target)


NAMERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "--gitlab": lambda host: {"gitlab": f"https://{host}"},
    "GITLAB_HOST": lambda host: {"env": {"GITLAB_HOST": host}},
    "CI_SERVER_URL": lambda host: {"env": {"CI_SERVER_URL": f"https://{host}"}},
    "the git remote": lambda host: {"git": f"git@{host}:group/app.git"},
}


def with_token(options: dict[str, Any]) -> dict[str, Any]:
    return options | {"env": options.get("env", {}) | {"GITLAB_TOKEN": SECRET}}


@pytest.mark.parametrize("who", NAMERS)
def test_a_token_goes_to_the_host_that_is_named(resolve: Resolve, who: str) -> None:
    options = with_token(NAMERS[who]("gitlab.example.com"))
    assert sent(resolve(URL, **options)) == SECRET
    assert sent(resolve("12", project="group/app", **options)) == SECRET


@pytest.mark.parametrize("who", ["GITLAB_HOST", "CI_SERVER_URL", "the git remote"])
@pytest.mark.parametrize(
    "url",
    [
        "https://other.example.net/group/app/-/jobs/12",
        "https://gitlab.example.com.other.example.net/group/app/-/jobs/12",
        "https://gitlab.example.com@other.example.net/group/app/-/jobs/12",
        "https://xgitlab.example.com/group/app/-/jobs/12",
        "https://example.com/group/app/-/jobs/12",
        "http://gitlab.example.com:8080/group/app/-/jobs/12",
    ],
)
def test_a_token_goes_to_no_other_host(resolve: Resolve, who: str, url: str) -> None:
    target = resolve(url, **with_token(NAMERS[who]("gitlab.example.com")))
    assert target.token is None
    assert f"GITLAB_TOKEN was not sent to {target.base.netloc}, because {who}" in target.advice
    assert target.advice.endswith(f"add --gitlab {target.base.url} to send it")
    assert target.notes == (target.advice,)
    assert SECRET not in repr(target)


def test_the_first_that_names_a_host_decides(resolve: Resolve) -> None:
    env = {"GITLAB_HOST": "other.example.net", "CI_SERVER_URL": "https://gitlab.example.com", "GITLAB_TOKEN": SECRET}
    assert resolve(URL, env=env, git="git@gitlab.example.com:group/app.git").token is None


def test_a_url_of_a_project_is_a_url_the_user_typed(resolve: Resolve) -> None:
    wanted = "https://gitlab.example.com/group/app"
    assert sent(resolve("12", project=wanted, env={"GITLAB_TOKEN": SECRET})) == SECRET
    env = {"GITLAB_TOKEN": SECRET, "GITLAB_HOST": "other.example.net"}
    assert resolve("12", project=wanted, env=env).token is None


def test_a_remote_at_another_forge_names_no_host(resolve: Resolve) -> None:
    assert sent(resolve(URL, git="git@github.com:group/app.git", env={"GITLAB_TOKEN": SECRET})) == SECRET


def test_the_port_belongs_to_the_host_but_for_ssh_remotes(resolve: Resolve) -> None:
    url = "https://gitlab.example.com:8443/group/app/-/jobs/12"
    env = {"GITLAB_TOKEN": SECRET}
    assert resolve(url, env=env | {"GITLAB_HOST": "gitlab.example.com"}).token is None
    assert sent(resolve(url, env=env | {"GITLAB_HOST": "gitlab.example.com:8443"})) == SECRET
    assert sent(resolve(url, env=env, git="git@gitlab.example.com:group/app.git")) == SECRET


# plain http


def test_plain_http_only_where_it_is_named(resolve: Resolve) -> None:
    url = URL.replace("https", "http")
    env = {"GITLAB_TOKEN": SECRET}
    upgraded = resolve(url, env=env | {"GITLAB_HOST": "gitlab.example.com"})
    assert upgraded.base.url == "https://gitlab.example.com"
    assert sent(upgraded) == SECRET
    for named in ({"env": env | {"GITLAB_HOST": "http://gitlab.example.com"}}, {"env": env}):
        plain = resolve(url, **named)
        assert plain.base.url == "http://gitlab.example.com"
        assert sent(plain) == SECRET
        assert "without TLS" in plain.notes[0]


def test_https_is_kept_where_http_is_named(resolve: Resolve) -> None:
    target = resolve(URL, env={"GITLAB_TOKEN": SECRET, "GITLAB_HOST": "http://gitlab.example.com"})
    assert (target.base.scheme, sent(target)) == ("https", SECRET)


# python-gitlab's configuration


def write(folder: Path, text: str, name: str = ".python-gitlab.cfg") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


WORK = "[work]\nurl = https://gitlab.example.com\n"


def test_the_section_of_the_host(resolve: Resolve, tmp_path: Path) -> None:
    text = "[global]\ndefault = other\n[other]\nurl = https://other.example.net\nprivate_token = wrong\n"
    write(tmp_path, f"{text}{WORK}private_token = right\n")
    target = resolve(URL)
    assert target.token is not None
    assert (target.token.value, target.token.kind) == ("right", "private")
    assert target.token.origin == f"section [work] of {tmp_path}/.python-gitlab.cfg"
    assert resolve("https://third.example.org/group/app/-/jobs/12").token is None


def test_the_environment_comes_first(resolve: Resolve, tmp_path: Path) -> None:
    write(tmp_path, f"{WORK}private_token = from-file\n")
    assert sent(resolve(URL, env={"GITLAB_TOKEN": SECRET})) == SECRET


def test_a_section_helps_where_the_environments_token_may_not_go(resolve: Resolve, tmp_path: Path) -> None:
    write(tmp_path, f"{WORK}oauth_token = from-file\n")
    target = resolve(URL, env={"GITLAB_TOKEN": SECRET, "GITLAB_HOST": "other.example.net"})
    assert target.token is not None
    assert (target.token.value, target.token.kind) == ("from-file", "oauth")
    assert target.notes == ()


def test_the_default_section_first_of_two_for_one_host(resolve: Resolve, tmp_path: Path) -> None:
    second = WORK.replace("work", "zoo")
    write(tmp_path, f"[global]\ndefault = zoo\n{WORK}private_token = a\n{second}private_token = b\n")
    assert sent(resolve(URL)) == "b"


def test_the_file_that_the_environment_names_stands_alone(resolve: Resolve, tmp_path: Path) -> None:
    write(tmp_path, f"{WORK}private_token = home\n")
    named = write(tmp_path, f"{WORK}private_token = named\n", "other.cfg")
    assert sent(resolve(URL, env={"PYTHON_GITLAB_CFG": named})) == "named"
    with pytest.raises(GitLabError, match="PYTHON_GITLAB_CFG names a file that does not exist"):
        resolve(URL, env={"PYTHON_GITLAB_CFG": str(tmp_path / "none.cfg")})


def test_the_users_file_goes_over_the_systems(
    resolve: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = write(tmp_path, f"{WORK}private_token = system\n[global]\nssl_verify = /etc/ca.pem\n", "system.cfg")
    monkeypatch.setattr(credentials, "SYSTEM_CONFIG", system)
    assert sent(resolve(URL)) == "system"
    write(tmp_path, f"{WORK}private_token = user\n")
    assert sent(resolve(URL)) == "user"
    assert resolve(URL).verify == "/etc/ca.pem"


@pytest.mark.parametrize(
    ("line", "verify"), [("", True), ("ssl_verify = true", True), ("ssl_verify = /ca.pem", "/ca.pem")]
)
def test_certificates_that_the_section_names(resolve: Resolve, tmp_path: Path, line: str, verify: Any) -> None:
    write(tmp_path, f"{WORK}{line}\n")
    assert resolve(URL, env={"GITLAB_TOKEN": SECRET}).verify == verify


def test_certificates_that_are_not_checked_are_said(resolve: Resolve, tmp_path: Path) -> None:
    write(tmp_path, f"{WORK}ssl_verify = false\n")
    target = resolve(URL)
    assert target.verify is False
    assert "was not checked" in target.notes[0]


def test_a_helper_program(resolve: Resolve, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\necho ran >>{ran}\necho from-helper\n")
    helper.chmod(0o700)
    write(tmp_path, f"{WORK}private_token = helper: {helper}\n")
    assert resolve("https://other.example.net/group/app/-/jobs/12").token is None
    assert sent(resolve(URL, env={"GITLAB_TOKEN": SECRET})) == SECRET
    assert not ran.exists()
    assert sent(resolve(URL)) == "from-helper"


@pytest.mark.parametrize(
    "text",
    [
        f"private_token = {SECRET}\n",
        f"{WORK}{SECRET}\n",
        f"{WORK}private_token = {SECRET}%x\n",
        f"{WORK}private_token = {SECRET} and more\n",
        f"{WORK}private_token = {SECRET}\nprivate_token = {SECRET}\n",
        f"{WORK}private_token = {SECRET}\napi_version = 3\n",
        f"{WORK}private_token = helper: sh -c 'echo {SECRET} >&2; exit 1'\n",
        f"{WORK}private_token = helper: /nonexistent/{SECRET}\n",
        f"{WORK}private_token = helper: '{SECRET}\n",
    ],
)
def test_a_broken_file_is_said_without_the_token(resolve: Resolve, tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    with pytest.raises(BkdoctorError) as caught:
        resolve(URL)
    said = str(caught.value)
    assert ".python-gitlab.cfg" in said
    assert SECRET not in said
    assert "\n" not in said
    assert caught.value.exit_status == 5
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("bad", ["a\nb", "a b", "tökén", "a\x00b"])
def test_a_token_that_cannot_be_one(resolve: Resolve, bad: str) -> None:
    with pytest.raises(GitLabError, match=r"^GITLAB_TOKEN holds blanks or characters.*copy the token again$") as caught:
        resolve(URL, env={"GITLAB_TOKEN": bad})
    assert bad not in str(caught.value)


def test_no_repr_shows_a_token(resolve: Resolve) -> None:
    target = resolve(URL, env={"GITLAB_TOKEN": SECRET})
    rich = pytest.importorskip("rich.pretty")
    assert target.token is not None
    for text in (repr(target), str(target), f"{target.token}", rich.pretty_repr(target)):
        assert SECRET not in text


def test_a_job_url_knows_its_parts() -> None:
    job = parse_job(URL)
    assert isinstance(job, PageUrl)
    assert (job.base.url, job.path, job.number) == ("https://gitlab.example.com", "group/app", 12)
