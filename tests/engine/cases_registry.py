"""Registries: who may, whose certificate, which protocol, what it answers."""

from tests.engine.cure import DIND, Case, Filled, Followed, Written
from tests.engine.registry_faults import ACCOUNT

ANY = {"Dockerfile": "FROM alpine:3.22\nRUN true\n"}
BUILD = "- docker build ."
PUSH = """\
- docker build --tag "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA" .
- docker push "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA"
"""
LOGIN = '- echo "$CI_REGISTRY_PASSWORD" | docker login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"\n'
HUB_USER, HUB_PASSWORD = ACCOUNT.split(":")


CASES = [
    Case(name="credentials-missing", pattern="auth/registry-credentials-missing", files=ANY, script=PUSH),
    Case(
        name="credentials-missing-for-the-base-image",
        pattern="auth/registry-credentials-missing",
        files={"Dockerfile": "FROM registry.example.com/team/private:1\nRUN true\n"},
        script=BUILD,
        prepare=lambda machine: machine.publish("team/private:1"),
    ),
    Case(
        name="credentials-rejected",
        pattern="auth/registry-credentials-rejected",
        files=ANY,
        script='- echo wrong | docker login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"\n' + PUSH,
    ),
    Case(
        name="login-asks-for-a-name",
        pattern="auth/docker-login-no-tty",
        files=ANY,
        script='- docker login "$CI_REGISTRY"\n' + PUSH,
    ),
    Case(
        name="config-json-broken",
        pattern="auth/docker-config-invalid",
        files=ANY,
        job=DIND
        + '  before_script:\n    - mkdir -p ~/.docker\n    - echo \'{"auths":{"registry.example.com":{}}\' > ~/.docker/config.json\n',
        script=PUSH,
    ),
    Case(
        name="credential-helper-missing",
        pattern="auth/credential-helper-missing",
        files=ANY,
        script='- mkdir -p ~/.docker\n- echo "{\\"credsStore\\":\\"desktop\\"}" > ~/.docker/config.json\n'
        + LOGIN
        + PUSH,
    ),
    Case(
        name="config-json-not-writable",
        pattern="auth/docker-config-not-writable",
        files=ANY,
        script="- touch ~/.docker\n" + LOGIN + PUSH,
    ),
    Case(
        name="private-authority",
        pattern="tls/tls-unknown-authority",
        files=ANY,
        script="- docker build -t private.example.com/team/app:1 .\n- docker push private.example.com/team/app:1",
        how=(Written(), Filled()),
    ),
    Case(
        name="private-authority-for-the-base-image",
        pattern="tls/tls-unknown-authority",
        files={"Dockerfile": "FROM private.example.com/team/base:1\nRUN true\n"},
        script=BUILD,
        prepare=lambda machine: machine.publish("team/base:1"),
        how=(Written(), Filled()),
    ),
    Case(
        name="plain-http",
        pattern="tls/registry-plain-http",
        files=ANY,
        script="- docker build -t plain.example.com:5000/team/app:1 .\n- docker push plain.example.com:5000/team/app:1",
    ),
    Case(
        name="rate-limited",
        pattern="registry/registry-rate-limited",
        files={"Dockerfile": "FROM alpine:3.19\nRUN true\n"},
        script=BUILD,
        variables={"DOCKER_HUB_USER": HUB_USER, "DOCKER_HUB_PASSWORD": HUB_PASSWORD},
        prepare=lambda machine: machine.publish("library/alpine:3.19"),
    ),
    Case(
        name="registry-unavailable-for-a-while",
        pattern="registry/registry-unavailable",
        files={"Dockerfile": "FROM faults.example.com/flaky/alpine:3.18\nRUN true\n"},
        script=BUILD,
        prepare=lambda machine: machine.publish("library/alpine:3.18"),
    ),
    Case(
        name="base-image-tag-missing",
        pattern="registry/image-not-found",
        files={"Dockerfile": "FROM mirror.example.com/team/base:9.99\nRUN true\n"},
        script=BUILD,
        how=(Followed("Dockerfile", 1, replaces="FROM mirror.example.com/team/base:9.99"),),
    ),
    Case(
        name="push-of-what-was-not-tagged",
        pattern="daemon/docker-push-image-not-local",
        files=ANY,
        script=LOGIN + '- docker build .\n- docker push "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA"',
    ),
]
