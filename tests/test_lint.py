"""`lint`: what a config.toml or a buildkitd.toml says in vain, with the line and the next step."""

import json
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bkdoctor.cli import app
from bkdoctor.config.keys import Kind, fits, homes, nearest, table, version
from bkdoctor.config.lint import kind_of, lint
from bkdoctor.config.positions import positions
from bkdoctor.errors import InputError


def faults(text: str, kind: Kind = "config.toml", at: str = "") -> list[str]:
    return [f"{f.line}: {f.text}" for f in lint(text, "file", kind, version(at)) if not f.note]


def runner(text: str, executor: str = "kubernetes") -> str:
    return f'concurrent = 4\n[[runners]]\nname = "one"\nexecutor = "{executor}"\n{text}'


CLEAN = """
concurrent = 4
check_interval = 0
[[runners]]
  name = "builds"
  url = "https://gitlab.example.com"
  executor = "docker"
  environment = ["DOCKER_TLS_CERTDIR=/certs"]
  [runners.docker]
    image = "docker:cli"
    privileged = true
    volumes = ["/certs/client", "/cache"]
    pull_policy = ["always", "if-not-present"]
    allowed_pull_policies = ["always", "if-not-present"]
    security_opt = ["seccomp=unconfined", "apparmor:unconfined", "label=level:s0:c1000"]
    [[runners.docker.services]]
      name = "docker:dind"
      alias = "docker"
    [runners.docker.ulimit]
      nofile = "1024:2048"
[[runners]]
  executor = "kubernetes"
  environment = ["FF_USE_ADVANCED_POD_SPEC_CONFIGURATION=true"]
  [runners.feature_flags]
    FF_TIMESTAMPS = false
  [runners.kubernetes]
    namespace = "ci"
    memory_limit = "2Gi"
    [runners.kubernetes.pod_annotations]
      "container.apparmor.security.beta.kubernetes.io/build" = "unconfined"
    [runners.kubernetes.build_container_security_context]
      run_as_user = 1000
      proc_mount = "unmasked"
      [runners.kubernetes.build_container_security_context.seccomp_profile]
        type = "Localhost"
        localhost_profile = "build.json"
    [[runners.kubernetes.volumes.empty_dir]]
      name = "docker-certs"
      mount_path = "/certs/client"
      medium = "Memory"
    [[runners.kubernetes.pod_spec]]
      name = "hostUsers"
      patch = '''[{"op": "add", "path": "/hostUsers", "value": false}]'''
      patch_type = "json"
"""


