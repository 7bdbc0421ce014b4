"""Secrets are found in every position, nothing else is touched, and twice is the same as once."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bkdoctor.redact import REDACTED, redact, redact_lines
from tests.properties import examples

# Put together at run time, so that no scanner takes this file for a leak.
BODY = "Zq4" + "tR9x" * 8
KEY_LINE = "Mi" + "IEvQIBADANBgkqhkiG9w0BAQEFAASC" + "Bk3x" * 8
BEGIN, END = "-----BEGIN RSA PRIVATE " + "KEY-----", "-----END RSA PRIVATE " + "KEY-----"
JWT = "ey" + "J" + "hbGciOiJSUzI1NiJ9" + "." + "eyJzdWIiOiJqb2IifQ" + "." + BODY
AWS_ID = "AK" + "IA" + "Q3XY" * 4

TOKENS = [
    *(
        f"{kind}-{BODY}"
        for kind in [
            "glp" + "at",
            "gl" + "dt",
            "gl" + "rt",
            "gl" + "rtr",
            "gl" + "cbt",
            "gl" + "ptt",
            "gl" + "ft",
            "gls" + "oat",
            "glo" + "as",
            "gla" + "gent",
            "gl" + "imt",
            "glff" + "ct",
        ]
    ),
    "GR13" + "48941" + BODY,
    "glp" + "at-" + BODY + ".01.1a2b3c",
    "gl" + "cbt-64_" + BODY,
    *(f"gh{kind}_{BODY}" for kind in "pousr"),
    "github" + "_pat_" + BODY,
    AWS_ID,
    "AI" + "za" + BODY,
    "ya" + "29." + BODY,
    "dckr" + "_pat_" + BODY,
    "dckr" + "_oat_" + BODY,
    "npm" + "_" + BODY[:36],
    "pypi" + "-AgEIc" + BODY,
    JWT,
]

IN_CONTEXT = [
    ("fatal: unable to access 'https://oauth2:{}@gitlab.example.com/team/app.git/'", "hunter2"),
    ("proxyconnect tcp: dial http://builder:{}@proxy.example.com:3128", "p@ss"),
    ("git clone https://{}@gitlab.example.com/team/app.git", "abcdefgh12345678"),
    ("> Authorization: Basic {}", "dXNlcjpwYXNz"),
    ("> authorization: Bearer {}", "abc"),
    ('curl -H "Authorization: Token {}" https://example.com', "abc123"),
    ("map[Accept:[*/*] Authorization:[Basic {}] User-Agent:[buildkit]]", "dXNlcjpwYXNz"),
    ("Authorization: {}", "a1b2c3d4e5f6"),
    ('Authorization: Digest username="Mufasa", response="{}"', "6629fae49393"),
    ('curl --header "PRIVATE-TOKEN: {}" https://gitlab.example.com', "a1b2c3d4e5"),
    ('{{"auths":{{"registry.example.com":{{"auth":"{}"}}}}}}', "dXNlcjpwYXNz"),
    ('echo "{{\\"auths\\":{{\\"r\\":{{\\"auth\\": \\"{}\\"}}}}}}" > config.json', "dXNlcjpwYXNz"),
    ('{{"username": "a", "password" : "{}"}}', 'with \\" quote and blank'),
    ('{{"identitytoken": "{}"', "0f0f0f"),
    ('{{"registrytoken":"{}', "cut-at-the-end-of-the-line"),
    ('"private_key": "{}"', "abc\\ndef"),
    ("$ docker login -u ci -p {} registry.example.com", "hunter"),
    ("$ docker login -p{} -u ci registry.example.com", "hunter"),
    ("mkdir -p ~/.docker && docker login -u ci --password '{}' r.example.com && ls", "two words"),
    ("podman login --username ci --password={} r.example.com", "hunter"),
    ("helm registry login r.example.com -u ci -p {}", "hunter"),
    ("buildah push -u ci -p {} image", "hunter"),
    ("kaniko --registry-token={}", "hunter"),
    ("crane auth login r.example.com -u ci -p '{}'; ls -p", "a;b|c"),
    ("$ tool --token {}", "a1B2c3"),
    ("$ tool --token={} --other", "abc"),
    ("curl -u ci:{} https://r.example.com/v2/", "hunter"),
    ("GET https://s3.example.com/layer?X-Amz-Date=1&X-Amz-Signature={}&X-Amz-Expires=1200", "0a1b2c"),
    ("GET https://s3.example.com/layer?X-Amz-Credential={}", "ASI/20260101/us-east-1"),
    ("GET https://gitlab.example.com/api?private_token={}", "0a1b2c"),
    ('url="https://s3.example.com/layer?a=b\\u0026X-Amz-Signature={}"', "0a1b2c"),
    ("AWS_SECRET_ACCESS_KEY={}", "abcd/efgh+ijkl"),
    ("aws_secret_access_key = {}", "abcd/efgh+ijkl"),
    ("--cache-to type=s3,region=x,secret_access_key={},bucket=b", "abcd/efgh+ijkl"),
    ("//npm.mirror.example/:_authToken={}", "0a1b2c3d"),
    ('--build-arg DB_PASSWORD="{}" .', "two words"),
    ("Set-Cookie: _gitlab_session={}; path=/", "0a1b2c3d"),
]

CLEAN = [
    "#7 [2/3] RUN apk add --no-cache git curl",
    "#1 [internal] load build definition from Dockerfile",
    "#5 FROM docker.io/library/alpine:3.19@sha256:c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b",
    "#5 resolve docker-image://alpine@sha256:c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b done",
    "c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b",
    "Checking out 3b18e512dba79e4c8300dd08aeb37f8e728b8dad as detached HEAD (ref is main)...",
    "request id 6f1c2d7e-0b4a-4f8e-9d0f-1d2c3b4a5e6f",
    "$ mkdir -p ~/.docker",
    "$ mkdir -p /kaniko/.docker && cp -p a b && mkdir -p $HOME/.docker",
    "$ docker run -d -p 8080:80 -p 127.0.0.1:53:53/udp nginx",
    "$ docker run -u 1000 -p 8080:80 nginx",
    "$ docker run --user 1000:1000 nginx",
    '$ docker login -u "$CI_REGISTRY_USER" -p "$CI_REGISTRY_PASSWORD" $CI_REGISTRY',
    "$ docker login -u ci -p $CI_JOB_TOKEN registry.example.com",
    "$ echo $CI_REGISTRY_PASSWORD | docker login --username ci --password-stdin registry.example.com",
    "$ docker login registry.example.com && mkdir -p ~/.docker",
    "WARNING! Using --password via the CLI is insecure. Use --password-stdin.",
    "Error: Cannot perform an interactive login from a non TTY device",
    "Password: Error: Cannot perform an interactive login from a non TTY device",
    "Fetching https://gitlab-ci-token:[MASKED]@gitlab.example.com/team/app.git",
    "remote: glp" + "at-[MASKED] and [MASKED] stay as they are",
    "git@gitlab.example.com:team/app.git and ssh://git@gitlab.example.com/team/app.git",
    "http://builder:xxxxx@proxy.example.com:3128 and https://a:***@b.example.com",
    "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized",
    'server message: insufficient_scope: authorization failed; Bearer realm="https://auth.example.com/token",service="r"',
    "authorization: failed to fetch anonymous token",
    "GET https://auth.docker.io/token?scope=repository%3Alibrary%2Falpine%3Apull&service=registry.docker.io: 401",
    "--secret id=token,src=/run/secrets/token --mount=type=secret,id=npmrc,required=true",
    "npm_config_cache=/cache npm_package_name=app pypi-mirror-of-the-company",
    "-----BEGIN CERTIFICATE-----",
    "error: no -----BEGIN PRIVATE " + "KEY----- found in file",
    '{"auths":{"registry.example.com":{}},"auth":""}',
    'password: "$PASSWORD" {"token": "${CI_JOB_TOKEN}"}',
    "TZ=Asia/Tokyo  [rootlesskit:child ] error: failed to share mount point: /: permission denied",
    "Running on runner-t3zq1abc-project-42-concurrent-0 via runner-1.example.com...",
    'ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2',
    "",
]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    "around", ["{}", "x: {}, y", '"{}"', "TOKEN={}", "docker login -p{}", "({})", "`{}`", "a\n{}\nb"]
)
def test_a_token_is_known_by_its_shape(token: str, around: str) -> None:
    shown = redact(around.format(token))
    assert token[8:] not in shown
    assert REDACTED in shown


@pytest.mark.parametrize(("text", "secret"), IN_CONTEXT)
@pytest.mark.parametrize("around", ["{}", "#7 0.123 {} ", "x\n{}\ny", "2026-01-01T00:00:00Z 01O {}"])
def test_a_secret_is_known_by_its_place(text: str, secret: str, around: str) -> None:
    line = around.format(text.format(secret))
    shown = redact(line)
    assert secret not in shown
    assert REDACTED in shown
    assert redact(shown) == shown


@pytest.mark.parametrize("line", CLEAN)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redact(line) == line


def test_what_stands_around_a_secret_stays() -> None:
    line = 'a --password="x y" b {"auth":"abc","email":"d"} https://u:p@h.example.com/p?sig=1&q=2'
    assert redact(line) == (
        f'a --password="{REDACTED}" b {{"auth":"{REDACTED}","email":"d"}} https://{REDACTED}@h.example.com/p?sig={REDACTED}&q=2'
    )
    token = "glp" + "at-" + BODY
    assert redact(f"token {token}.") == "token glp" + f"at-{REDACTED}."


def test_a_private_key_over_several_lines() -> None:
    lines = ["before", f"#7 0.1 {BEGIN}", f"#7 0.1 {KEY_LINE}", "#7 0.1 Zm9v", f"#7 0.1 {END}", "after"]
    assert redact_lines(lines) == ["before", lines[1], f"#7 0.1 {REDACTED}", f"#7 0.1 {REDACTED}", lines[4], "after"]
    assert redact("\n".join(lines)).split("\n") == redact_lines(lines)
    assert redact_lines(redact_lines(lines)) == redact_lines(lines)


def test_a_private_key_with_headers_and_in_one_line() -> None:
    assert redact_lines([BEGIN, "Proc-Type: 4,ENCRYPTED", "", KEY_LINE, END])[1:4] == [REDACTED, "", REDACTED]
    for gap in ("\\n", " ", "\\\\n"):
        shown = redact(f'KEY="{BEGIN}{gap}{KEY_LINE}{gap}{END}" next')
        assert KEY_LINE not in shown
        assert "next" in shown


def test_a_key_that_does_not_end_hides_nothing_else() -> None:
    assert redact_lines([BEGIN, KEY_LINE, "ERROR: the key is cut", "make"])[2:] == ["ERROR: the key is cut", "make"]


def test_a_full_line_of_a_key_is_known_alone() -> None:
    assert redact(KEY_LINE) == REDACTED
    assert redact(f"#7 0.123 {KEY_LINE}") == f"#7 0.123 {REDACTED}"


PIECES = st.sampled_from(
    [
        *TOKENS[:3],
        JWT,
        AWS_ID,
        BEGIN,
        END,
        KEY_LINE,
        REDACTED,
        "[MASKED]",
        "https://",
        "a:b@",
        "@",
        ":",
        "/",
        " ",
        "\n",
        '"',
        "'",
        "\\",
        '"auth": "',
        '\\"auth\\": \\"',
        "Authorization: ",
        "Basic ",
        "Bearer ",
        "Digest ",
        "docker login ",
        "-u a ",
        "-p ",
        "-p",
        "--password ",
        "--password=",
        "--token=",
        "password=",
        "aws_secret_access_key = ",
        "curl ",
        "?sig=",
        "&X-Amz-Signature=",
        "$X",
        "&&",
        ";",
        "abc1",
        "]",
        "[",
        "=",
        "-",
        "`",
    ]
)


@examples(1500)
@given(st.lists(PIECES | st.text(max_size=4), max_size=14).map("".join))
def test_twice_is_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
    assert len(once) <= 4 * len(text) + len(REDACTED)


@examples(300)
@given(st.sampled_from(TOKENS), st.text(max_size=20), st.text(max_size=20))
def test_a_token_is_found_in_any_text(token: str, before: str, after: str) -> None:
    if token == AWS_ID or token.startswith("ey"):
        before, after = f"{before} ", f" {after}"
    assert token not in redact(before + token + after)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "://",
        "://a",
        "://a:",
        "authorization: ",
        "authorization: a ",
        "bearer ",
        '"auth":"',
        '\\"auth\\":\\"',
        "\\",
        '"',
        "'",
        "eyJ",
        "eyJa.",
        "login ",
        "login -p ",
        "login '",
        "-u a ",
        "-p ",
        "curl ",
        "curl -u ",
        "curl -u a:",
        "token=",
        "access_key ",
        "glp" + "at-",
        "glpat-" + ".",
        BEGIN,
        BEGIN + "A" * 20,
        "-----BEGIN ",
        "?sig=",
        "[REDACTED]",
        "--password ",
        "=",
        " ",
        'key="',
    ],
)
def test_the_time_is_linear(unit: str) -> None:
    begin = time.process_time()
    redact(unit * (100_000 // len(unit)))
    assert time.process_time() - begin < 1.5
