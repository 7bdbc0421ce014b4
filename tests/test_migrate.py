"""`migrate`: kaniko and docker build to BuildKit, option by option and file by file."""

import re
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from bkdoctor.catalog.snippet_keys import check_keys
from bkdoctor.cli import app
from bkdoctor.fixes.result import CannotEdit
from bkdoctor.fixes.shell_words import runs
from bkdoctor.migrate.build import command
from bkdoctor.migrate.flags import Flag, Target, Tool, table
from bkdoctor.migrate.jobs import Migration, migrate
from bkdoctor.migrate.kaniko import kaniko_build
from bkdoctor.migrate.needs import Recipes
from bkdoctor.migrate.words import directory, host_of, inner, name_of, quoted, without_tag
from tests.catalogs import ours

TARGETS: list[Target] = ["rootless", "buildx"]


@cache
def recipes() -> Recipes:
    return ours().recipes


def moved(text: str, to: Target = "rootless", job: str | None = None, files: dict[str, str] | None = None) -> Migration:
    at_hand = files or {}
    return migrate(
        ".gitlab-ci.yml", text, read=at_hand.get, exists=lambda p: p in at_hand, recipes=recipes(), job=job, target=to
    )


def after(text: str, to: Target = "rootless", job: str | None = None, files: dict[str, str] | None = None) -> str:
    changes = moved(text, to, job, files).changes
    return changes[0].after if changes else text


def kaniko(options: str, to: Target = "rootless", files: tuple[str, ...] = ()) -> tuple[str, list[str]]:
    """Return the command for a kaniko command with these options, in one line, and what is said of it."""
    found = runs(f"/kaniko/executor {options}", ["executor"])[0]
    build = kaniko_build([w.text for w in found.words[found.first :]], to, files.__contains__)
    return re.sub(r" \\\n\s*", " ", command(build)), build.notes


def docker(options: str, to: Target = "rootless") -> tuple[str, list[str]]:
    text = f"build:\n  script:\n    - docker build {options} -t r.example.com/app:1 .\n    - docker push r.example.com/app:1\n"
    made = moved(text, to)
    assert not made.refused, made.refused
    script = YAML(typ="safe").load(made.changes[0].after)["build"]["script"]
    return re.sub(r" \\\n\s*", " ", script[0].strip()), made.notes


def rows(tool: Tool) -> list[Flag]:
    return list({row.name: row for row in table(tool).values()}.values())


ROWS = [
    pytest.param(tool, row, to, id=f"{tool}-{row.name}-{to}")
    for tool in ("kaniko", "docker") for row in rows(tool) if not row.role for to in TARGETS
]  # fmt: skip


@pytest.mark.parametrize(("tool", "row", "to"), ROWS)
def test_a_row_says_what_becomes_of_its_option(tool: Tool, row: Flag, to: Target) -> None:
    value = row.try_ or "value"
    given = f"--{row.name}={value}" if row.value else f"--{row.name}"
    made, notes = kaniko(f"{given} -d r.example.com/app:1", to) if tool == "kaniko" else docker(given, to)
    expected = [o.replace("<value>", value) for o in (row.rootless if to == "rootless" else row.buildx)]
    expected += [a.replace("<value>", value) for a in row.attribute]
    reason = (row.needless or row.none).replace("<value>", value)
    if row.needless or (row.none and row.only != to):
        assert any(note.removeprefix("build: ") == f"--{row.name}: {reason}" for note in notes)
        assert f"--{row.name}" not in made
        return
    assert expected
    for part in expected:
        assert part in made
    assert not row.note or any(row.note in note for note in notes)
    if not row.value and tool == "kaniko":
        assert kaniko(f"{given}=false -d r.example.com/app:1", to)[0] == kaniko("-d r.example.com/app:1", to)[0]


@pytest.mark.parametrize("tool", ["kaniko", "docker"])
def test_every_row_says_one_thing(tool: Tool) -> None:
    for row in rows(tool):
        says = [row.role, row.needless, row.none if not row.only else "", row.rootless or row.attribute or row.only]
        assert sum(map(bool, says)) == 1, row.name
        assert bool(row.role) == bool(row.becomes), row.name
        assert (row.none or row.needless or row.note or ".").endswith((".", "`")), row.name
    names = [row["name"] for row in tomllib.loads(data(tool))["flag"]]
    assert len(names) == len(set(names))