def test_a_sound_file_is_silent() -> None:
    assert faults(CLEAN) == []
    assert faults(CLEAN, at="18.11") == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[runners.kubernetes]\nallowPrivilegeEscalation = false", "6: `runners.kubernetes.allowPrivilegeEscalation` is no key that the runner knows: it is ignored without a word. Write `allow_privilege_escalation`"),
        ("[runners.kubernetes]\nprivilegd = true", "Write `privileged`, if that is meant."),
        ("image_pull_secrets = ['x']", "5: `runners.image_pull_secrets` is no key that the runner knows: it is ignored without a word. `image_pull_secrets` stands in [runners.kubernetes]: move it there."),
        ("[runners.kubernetes.qqqq]\nx = 1", "5: `runners.kubernetes.qqqq` is no key that the runner knows: it is ignored without a word. Remove it, or see https://"),
        ("[runners.kubernetes]\ncpu_limit = 2", "6: `runners.kubernetes.cpu_limit` must be a string, not 2: the runner does not load the file."),
        ('[runners.kubernetes]\nprivileged = "true"', "must be true or false, not 'true'"),
        ("[runners.kubernetes.pod_spec]\nname = 'x'", "must be an array of tables, [[pod_spec]], not this"),
        ("[runners.kubernetes.node_selector]\nzone = 3", "must be a table whose values are each a string (zone is not)"),
        ('[runners.kubernetes]\ncap_add = ["SYS_ADMIN", "CHOWN"]\ncap_drop = ["CHOWN"]', "6: `CHOWN` is dropped as well, and the drop wins. Take it out of `cap_drop`."),
        ('[runners.kubernetes]\ncap_add = ["CAP_SETFCAP"]', '6: Kubernetes names capabilities without CAP_: write "SETFCAP".'),
        ('[runners.kubernetes]\ncap_add = ["SETUID"]\n[runners.kubernetes.build_container_security_context.capabilities]\nadd = ["SETFCAP"]', "8: this list replaces `cap_add` for that container: SETUID is lost. Repeat it here."),
        ('[runners.kubernetes.build_container_security_context.seccomp_profile]\ntype = "unconfined"', '6: "unconfined" is no type of a profile: the runner only logs that and sets none. Write one of RuntimeDefault, Localhost, Unconfined.'),
        ('[runners.kubernetes.pod_security_context.app_armor_profile]\ntype = "Localhost"', "6: Localhost needs `localhost_profile`"),
        ('[runners.kubernetes.pod_security_context.app_armor_profile]\ntype = "Unconfined"\nlocalhost_profile = "x"', '7: this is ignored for type "Unconfined"'),
        ('[runners.kubernetes.build_container_security_context]\nproc_mount = "Unmaskd"', '6: "Unmaskd" is only logged, then ignored'),
        ('[runners.kubernetes.pod_annotations]\n"seccomp.security.alpha.kubernetes.io/pod" = "unconfined"', "6: Kubernetes does not read this annotation since 1.27."),
        ('[[runners.kubernetes.pod_spec]]\nname = "x"', "5: `pod_spec` is ignored while the feature flag FF_USE_ADVANCED_POD_SPEC_CONFIGURATION is off."),
        ('[runners.kubernetes]\npull_policy = "IfNotPresent"', '6: "IfNotPresent" is no pull policy'),
        ("[runners.docker]\nprivileged = true", "5: [runners.docker] is not read: this entry's executor is kubernetes."),
    ],
)  # fmt: skip
def test_what_a_kubernetes_entry_says_in_vain(text: str, wanted: str) -> None:
    found = faults(runner(text))
    assert len(found) == 1, found
    assert wanted in found[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('allowed_privileged_images = ["docker:*"]', "6: `allowed_privileged_images` makes nothing privileged without `privileged = true`"),
        ('privileged = true\nimage = "alpine:3"\nallowed_privileged_images = ["docker:*"]', "7: `alpine:3` does not run privileged: nothing in `allowed_privileged_images` matches it."),
        ('services_privileged = true\nallowed_privileged_services = ["docker:*-rootless"]\n[[runners.docker.services]]\nname = "docker:dind"', "9: `docker:dind` does not run privileged"),
        ('security_opt = ["seccomp:/etc/profile.json"]', '6: the runner reads a profile only behind `=`: write "seccomp=/etc/profile.json".'),
        ('services_security_opt = ["systempaths=unconfined"]', "6: `systempaths` is an option of the docker command that the runner does not have"),
        ('pull_policy = "never"\nallowed_pull_policies = ["always"]', "7: the runner's own `pull_policy` (never) is not allowed here"),
        ('allowed_pull_policies = ["if-not-present"]', "6: the runner's own `pull_policy` (the default, always) is not allowed here"),
        ('pull_policy = ["always", "never"]\nallowed_pull_policies = ["always"]', '6: "never" is dropped'),
        ("cpus = 2", "6: `runners.docker.cpus` must be a string, not 2"),
        ("services = ['docker:dind']", "must be an array of tables, [[services]]"),
        ("wait_for_service_timeout = 60", "Write `wait_for_services_timeout`"),
    ],
)  # fmt: skip
def test_what_a_docker_entry_says_in_vain(text: str, wanted: str) -> None:
    found = faults(runner(f"[runners.docker]\n{text}", executor="docker"))
    assert len(found) == 1, found
    assert wanted in found[0]


