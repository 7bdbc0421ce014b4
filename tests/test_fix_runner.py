"""A fix for config.toml, buildkitd.toml or values.yaml goes into its place, and everything else stays as it is."""

import tomllib

import pytest

from bkdoctor.fixes.result import CannotEdit
from bkdoctor.fixes.runner_edit import edit_buildkitd, edit_helm, edit_runner
from bkdoctor.model import Facts

CONFIG = """\
concurrent = 4
check_interval = 0

[session_server]
  session_timeout = 1800

[[runners]]
  name = "docker-1"     # the small one
  url = "https://gitlab.example.com"
  token = "glrt-abcdefgh1234"
  executor = "docker"
  environment = ["A=1", "B=2"]
  [runners.docker]
    image = "alpine:3.20"
    privileged = false
    volumes = ["/cache"]
    security_opt = ["seccomp:default"]
    # the last of the first

# the second runner, on the cluster
[[runners]]
  name = "cluster"
  token = "glrt-zyxwvuts9876"
  executor = "kubernetes"
  [runners.kubernetes]
    namespace = "ci"
    [[runners.kubernetes.volumes.empty_dir]]
      name = "docker-certs"
      mount_path = "/certs/client"
    [runners.kubernetes.node_labels]
      team = "a"
"""


def runner(name: str, snippet: str, text: str = CONFIG) -> str:
    after = edit_runner(text, snippet, Facts(runner_name=name), None)
    assert edit_runner(after, snippet, Facts(runner_name=name), None) == after, "a second time it changes again"
    return after


def new_lines(before: str, after: str) -> list[str]:
    """Return the lines that were added; every old line must still be there, in its order."""
    left = iter(after.split("\n"))
    added = []
    for line in before.split("\n"):
        for other in left:
            if other == line:
                break
            added.append(other)
        else:
            raise AssertionError(f"lost: {line}")
    return added + list(left)


def test_a_key_goes_below_its_table_and_not_behind_the_comment_of_the_next() -> None:
    after = runner("docker-1", "[runners.docker]\n  shm_size = 300000")
    assert new_lines(CONFIG, after) == ["    shm_size = 300000"]
    assert after.index("shm_size") < after.index("# the last of the first")


def test_a_value_is_replaced_and_its_comment_stays() -> None:
    after = runner("docker-1", '[runners.docker]\n  image = "alpine:3.22"', CONFIG.replace('3.20"', '3.20"  # base'))
    assert '    image = "alpine:3.22"  # base\n' in after


def test_an_array_gains_what_it_lacks() -> None:
    snippet = '[runners.docker]\n  volumes = ["/certs/client", "/cache"]\n  security_opt = ["seccomp=unconfined"]'
    after = runner("docker-1", snippet)
    assert '    volumes = ["/cache", "/certs/client"]\n    security_opt = ["seccomp=unconfined"]\n' in after


def test_an_array_of_lines_keeps_its_lines() -> None:
    text = CONFIG.replace('volumes = ["/cache"]', 'volumes = [\n      "/cache",  # shared\n    ]')
    after = runner("docker-1", '[runners.docker]\n  volumes = ["/certs/client"]', text)
    assert new_lines(text, after.replace('"/cache",\n      "/certs/client",  # shared', '"/cache",  # shared')) == []
    assert tomllib.loads(after)["runners"][0]["docker"]["volumes"] == ["/cache", "/certs/client"]


def test_environment_is_merged_by_name() -> None:
    after = runner("docker-1", '[[runners]]\n  environment = ["B=3", "C=4"]')
    assert '  environment = ["A=1", "B=3", "C=4"]\n' in after


def test_a_new_table_stands_where_its_neighbours_do() -> None:
    snippet = '[runners.kubernetes.pod_annotations]\n  "a/build" = "unconfined"'
    after = runner("cluster", snippet)
    assert new_lines(CONFIG, after) == ["    [runners.kubernetes.pod_annotations]", '      "a/build" = "unconfined"']
    assert tomllib.loads(after)["runners"][1]["kubernetes"]["pod_annotations"] == {"a/build": "unconfined"}


def test_a_table_for_an_entry_that_has_none() -> None:
    text = '[[runners]]\nname = "x"\nexecutor = "docker"\n'
    after = runner("x", "[runners.docker]\n  privileged = true", text)
    assert tomllib.loads(after)["runners"][0]["docker"] == {"privileged": True}
    assert after.startswith(text)