def data(tool: Tool) -> str:
    return (resources.files("bkdoctor.config") / "data" / f"{tool}-flags.toml").read_text(encoding="utf-8")


PLAIN = "buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=."
ROLES = [
    ("", PLAIN, "docker buildx build ."),
    ("-d r.example.com/a:1", f"{PLAIN} --output type=image,name=r.example.com/a:1,push=true", "docker buildx build --tag r.example.com/a:1 --push ."),
    ("--destination=a/b:1 --destination a/b:2", rf'{PLAIN} --output "type=image,\"name=a/b:1,a/b:2\",push=true"', "docker buildx build --tag a/b:1 --tag a/b:2 --push ."),
    ("--context $CI_PROJECT_DIR", '--local "context=$CI_PROJECT_DIR" --local "dockerfile=$CI_PROJECT_DIR"', 'build "$CI_PROJECT_DIR"'),
    ("--context dir:///src", "--local context=/src --local dockerfile=/src", "build /src"),
    ("--context . --context-sub-path web", "--local context=web --local dockerfile=web", "build web"),
    ("--context tar:///a/c.tar.gz --context-sub-path web", "mkdir -p build-context\ntar -xf /a/c.tar.gz -C build-context\n" + PLAIN.replace("=.", "=build-context/web"), "build build-context/web"),
    ("--context git://example.com/a/b.git#refs/heads/main", "--opt \"context=https://example.com/a/b.git#main\"", "https://example.com/a/b.git#main"),
    ("--context git://example.com/a/b.git#refs/heads/x#abc123 --context-sub-path web", 'context=https://example.com/a/b.git#abc123:web', "b.git#abc123:web"),
    ("--context git://example.com/a/b.git --git branch=dev,single-branch=true", "context=https://example.com/a/b.git#dev", "b.git#dev"),
    ("--context git://example.com/a/b.git --dockerfile docker/Dockerfile.x", "--opt filename=docker/Dockerfile.x", "--file docker/Dockerfile.x"),
    ("-f docker/Dockerfile.prod", "--local context=. --local dockerfile=docker --opt filename=Dockerfile.prod", "--file docker/Dockerfile.prod"),
    ('-f "${CI_PROJECT_DIR}/Dockerfile"', '--local "dockerfile=${CI_PROJECT_DIR}"', "--file"),
    ("-f $CI_PROJECT_DIR/$FILE", '--local "dockerfile=$CI_PROJECT_DIR" --opt "filename=$FILE"', '--file "$CI_PROJECT_DIR/$FILE"'),
    ('-f "$FILE"', '--local "dockerfile=$(dirname "$FILE")" --opt "filename=$(basename "$FILE")"', '--file "$FILE"'),
    ("--build-arg A='b c' --build-arg=D", '--opt "build-arg:A=b c" --opt "build-arg:D=$D"', '--build-arg "A=b c" --build-arg "D=$D"'),
    ("--no-push -d a/b:1", PLAIN, "docker buildx build --tag a/b:1 ."),
    ("--no-push --tar-path=out.tar -d a/b:1", f"{PLAIN} --output type=docker,name=a/b:1,dest=out.tar", "--output type=docker,name=a/b:1,dest=out.tar ."),
    ("--tarPath out.tar -d a/b:1", "--output type=image,name=a/b:1,push=true --output type=docker,name=a/b:1,dest=out.tar", "--output type=image,name=a/b:1,push=true --output type=docker"),
    ("--no-push --oci-layout-path dir", f"{PLAIN} --output type=oci,dest=dir,tar=false", "--output type=oci,dest=dir,tar=false ."),
    ("-d a/b:1 --digest-file d", """push=true\ndigest=$(sed -n 's/.*"containerimage\\.digest": *"\\([^"]*\\)".*/\\1/p' build-metadata.json)\nprintf '%s' "$digest" > d""", "--metadata-file build-metadata.json"),
    ("-d $R/b:1 --image-name-with-digest-file d", """printf '%s\\n' "$R/b@$digest" > d""", """printf '%s\\n' "$R/b@$digest" > d"""),
    ("-d $R/b:1 --image-name-tag-with-digest-file d", """printf '%s\\n' "$R/b:1@$digest" > d""", """printf '%s\\n' "$R/b:1@$digest" > d"""),
    ("--cache -d $R/b:$T", '--export-cache "type=registry,ref=$R/b:cache,mode=max" --import-cache "type=registry,ref=$R/b:cache"', '--cache-from "type=registry,ref=$R/b:cache" --cache-to "type=registry,ref=$R/b:cache,mode=max"'),
    ("--cache=true --cache-repo $R/c --no-push", 'ref=$R/c:cache,mode=max"', 'ref=$R/c:cache,mode=max"'),
    ("--cache --cache-repo oci:/c --no-push", "--export-cache type=local,dest=/c,mode=max --import-cache type=local,src=/c", "--cache-from type=local,src=/c"),
    ("--cache --no-push-cache -d a/b:1", f"{PLAIN} --import-cache type=registry,ref=a/b:cache --output", "build --cache-from type=registry,ref=a/b:cache --tag"),
    ("--cache=false --cache-repo a/c -d a/b:1", f"{PLAIN} --output type=image,name=a/b:1,push=true", "build --tag a/b:1 --push ."),
    ("--insecure --cache -d r:5000/b:1", "--import-cache type=registry,ref=r:5000/b:cache,registry.insecure=true --output type=image,name=r:5000/b:1,registry.insecure=true,push=true", "--output type=image,name=r:5000/b:1,registry.insecure=true,push=true ."),
    ("--skip-tls-verify -d r:5000/b:1", "registry.insecure=true", "registry.insecure=true"),
    ("--snapshotMode=redo --customPlatform linux/arm64", "--opt platform=linux/arm64", "--platform linux/arm64"),
    ("--annotation 'a=b,c' -d a/b:1", r'"type=image,name=a/b:1,\"annotation.a=b,c\",push=true"', r"\"annotation.a=b,c\""),
]  # fmt: skip