def test_a_glob_matches_as_the_runner_matches() -> None:
    text = "[runners.docker]\nprivileged = true\nimage = '{}'\nallowed_privileged_images = ['{}']"
    for image, glob, clean in (
        ("docker:27-dind-rootless", "docker:*-dind-rootless", True),
        ("registry.example.com/team/app/docker:1", "registry.example.com/*", False),
        ("registry.example.com/team/app/docker:1", "registry.example.com/**", True),
        ("docker:27", "{docker,alpine}:2?", True),
    ):
        assert (faults(runner(text.format(image, glob), executor="docker")) == []) is clean, (image, glob)


def test_keys_newer_than_the_runner() -> None:
    text = runner('[runners.kubernetes.pod_security_context.seccomp_profile]\ntype = "Unconfined"')
    assert faults(text, at="18.11") == []
    found = faults(text, at="18.10")
    assert found[0] == (
        "5: `runners.kubernetes.pod_security_context.seccomp_profile` came with GitLab Runner 18.11: 18.10 ignores it "
        "without a word. Update, or do without it."
    )
    profile = runner('[runners.docker]\nsecurity_opt = ["seccomp=/p.json"]', executor="docker")
    assert faults(profile, at="19.0") == faults(profile) == []
    assert "a profile is read from a file since runner 19.0" in faults(profile, at="18.11")[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[registry."docker.io"]\nmirror = ["mirror.example.com"]', "2: `registry.docker.io.mirror` is no key that buildkitd knows: it is ignored without a word. Write `mirrors`"),
        ('[registry."https://registry.example.com"]\nhttp = true', '1: a registry is named by its host alone: write [registry."registry.example.com"].'),
        ('[registry."docker.io"]\nmirrors = ["https://mirror.example.com/hub"]', '2: a mirror is a host, with a path if need be: write "mirror.example.com/hub".'),
        ('[registry."index.docker.io"]\nmirrors = ["m.example.com"]', '1: Docker Hub is looked up as "docker.io"'),
        ('[registry."r.example.com"]\nca = "/ca.pem"', "2: `registry.r.example.com.ca` must be a list; each item is a string"),
        ("[worker.oci]\nmax-parallelism = '4'", "must be a whole number, not '4'"),
        ("[worker.oci.gcpolicy]\nall = true", "1: `worker.oci.gcpolicy` must be an array of tables"),
        ("[worker.oci]\ngc = false\n[[worker.oci.gcpolicy]]\nall = true", "3: `gc = false` turns these policies off"),
        ("[frontend.dockerfile.v0]\nenabled = true", "Write `dockerfile.v0`"),
    ],
)  # fmt: skip
def test_what_a_buildkitd_toml_says_in_vain(text: str, wanted: str) -> None:
    found = faults(text, "buildkitd.toml")
    assert len(found) == 1, found
    assert wanted in found[0]


def test_a_sound_buildkitd_toml_is_silent() -> None:
    text = """
debug = true
[frontend."dockerfile.v0"]
  enabled = true
[worker.oci]
  max-parallelism = 4
  gckeepstorage = "20GB"
  [worker.oci.labels]
    pool = "one"
  [[worker.oci.gcpolicy]]
    keepDuration = "48h"
    keepBytes = 512
[registry."docker.io"]
  mirrors = ["mirror.example.com:5000", "mirror.example.com/hub"]
[[registry."registry.example.com:5000".keypair]]
  key = "k.pem"
  cert = "c.pem"
"""
    assert faults(text, "buildkitd.toml") == []
    assert any(
        "`worker.oci.max-parallelism` came with BuildKit 0.9" in f for f in faults(text, "buildkitd.toml", "0.8")
    )


def test_invalid_toml_names_its_line() -> None:
    with pytest.raises(InputError, match=r"^file:2: not valid TOML: .* Mend the syntax at that line\.$"):
        lint("a = 1\nb = \n", "file", "config.toml")
    with pytest.raises(InputError, match=r"^file:2: not valid TOML"):
        lint("a = 1\nb = [", "file", "config.toml")


