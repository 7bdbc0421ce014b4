"""Registries: who may, whose certificate, which protocol, what it answers."""

from tests.engine.cure import DIND, Case

RUN = {"Dockerfile": "FROM alpine:3.22\nRUN true\n"}
PUSH = '- docker build --tag "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA" .\n- docker push "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA"'
LOGIN = '- echo "$CI_REGISTRY_PASSWORD" | docker login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"\n'

CASES = [
    Case(name="credentials-missing", pattern="auth/registry-credentials-missing", files=RUN, script=PUSH),
    Case(
        name="credentials-missing-pull",
        pattern="auth/registry-credentials-missing",
        files={"Dockerfile": "FROM registry.example.com/team/private:1\nRUN true\n"},
        script="- docker build .",
    ),
    Case(
        name="credentials-rejected",
        pattern="auth/registry-credentials-rejected",
        files=RUN,
        script='- echo wrong | docker login --username someone --password-stdin "$CI_REGISTRY"\n' + PUSH,
    ),
    Case(
        name="login-no-tty", pattern="auth/docker-login-no-tty", files=RUN, script='- docker login "$CI_REGISTRY"\n' + PUSH
    ),
    Case(
        name="config-broken",
        pattern="auth/docker-config-invalid",
        files=RUN,
        script='- mkdir -p ~/.docker\n- echo "{\\"auths\\":{\\"$CI_REGISTRY\\":{\\"auth\\":\\"x\\"}" > ~/.docker/config.json\n' + PUSH,
    ),
    Case(
        name="credential-helper-missing",
        pattern="auth/credential-helper-missing",
        files=RUN,
        script='- mkdir -p ~/.docker\n- echo "{\\"credsStore\\":\\"desktop\\"}" > ~/.docker/config.json\n' + LOGIN + PUSH,
    ),
    Case(
        name="private-authority",
        pattern="tls/tls-unknown-authority",
        files=RUN,
        script="- docker build -t private.example.com/team/app:1 .\n- docker push private.example.com/team/app:1",
    ),
    Case(
        name="private-authority-pull",
        pattern="tls/tls-unknown-authority",
        files={"Dockerfile": "FROM private.example.com/team/base:1\nRUN true\n"},
        script="- docker build .",
    ),
    Case(
        name="plain-http",
        pattern="tls/registry-plain-http",
        files=RUN,
        script="- docker build -t plain.example.com:5000/team/app:1 .\n- docker push plain.example.com:5000/team/app:1",
    ),
    Case(
        name="rate-limited",
        pattern="registry/registry-rate-limited",
        files={"Dockerfile": "FROM faults.example.com/ratelimit/alpine:3.20\nRUN true\n"},
        script="- docker build .",
    ),
    Case(
        name="registry-503",
        pattern="registry/registry-unavailable",
        files={"Dockerfile": "FROM faults.example.com/r503/alpine:3.20\nRUN true\n"},
        script="- docker build .",
    ),
    Case(
        name="manifest-missing",
        pattern="registry/image-not-found",
        files={"Dockerfile": "FROM mirror.example.com/team/base:9.99\nRUN true\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="push-no-tag",
        pattern="daemon/docker-push-image-not-local",
        files=RUN,
        script=LOGIN + '- docker build .\n- docker push "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA"',
    ),
    Case(
        name="http-to-https",
        pattern="daemon/docker-http-to-https",
        files=RUN,
        job=DIND.replace('""', '"/certs"').replace("2375", "2376"),
        script="- docker build .",
    ),
    Case(
        name="tls-port-mismatch",
        pattern="daemon/dind-tls-port-mismatch",
        files=RUN,
        job=DIND.replace('""', '"/certs"'),
        script="- docker build .",
    ),
    Case(
        name="dind-unresolved",
        pattern="daemon/dind-service-unresolved",
        files=RUN,
        job=DIND[DIND.index("  variables") :],
        script="- docker build .",
    ),
]