@pytest.mark.parametrize(("given", "rootless", "buildx"), ROLES)
def test_options_that_have_a_place_of_their_own(given: str, rootless: str, buildx: str) -> None:
    for to, wanted in (("rootless", rootless), ("buildx", buildx)):
        made, _ = kaniko(given, "rootless" if to == "rootless" else "buildx")
        if wanted == "--file":
            assert made == 'docker buildx build --file "${CI_PROJECT_DIR}/Dockerfile" .' or wanted in made
        else:
            assert wanted in made


CONFIGS = [
    ("--registry-mirror m.example.com --registry-mirror https://n.example.com/hub", {"docker.io": ['mirrors = ["m.example.com", "n.example.com/hub"]']}),
    ("--registry-map 'index.docker.io=m.example.com;ghcr.io=g.example.com' --registry-map ghcr.io=h.example.com", {"docker.io": ['mirrors = ["m.example.com"]'], "ghcr.io": ['mirrors = ["g.example.com", "h.example.com"]']}),
    ("--insecure-registry r:5000 --skip-tls-verify-registry s.example.com", {"r:5000": ["http = true"], "s.example.com": ["insecure = true"]}),
    ("--insecure-pull --skip-tls-verify-pull -d $CI_REGISTRY_IMAGE:1", {"$CI_REGISTRY": ["http = true", "insecure = true"]}),
    ("--registry-client-cert r.example.com=/c.pem,/k.pem", {"r.example.com": ['keypair = [{ key = "/k.pem", cert = "/c.pem" }]']}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "config"), CONFIGS)