def test_tables_of_an_array_are_known_by_name() -> None:
    snippet = """\
[[runners.kubernetes.volumes.empty_dir]]
  name = "docker-certs"
  mount_path = "/certs/client"
  medium = "Memory"
"""
    after = runner("cluster", snippet)
    assert new_lines(CONFIG, after) == ['      medium = "Memory"']
    other = runner("cluster", snippet.replace("docker-certs", "state").replace("/certs/client", "/state"))
    volumes = tomllib.loads(other)["runners"][1]["kubernetes"]["volumes"]["empty_dir"]
    assert [v["name"] for v in volumes] == ["docker-certs", "state"]


def test_an_inline_table_and_dotted_keys_gain_keys() -> None:
    text = '[[runners]]\n  name = "k"\n  [runners.kubernetes]\n    pod_annotations = { "a" = "1" }\n    node_selector.x = "y"\n'
    snippet = '[runners.kubernetes.pod_annotations]\n  "b" = "2"\n[runners.kubernetes.node_selector]\n  z = "w"'
    data = tomllib.loads(runner("k", snippet, text))["runners"][0]["kubernetes"]
    assert data == {"pod_annotations": {"a": "1", "b": "2"}, "node_selector": {"x": "y", "z": "w"}}


def test_line_ends_and_indentation_are_those_of_the_file() -> None:
    text = CONFIG.replace("\n", "\r\n")
    after = runner("docker-1", '[runners.docker]\n  privileged = true\n  devices = ["/dev/fuse"]', text)
    assert "\n" not in after.replace("\r\n", "")
    assert '\r\n    devices = ["/dev/fuse"]\r\n' in after


def test_a_file_without_final_newline() -> None:
    text = '[[runners]]\n  name = "x"\n  [runners.docker]\n    image = "a"'
    assert runner("x", "[runners.docker]\n  privileged = true", text) == text + "\n    privileged = true"


@pytest.mark.parametrize(
    ("facts", "wanted", "number"),
    [
        (Facts(runner_name="cluster"), None, 1),
        (Facts(runner_name="renamed", runner_token="zyxwvuts"), None, 1),
        (Facts(runner_name="renamed", executor="docker"), None, 0),
        (Facts(), "docker-1", 0),
    ],
)
def test_the_entry_is_that_of_the_log(facts: Facts, wanted: str | None, number: int) -> None:
    after = edit_runner(CONFIG, "[[runners]]\n  output_limit = 8192", facts, wanted)
    assert [r.get("output_limit") for r in tomllib.loads(after)["runners"]][number] == 8192


def test_two_that_fit_are_named() -> None:
    with pytest.raises(CannotEdit, match=r"docker-1, cluster.*--runner NAME"):
        edit_runner(CONFIG, "[[runners]]\n  output_limit = 8192", Facts(runner_name="none"), None)
    with pytest.raises(CannotEdit, match="no entry has the name other"):
        edit_runner(CONFIG, "[[runners]]\n  output_limit = 8192", Facts(), "other")


def test_the_only_entry_must_be_for_the_executor() -> None:
    text = '[[runners]]\n  name = "x"\n  executor = "shell"\n'
    with pytest.raises(CannotEdit, match="shell"):
        edit_runner(text, "[runners.docker]\n  privileged = true", Facts(executor="docker"), None)


def test_broken_files_are_refused() -> None:
    with pytest.raises(CannotEdit, match="not valid TOML"):
        edit_runner("[[runners]\n", "[runners.docker]\n  privileged = true", Facts(), None)


BUILDKITD = """\
# the daemon
debug = true

[registry."docker.io"]
  mirrors = ["old.mirror.example"]   # in the cellar
"""


def test_buildkitd() -> None:
    snippet = '[registry."docker.io"]\n  mirrors = ["mirror.example.com"]\n[worker.oci]\n  max-parallelism = 2'
    after = edit_buildkitd(BUILDKITD, snippet)
    assert edit_buildkitd(after, snippet) == after
    assert '  mirrors = ["old.mirror.example", "mirror.example.com"]   # in the cellar\n' in after
    assert tomllib.loads(after)["worker"] == {"oci": {"max-parallelism": 2}}
    top = edit_buildkitd(BUILDKITD, 'insecure-entitlements = ["security.insecure"]')
    assert new_lines(BUILDKITD, top) == ['insecure-entitlements = ["security.insecure"]']
    empty = edit_buildkitd("# nothing yet\n", 'insecure-entitlements = ["security.insecure"]')
    assert tomllib.loads(empty) == {"insecure-entitlements": ["security.insecure"]}