@pytest.mark.parametrize("kind", ["config.toml", "buildkitd.toml"])
def test_every_key_of_the_table_is_found(kind: Kind) -> None:
    name = {"config.toml": "config-keys.json", "buildkitd.toml": "buildkitd-keys.json"}[kind]
    rows = json.loads((resources.files("bkdoctor.config") / "data" / name).read_text(encoding="utf-8"))
    for path, row in rows.items():
        key = table(kind)
        rest = path.replace("[]", "").split(".")
        while rest:
            for count in range(1, len(rest) + 1):
                if found := key.child(".".join(rest[:count])):
                    key, rest = found, rest[count:]
                    break
            else:
                raise AssertionError(path)
        assert key.type == row["type"], path


def test_look_ups() -> None:
    root = table("config.toml")
    docker = root.below["runners"].below["docker"]
    assert docker.below["services_privileged"].since == (15, 7)
    assert docker.child("PRIVILEGED") is docker.below["privileged"]
    assert nearest(docker, "securityOpt") == "security_opt"
    assert nearest(docker, "zzz") is None
    assert homes(root, "security_opt") == ["runners.docker"]
    assert not fits("int", True)
    assert kind_of("deploy/buildkitd.prod.toml") == "buildkitd.toml"
    assert kind_of("config.toml") == "config.toml"


def test_positions_of_every_form() -> None:
    text = '''# a comment with = and [brackets]
title = """three
lines = 1
"""
[a."b.c"]  # header
x = ["#", ']', """]
""", 3]
in.line = { y = [1, { z = 'q' }], "k e y" = 1979-05-27 }
[[l]]
v = 1
[[l.m]]
w = 2
[[l]]
[l.n]
v = 3
'''
    tomllib.loads(text)
    lines = positions(text)
    assert lines["title",] == 2
    assert lines["a", "b.c"] == 5
    assert lines["a", "b.c", "x"] == 6
    assert lines["a", "b.c", "x", 3] == 7
    assert lines["a", "b.c", "in", "line", "y", 1, "z"] == 8
    assert lines["a", "b.c", "in", "line", "k e y"] == 8
    assert lines["l", 0, "m", 0, "w"] == 12
    assert lines["l", 1] == 13
    assert lines["l", 1, "n", "v"] == 15


_VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), _VALUES, max_size=4))
def test_each_key_has_a_line_of_its_own(data: dict[str, object]) -> None:
    import tomlkit

    text = tomlkit.dumps(data)
    found = positions(text)
    try:
        loaded = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # tomlkit does not escape every character that it should
    for name in loaded:
        line = text.split("\n")[found[name,] - 1]
        assert line.startswith("[") or "=" in line


def test_the_command(tmp_path: Path) -> None:
    good, bad, broken = tmp_path / "config.toml", tmp_path / "bad.toml", tmp_path / "broken.toml"
    good.write_text(CLEAN + '\n[[runners]]\ntls-ca-file = "/ca.pem"\n', encoding="utf-8")
    bad.write_bytes(b"\xef\xbb\xbfconcurrent = 1\r\nnope_nope = 2\r\n")
    broken.write_text("x = ", encoding="utf-8")
    run = CliRunner()
    done = run.invoke(app, ["lint", str(good)])
    assert (done.exit_code, done.output) == (0, "")
    noted = run.invoke(app, ["lint", "--notes", str(good)])
    assert noted.exit_code == 0
    assert ": note: `tls-ca-file` verifies GitLab itself" in noted.output
    done = run.invoke(app, ["lint", str(good), str(bad)])
    assert done.exit_code == 1
    assert done.output.startswith(f"{bad}:2: `nope_nope` is no key")
    assert run.invoke(app, ["lint", "--kind", "buildkitd.toml", str(bad)]).exit_code == 1
    for wrong in (["--kind", "yaml", str(good)], ["--runner-version", "new", str(good)]):
        assert run.invoke(app, ["lint", *wrong]).exception.exit_status == 2  # type: ignore[union-attr]
    for wrong in ([str(broken)], [str(tmp_path / "none.toml")]):
        assert run.invoke(app, ["lint", *wrong]).exception.exit_status == 4  # type: ignore[union-attr]