def test_what_buildkitd_toml_says(given: str, config: dict[str, list[str]]) -> None:
    words = [w.text for w in runs(f"executor {given}", ["executor"])[0].words[1:]]
    build = kaniko_build(words, "rootless", lambda _: False)
    assert build.config == config
    text = "\n".join(f'[registry."{host}"]\n' + "\n".join(lines) for host, lines in config.items())
    assert list(check_keys(text, "buildkitd.toml", {})) == []


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("$ARGS -d a/b:1", "options are hidden in $ARGS"),
        ("--build-arg $ARGS", "hidden in the variable"),
        ("--nonsense", "the option --nonsense of kaniko is not known"),
        ("--destination", "has no value"),
        ("--context s3://bucket/c.tar.gz", "no context from a bucket"),
        ("--context tar://stdin", "no context from standard input"),
        ("--context https://x.blob.example.com/c.tar.gz", "no context from https://"),
        ("--dockerfile https://example.com/Dockerfile", "reads no Dockerfile from https://example.com/Dockerfile"),
        ("--build-arg A=$'x'", "quoted in a way"),
    ],
)
def test_what_cannot_be_moved_says_why(given: str, reason: str) -> None:
    with pytest.raises(CannotEdit, match=re.escape(reason)):
        kaniko(given)


def test_where_a_dockerfile_is_looked_for() -> None:
    for files, wanted, said in (
        (("web/d/F",), "--local dockerfile=web/d --opt filename=F", 0),
        (("d/F",), "--local dockerfile=d --opt filename=F", 0),
        (("d/F", "web/d/F"), "--local dockerfile=d --opt filename=F", 0),
        ((), "--local dockerfile=d --opt filename=F", 1),
    ):
        made, notes = kaniko("-c web -f d/F", files=files)
        assert wanted in made
        assert len(notes) == said
    assert kaniko("-c $CI_PROJECT_DIR/web -f d/F", files=("web/d/F",))[1] == []
    assert "--local dockerfile=web" in kaniko("-c web")[0]
    assert "--local dockerfile=." in kaniko("-c web", files=("Dockerfile",))[0]


def test_words() -> None:
    assert inner("\"$A\"'$B'\\$C") == "$A\\$B\\$C"
    assert inner("""'x "y"'""") == 'x \\"y\\"'
    assert inner("~/x") == "$HOME/x"
    assert quoted("a=b") == "a=b"
    assert quoted("a b") == '"a b"'
    assert directory("/Dockerfile") == "/"
    assert (directory("a"), name_of("a")) == (".", "a")
    assert host_of("$CI_REGISTRY_IMAGE/x:1") == "$CI_REGISTRY"
    assert host_of("$IMAGE") == "${IMAGE%%/*}"
    assert host_of("team/app") == "docker.io"
    assert without_tag("${A}/b:${T:-x}") == "${A}/b"
    assert without_tag("r:5000/b") == "r:5000/b"


KANIKO = """\
# keep me
build:   # and me
  image:
    name: gcr.io/kaniko-project/executor:v1.23.2-debug
    entrypoint: [""]
  script:
    - mkdir -p /kaniko/.docker
    - echo "{\\"auths\\":{}}" > /kaniko/.docker/config.json
    - /kaniko/executor --context "$CI_PROJECT_DIR" --destination "$CI_REGISTRY_IMAGE:1"
  rules:
    - if: $CI_COMMIT_TAG   # the end
"""


def test_a_kaniko_job() -> None:
    assert (
        after(KANIKO)
        == """\
# keep me
build:   # and me
  image:
    name: moby/buildkit:rootless
    entrypoint: [""]
  variables:
    BUILDKITD_FLAGS: --oci-worker-no-process-sandbox
  script:
    - mkdir -p "$HOME/.docker"
    - echo "{\\"auths\\":{}}" > "$HOME/.docker/config.json"
    - |
      buildctl-daemonless.sh build \\
        --frontend dockerfile.v0 \\
        --local "context=$CI_PROJECT_DIR" \\
        --local "dockerfile=$CI_PROJECT_DIR" \\
        --output "type=image,name=$CI_REGISTRY_IMAGE:1,push=true"
  rules:
    - if: $CI_COMMIT_TAG   # the end
"""
    )


