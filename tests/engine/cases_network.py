"""The way between job, engine and registry: names, ports, proxies, mirrors, versions."""

from tests.engine.cure import DIND, Case, Written
from tests.engine.machine import FILES

ANY = {"Dockerfile": "FROM alpine:3.22\nRUN true\n"}
BUILD = "- docker build ."
LOGIN = '- echo "$CI_REGISTRY_PASSWORD" | docker login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"\n'
IMAGE = LOGIN + '- docker build --tag "$IMAGE" .\n- docker push "$IMAGE"'
TLS = (
    DIND.replace('""', '"/certs"').replace("2375", "2376")
    + '    DOCKER_TLS_VERIFY: "1"\n    DOCKER_CERT_PATH: /certs/client\n'
)

CASES = [
    Case(
        name="http-to-an-engine-with-tls",
        pattern="daemon/docker-http-to-https",
        files=ANY,
        job=DIND.replace('""', '"/certs"').replace("2375", "2376"),
        script=BUILD,
    ),
    Case(
        name="port-of-an-engine-without-tls",
        pattern="daemon/docker-daemon-unreachable",
        files=ANY,
        job=DIND.replace('""', '"/certs"'),
        script=BUILD,
    ),
    Case(
        name="dind-service-missing",
        pattern="daemon/dind-service-unresolved",
        files=ANY,
        job=DIND[DIND.index("  variables") :],
        script=BUILD,
    ),
    Case(
        name="dind-by-another-name-than-its-certificate",
        pattern="daemon/dind-tls-hostname-mismatch",
        files=ANY,
        job=TLS.replace("- docker:20.10-dind", "- name: docker:20.10-dind\n      alias: engine").replace(
            "tcp://docker", "tcp://engine"
        ),
        script=BUILD,
    ),
    Case(
        name="client-newer-than-the-engine",
        pattern="daemon/docker-client-api-too-new",
        files=ANY,
        job=DIND + '    DOCKER_API_VERSION: "1.45"\n',
        script=BUILD,
    ),
    Case(
        name="registry-at-a-name-that-its-certificate-lacks",
        pattern="tls/tls-name-mismatch",
        files=ANY,
        job=DIND + "    IMAGE: other.example.com/team/app:$CI_COMMIT_SHA\n",
        script=IMAGE,
    ),
    Case(
        name="registry-at-a-port-that-is-closed",
        pattern="network/connection-refused",
        files=ANY,
        job=DIND + "    IMAGE: registry.example.com:5000/team/app:$CI_COMMIT_SHA\n",
        script=IMAGE,
    ),
    Case(
        name="proxy-gone",
        pattern="network/proxy-unreachable",
        files={"Dockerfile": "FROM registry.example.org/team/outside:1\nRUN true\n"},
        job=DIND + "    HTTPS_PROXY: http://proxy.example.com:8080\n    NO_PROXY: docker\n",
        script=BUILD,
        prepare=lambda machine: machine.publish("team/outside:1"),
    ),
    Case(
        name="names-in-a-run-step",
        pattern="network/dns-failure-in-run",
        files={"Dockerfile": f"FROM alpine:3.22\nRUN wget -O /dev/null http://{FILES}:5000/v2/\n"},
        script=BUILD,
        how=(Written(fix=1),),
    ),
    Case(
        name="mirror-forbidden",
        pattern="cache/mirror-forbidden",
        files={
            "Dockerfile": "FROM alpine:3.17\nRUN true\n",
            "daemon.json": '{\n  "registry-mirrors": ["https://forbidden.example.com"]\n}\n',
        },
        job=DIND.replace(
            "- docker:20.10-dind",
            '- name: docker:20.10-dind\n      command: ["--config-file=$CI_PROJECT_DIR/daemon.json"]',
        ),
        script=BUILD,
        how=(Written("daemon.json"),),
        prepare=lambda machine: machine.publish("library/alpine:3.17"),
    ),
]