VALUES = """\
# values of the chart
gitlabUrl: https://gitlab.example.com/
runners:
  # a template
  config: |
    {{- if .Values.concurrent }}
    # templates may stand anywhere
    {{- end }}
    [[runners]]
      environment = ["HOME={{ .Values.home }}"]
      [runners.kubernetes]
        namespace = "{{.Release.Namespace}}"
        image = {{ .Values.image | quote }}

        [runners.kubernetes.pod_labels]
          "team" = "a"
  secret: runner-token
rbac: {create: true}
"""


def test_helm() -> None:
    snippet = """\
[runners.kubernetes]
  privileged = true
  image = "alpine:3.22"
[[runners.kubernetes.volumes.empty_dir]]
  name = "docker-certs"
  mount_path = "/certs/client"
[[runners]]
  environment = ["A=1"]
"""
    after = edit_helm(VALUES, snippet.replace('  image = "alpine:3.22"\n', ""), Facts(executor="kubernetes"), None)
    added = new_lines(VALUES.replace('"]\n', '", "A=1"]\n'), after)
    assert [line.strip() for line in added if line.strip()] == [
        "privileged = true",
        "[[runners.kubernetes.volumes.empty_dir]]",
        'name = "docker-certs"',
        'mount_path = "/certs/client"',
    ]
    assert "        privileged = true\n" in after
    assert "        [[runners.kubernetes.volumes.empty_dir]]\n          name" in after
    assert edit_helm(after, snippet.replace('  image = "alpine:3.22"\n', ""), Facts(), None) == after
    changed = edit_helm(VALUES, snippet, Facts(), None)
    assert '        image = "alpine:3.22"\n' in changed


def test_helm_as_the_last_key_without_final_newline_and_with_crlf() -> None:
    text = 'runners:\n    config: |\n        [[runners]]\n          [runners.kubernetes]\n            namespace = "x"'
    after = edit_helm(text, "[runners.kubernetes]\n  privileged = true", Facts(), None)
    assert after == text + "\n            privileged = true"
    crlf = edit_helm(f"{text}\n".replace("\n", "\r\n"), "[runners.kubernetes]\n  privileged = true", Facts(), None)
    assert crlf == f"{after}\n".replace("\n", "\r\n")


def test_values_without_a_configuration_are_refused() -> None:
    with pytest.raises(CannotEdit, match=r"runners\.config"):
        edit_helm("runners: {}\n", "[runners.kubernetes]\n  privileged = true", Facts(), None)


CONDITIONAL = """\
runners:
  config: |
    [[runners]]
      executor = "kubernetes"
      [runners.kubernetes]
        image = "alpine"
        {{- if .Values.big }}
        cpu_limit = "4"
        {{- with .Values.pull }}
        pull_policy = "{{ . }}"
        {{- end }}
        {{- end }}
  tags: a
"""


@pytest.mark.parametrize(
    "snippet",
    [
        '[runners.kubernetes]\n  memory_limit = "4Gi"',
        '[runners.kubernetes.pod_annotations]\n  "a/b" = "c"',
    ],
)
def test_new_lines_stand_outside_of_a_templates_blocks(snippet: str) -> None:
    after = edit_helm(CONDITIONAL, snippet, Facts(), None)
    assert [line.strip() for line in after.splitlines()[11:-1]] == ["{{- end }}", *_lines_but_known(snippet)]
    assert edit_helm(after, snippet, Facts(), None) == after


def _lines_but_known(snippet: str) -> list[str]:
    return [line.strip() for line in snippet.splitlines() if line.strip() != "[runners.kubernetes]"]


def test_a_table_that_a_template_makes_is_added_to_inside() -> None:
    text = CONDITIONAL.replace(
        "        {{- with", '        [runners.kubernetes.pod_annotations]\n          "x" = "y"\n        {{- with'
    )
    with pytest.raises(CannotEdit, match="template blocks"):
        edit_helm(text, '[runners.kubernetes]\n  memory_limit = "4Gi"', Facts(), None)
    assert edit_helm(text, '[runners.kubernetes]\n  image = "b"', Facts(), None) == text.replace("alpine", "b")
    inside = CONDITIONAL.replace(
        '        {{- with .Values.pull }}\n        pull_policy = "{{ . }}"\n        {{- end }}\n', ""
    )
    inside = inside.replace('cpu_limit = "4"', '[runners.kubernetes.pod_annotations]\n          "x" = "y"')
    after = edit_helm(inside, '[runners.kubernetes.pod_annotations]\n  "a/b" = "c"', Facts(), None)
    assert after == inside.replace('"x" = "y"\n', '"x" = "y"\n          "a/b" = "c"\n')