def test_the_command_is_that_of_the_recipe() -> None:
    made = after(
        "b:\n  image: gcr.io/kaniko-project/executor:debug\n  script: [/kaniko/executor -c . -d $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA]\n"
    )
    job = YAML(typ="safe").load(made)["b"]
    recipe = YAML(typ="safe").load(recipes()["rootless", "build"].snippet)["<job>"]
    del recipe["stage"]
    assert job == recipe


@pytest.mark.parametrize("to", TARGETS)
def test_a_second_run_finds_nothing(to: Target) -> None:
    text = KANIKO + "two:\n  image: docker:27\n  script:\n    - docker build -t a/b:1 .\n    - docker push a/b:1\n"
    once = after(text, to)
    again = moved(once, to)
    assert once != text
    assert (again.changes, again.refused) == ([], [])


def test_windows_line_ends_stay() -> None:
    assert after(KANIKO.replace("\n", "\r\n")) == after(KANIKO).replace("\n", "\r\n")


def test_a_template_is_changed_where_it_stands() -> None:
    text = """\
.kaniko:
  image: {name: "gcr.io/kaniko-project/executor:debug", entrypoint: [""]}
  script:
    - |
      if [ -n "$GO" ]; then
        /kaniko/executor --context $DIR --destination $CI_REGISTRY_IMAGE/$DIR --digest-file d > log.txt 2>&1
      fi
web:
  extends: .kaniko
  variables: {DIR: web}
api:
  extends: .kaniko
  variables: {DIR: api}
"""
    made = moved(text)
    assert made.done == [".kaniko"]
    new = made.changes[0].after
    assert new.endswith(text[text.index("web:") :])
    assert 'push=true" > log.txt 2>&1\n        digest=$(' in new
    assert "\n        printf '%s' \"$digest\" > d\n      fi\n" in new
    again = YAML(typ="safe").load(new)[".kaniko"]
    assert again["image"]["name"] == "moby/buildkit:rootless"
    assert '"auths"' in again["before_script"][1]


def test_a_command_among_others_keeps_its_neighbours() -> None:
    made = after(
        "b:\n  script:\n    - cd web && /kaniko/executor -c . --no-push --context tar://c.tar -d a/b && echo ok\n"
    )
    script = YAML(typ="safe").load(made)["b"]["script"][0]
    assert script.startswith("cd web && {\nmkdir -p build-context\n")
    assert script.rstrip().endswith("\n} && echo ok")


def test_what_a_job_needs_besides() -> None:
    text = (
        "b:\n  image: gcr.io/kaniko-project/executor:debug\n  variables:\n    KANIKO_REGISTRY_MIRROR: m.example.com\n"
        "    DOCKER_CONFIG: /kaniko/.docker\n  script:\n    - cat /kaniko/ssl/certs/x\n"
        "    - /kaniko/executor -c . -d $CI_REGISTRY_IMAGE:1 --registry-certificate r.example.com=$CA --insecure-pull\n"
    )
    made = moved(text)
    job = YAML(typ="safe").load(made.changes[0].after)["b"]
    assert job["variables"]["DOCKER_CONFIG"] == "/home/user/.docker"
    assert "--config" in job["variables"]["BUILDKITD_FLAGS"]
    before = "\n".join(job["before_script"])
    assert 'certificates.crt "$CA" >' in before
    assert (
        '<<EOF\n[registry."$CI_REGISTRY"]\n  http = true\n[registry."docker.io"]\n  mirrors = ["m.example.com"]\nEOF'
        in before
    )
    assert "auths" not in before
    assert any("`cat /kaniko/ssl/certs/x` names something of kaniko's image" in note for note in made.notes)
    buildx = YAML(typ="safe").load(after(text, "buildx"))["b"]
    assert any("--buildkitd-config" in line for line in buildx["before_script"])
    assert 'ca = ["$CA"]' in "\n".join(buildx["before_script"])
    assert buildx["after_script"] == ["docker buildx rm builder"]


def test_one_job_is_chosen_and_others_stay() -> None:
    text = KANIKO + "two:\n  script: /kaniko/executor --no-push\n"
    assert after(text, job="two").startswith(KANIKO)
    with pytest.raises(CannotEdit, match="there is no job three: its jobs are build, two"):
        moved(text, job="three")
    refused = moved("a:\n  script: /kaniko/executor $X\n" + KANIKO.replace("build:", "b:"))
    assert refused.refused == ["a: options are hidden in $X: write them into the command."]
    assert refused.done == ["b"]


DIND = """\
default:
  services: [docker:27-dind, redis:7]
build:
  image: docker:27
  services:
    - docker:27-dind
  before_script:
    - docker info
    - docker login -u "$CI_REGISTRY_USER" -p "$CI_REGISTRY_PASSWORD" $CI_REGISTRY
  script:
    - docker pull $CI_REGISTRY_IMAGE:latest || true
    - docker build --cache-from $CI_REGISTRY_IMAGE:latest -t app:dev -f docker/Dockerfile .
    - docker tag app:dev $CI_REGISTRY_IMAGE:1 && docker tag app:dev $CI_REGISTRY_IMAGE:latest
    - docker push $CI_REGISTRY_IMAGE:1
    - docker push $CI_REGISTRY_IMAGE:latest
    - echo "built"   # say so
"""


def test_an_engine_job_becomes_rootless() -> None:
    made = after(DIND)
    job = YAML(typ="safe").load(made)["build"]
    assert "services" not in job
    assert (
        job["before_script"] == YAML(typ="safe").load(recipes()["rootless", "build"].snippet)["<job>"]["before_script"]
    )
    assert job["script"] == [
        "buildctl-daemonless.sh build \\\n  --frontend dockerfile.v0 \\\n  --local context=. \\\n  --local dockerfile=docker \\\n"
        '  --export-cache type=inline \\\n  --import-cache "type=registry,ref=$CI_REGISTRY_IMAGE:latest" \\\n'
        '  --output "type=image,\\"name=$CI_REGISTRY_IMAGE:1,$CI_REGISTRY_IMAGE:latest\\",push=true"\n',
        "built" and 'echo "built"',
    ]
    assert made.endswith('    - echo "built"   # say so\n')


def test_an_engine_job_becomes_buildx() -> None:
    job = YAML(typ="safe").load(after(DIND, "buildx"))["build"]
    assert job["image"] == "docker:27"
    assert job["before_script"] == [
        "docker info",
        'docker login -u "$CI_REGISTRY_USER" -p "$CI_REGISTRY_PASSWORD" $CI_REGISTRY',
        "docker context create dind",
        "docker buildx create --use --driver docker-container --name builder dind",
        "docker buildx inspect --bootstrap",
    ]
    assert job["script"][0] == (
        "docker buildx build \\\n  --file docker/Dockerfile \\\n"
        '  --cache-from "type=registry,ref=$CI_REGISTRY_IMAGE:latest" \\\n  --cache-to type=inline \\\n'
        '  --tag "$CI_REGISTRY_IMAGE:1" \\\n  --tag "$CI_REGISTRY_IMAGE:latest" \\\n  --push \\\n  .\n'
    )


def test_inherited_services_and_logins() -> None:
    text = """\
default:
  services: [docker:27-dind, redis:7]
build:
  script:
    - echo "$P" | docker login --username "$U" --password-stdin https://registry.example.com/
    - aws ecr get-login-password | docker login --username AWS --password-stdin 1.dkr.ecr.example.com
    - docker login -u me --password=$HUB
    - if docker pull x; then echo y; fi
    - docker build --pull -t registry.example.com/a:1 . && docker push registry.example.com/a:1
"""
    made = after(text)
    job = YAML(typ="safe").load(made)["build"]
    assert job["services"] == ["redis:7"]
    config = job["before_script"][1]
    assert '"registry.example.com": { "auth": "$(auth "$U" "$P")" },' in config
    assert '"1.dkr.ecr.example.com": { "auth": "$(auth "AWS" "$(aws ecr get-login-password)")" },' in config
    assert '"https://index.docker.io/v1/": { "auth": "$(auth "me" "$HUB")" }\n' in config
    assert job["script"][0] == "if true; then echo y; fi"
    assert len(job["script"]) == 2
    assert "image-resolve-mode=pull" in job["script"][1]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("docker build -t a .\n    - docker run a make test", "`docker run` needs an engine"),
        ("docker build -t a .\n    - docker push b", "`docker push` needs an engine"),
        ("docker build - < Dockerfile", "its context comes from standard input"),
        ("docker build -f - . < x", "its Dockerfile comes from standard input"),
        ("docker build", "takes one context"),
        ("docker build --frobnicate .", "the option --frobnicate of docker is not known"),
        ("docker login r.example.com && docker build .", "takes its user or password from elsewhere"),
    ],
)
def test_an_engine_job_that_cannot_be_rootless(script: str, reason: str) -> None:
    made = moved(f"build:\n  script:\n    - {script}\n")
    assert made.changes == []
    assert reason in made.refused[0]


def test_an_engine_job_that_runs_what_it_built() -> None:
    job = YAML(typ="safe").load(
        after("build:\n  script:\n    - docker build -t a .\n    - docker run a make test\n", "buildx")
    )["build"]
    assert job["script"][0] == "docker buildx build \\\n  --tag a \\\n  --load \\\n  .\n"


DOCKER_ROLES = [
    ("--add-host a.example.com:10.0.0.1 --add-host b=10.0.0.2", "--opt add-hosts=a.example.com=10.0.0.1,b=10.0.0.2", "--add-host a.example.com=10.0.0.1 --add-host b=10.0.0.2"),
    ("--build-context x=web --build-context y=docker-image://alpine", "--local x=web --opt context:x=local:x --opt context:y=docker-image://alpine", "--build-context x=web"),
    ("--build-arg A", '--opt "build-arg:A=$A"', "--build-arg A "),
    ("--build-arg BUILDKIT_INLINE_CACHE=1", "--export-cache type=inline", "--cache-to type=inline"),
    ("--cache-to type=local,dest=c --cache-from type=local,src=c", "--export-cache type=local,dest=c --import-cache type=local,src=c", "--cache-from type=local,src=c --cache-to type=local,dest=c"),
    ("-o out", "--output type=local,dest=out", "--output type=local,dest=out"),
    ("--output type=image,push=true,compression=zstd", "name=r.example.com/app:1,compression=zstd,push=true", "name=r.example.com/app:1,compression=zstd,push=true"),
    ("-f docker/X", "--local dockerfile=docker --opt filename=X", "--file docker/X"),
    ("--push -t r.example.com/app:2", "r.example.com/app:2", "--tag r.example.com/app:2"),
    ("--load", "--local dockerfile=.", "--load"),
    ("-ta/b:1", "name=", "--tag"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "rootless", "buildx"), DOCKER_ROLES)
def test_options_of_docker_build_with_a_place_of_their_own(given: str, rootless: str, buildx: str) -> None:
    assert rootless in docker(given)[0]
    assert buildx in docker(given, "buildx")[0]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / ".gitlab-ci.yml"
    file.write_text(KANIKO, encoding="utf-8")
    run = CliRunner()
    done = run.invoke(app, ["migrate", str(file)])
    assert done.exit_code == 0
    assert done.stdout.startswith("diff --git a/.gitlab-ci.yml b/.gitlab-ci.yml\n")
    assert "The runner needs no `privileged`" in done.stderr
    assert file.read_text(encoding="utf-8") == KANIKO
    assert run.invoke(app, ["migrate", "--write", str(file)]).exit_code == 0
    assert file.read_text(encoding="utf-8") == after(KANIKO)
    assert (tmp_path / ".gitlab-ci.yml.orig").read_text(encoding="utf-8") == KANIKO
    nothing = run.invoke(app, ["migrate", str(file)])
    assert (nothing.exit_code, nothing.stdout) == (3, "")
    assert "nothing to migrate" in nothing.stderr
    assert run.invoke(app, ["migrate", "--to", "podman", str(file)]).exception.exit_status == 2  # type: ignore[union-attr]
    assert run.invoke(app, ["migrate", "--job", "nope", str(file)]).exception.exit_status == 4  # type: ignore[union-attr]


FILES = sorted((Path(__file__).parent / "ci_files").glob("*.yml"))


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_what_people_write_stays_valid(path: Path, to: Target) -> None:
    from tests.test_catalogue_snippets import schema, yaml_of

    text = path.read_bytes().decode()

    def read(name: str) -> str | None:
        file = path.parent / name
        return file.read_bytes().decode() if file.is_file() else None

    made = migrate(path.name, text, read=read, exists=lambda _: False, recipes=recipes(), job=None, target=to)
    for change in made.changes:
        assert not list(schema().iter_errors(yaml_of(change.after.lstrip("\ufeff").split("\n---\n")[-1])))
        assert "/kaniko/executor" not in change.after or made.refused
        comments = re.findall(r"(?m)^\s*#.*", change.before or "")
        assert all(comment in change.after for comment in comments)
    now = {change.path: change.after for change in made.changes}
    again = migrate(path.name, now.get(path.name, text), read=lambda n: now.get(n) or read(n), exists=lambda _: False,
                    recipes=recipes(), job=None, target=to)  # fmt: skip
    assert again.changes == []


def test_jobs_that_lose_their_image_are_named() -> None:
    text = (
        KANIKO + "other:\n  extends: build\n  script: /kaniko/executor $X\ntest:\n  extends: build\n  script: [make]\n"
    )
    made = moved(text)
    assert any(note.startswith("other: it takes its image from a job that was changed") for note in made.notes)
    assert any(note.startswith("test: it takes its image") for note in made.notes)


def test_a_block_stays_a_block() -> None:
    text = "a:\n  image: kaniko\n  script:\n    - |\n      echo '{\"credHelpers\":{}}' > /kaniko/.docker/config.json\n    - /kaniko/executor --no-push\n"
    made = moved(text)
    assert (
        '    - |\n      mkdir -p "$HOME/.docker"\n      echo \'{"credHelpers":{}}\' > "$HOME/.docker/config.json"\n'
        in made.changes[0].after
    )
    assert any("credential helpers come with kaniko's image" in note for note in made.notes)


def test_lines_shared_with_jobs_that_do_not_build_stay() -> None:
    text = """\
default:
  before_script:
    - docker info
    - docker login -u "$CI_REGISTRY_USER" -p "$CI_REGISTRY_PASSWORD" $CI_REGISTRY
.auth:
  - docker login -u me -p $P r.example.com
build:
  script:
    - !reference [.auth]
    - docker build -t r.example.com/a . && docker push r.example.com/a
test:
  script:
    - !reference [.auth]
    - docker run a
"""
    made = after(text)
    assert made.startswith(text[: text.index("build:")])
    assert made.endswith(text[text.index("test:") :])
    job = YAML(typ="safe").load(made.replace("!reference", ""))["build"]
    assert "docker " not in "\n".join(job["script"])
    assert '"r.example.com": { "auth"' in "\n".join([*job["before_script"], *job["script"]])


@pytest.mark.parametrize(
    ("size", "to", "option"),
    [
        ("1g", "rootless", "--opt shm-size=1073741824"),
        ("64MB", "rootless", "--opt shm-size=67108864"),
        ("67108864", "rootless", "--opt shm-size=67108864"),
        ("2k", "rootless", "--opt shm-size=2048"),
        ("1g", "buildx", "--shm-size 1g"),
    ],
)
def test_shared_memory_in_the_unit_that_the_builder_takes(size: str, to: Target, option: str) -> None:
    text = f"build:\n  image: docker:27\n  script:\n    - docker build --shm-size {size} -t $A:1 .\n    - docker push $A:1\n"
    assert option in YAML(typ="safe").load(after(text, to))["build"]["script"][0]


def test_all_tags_keeps_a_name_that_a_variable_hides() -> None:
    text = (
        "build:\n  image: docker:27\n  script:\n    - docker build -t $IMAGE -t $CI_REGISTRY_IMAGE:1 -t other:1 .\n"
        "    - docker push --all-tags $CI_REGISTRY_IMAGE\n"
    )
    script = YAML(typ="safe").load(after(text))["build"]["script"]
    assert 'name=$IMAGE,$CI_REGISTRY_IMAGE:1\\",push=true' in script[0]
