"""What a job has after a fix: what it inherited, what it had, and what the fix brings, in the order that works."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bkdoctor.catalog.catalog import builtin_folder
from bkdoctor.catalog.pattern import read_recipe
from bkdoctor.fixes.apply import Where, apply, examples_in, with_diff
from bkdoctor.fixes.ci_edit import edit_ci
from bkdoctor.fixes.result import CannotEdit, Change, Refusal, Unchanged
from bkdoctor.fixes.wanting import examples
from bkdoctor.fixes.yaml_tree import documents
from bkdoctor.model import Edit, Facts, Fix

from .test_fix_ci_files import data, read, text_of

LOGIN = """\
"<job>":
  before_script:
    - printf '%s' "$CI_REGISTRY_PASSWORD" | docker login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"
"""
LOGIN_LINE = documents(LOGIN)[0].pairs[0][1].pairs[0][1].items[0].value


def recipe(method: str, section: str) -> Edit:
    path = builtin_folder() / "recipes" / method / f"{section}.toml"
    return Edit(snippet=read_recipe(path.read_text(), str(path)).snippet.replace("<job>:", '"<job>":'), recipe=True)


def merged(name: str, edit: Edit, job: str = "build-image", text: str | None = None) -> Any:
    """Return the job as it reads after the edit, without what it inherits; the edit must change nothing again."""
    before = text_of(name) if text is None else text
    changes = edit_ci(name, before, edit, Facts(), read=read, job=job)
    after = changes[0].after if changes else before
    assert not edit_ci(name, after, edit, Facts(), read=read, job=job)
    root = documents(after)[-1]
    return data(root.get(job), root)  # type: ignore[arg-type]


INHERITED = {
    "default-before-script.yml": ['echo "runs before every job"', "id"],
    "extends-chain.yml": ['export BUILD_DATE="$(date -u +%F)"'],
    "anchors-merge-keys.yml": ["echo preparing"],
    "shared-before-script.yml": ['echo "global, in the old way"'],
}


def flat(value: Any) -> list[str]:
    return [line for item in value for line in flat(item)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", INHERITED)
def test_inherited_lines_are_kept_before_new_ones(name: str) -> None:
    job = merged(name, Edit(snippet=LOGIN))
    assert flat(job["before_script"]) == [*INHERITED[name], LOGIN_LINE]


def test_inherited_lines_are_referenced_where_they_have_a_name() -> None:
    after = edit_ci(
        "extends-chain.yml", text_of("extends-chain.yml"), Edit(snippet=LOGIN), Facts(), read=read, job="build-image"
    )
    assert "    - !reference [.base, before_script]\n    - printf" in after[0].after


def test_a_list_shared_by_an_anchor_is_not_changed_for_others() -> None:
    after = edit_ci(
        "anchors-merge-keys.yml",
        text_of("anchors-merge-keys.yml"),
        Edit(snippet=LOGIN),
        Facts(),
        read=read,
        job="build-again",
    )[0].after
    root = documents(after)[0]
    assert data(root.get(".job"), root)["before_script"] == ["echo preparing"]  # type: ignore[arg-type]
    assert flat(data(root.get("build-again"), root)["before_script"]) == ["echo preparing", LOGIN_LINE]  # type: ignore[arg-type]


def test_a_template_that_is_not_at_hand_is_not_overridden() -> None:
    job = merged("unknown-template.yml", Edit(snippet=LOGIN))
    assert "before_script" not in job
    assert job["script"][0] == LOGIN_LINE


def test_a_template_from_an_included_file_is_known() -> None:
    job = merged("include-local.yml", Edit(snippet=LOGIN))
    assert job["before_script"] == ["unknown", LOGIN_LINE]  # a reference into the other file
    assert "script" not in job


def test_a_login_is_replaced_and_stands_before_the_builder() -> None:
    lines = merged("buildx-dind.yml", Edit(snippet=LOGIN))["before_script"]
    assert lines[0].startswith("until docker info")
    assert lines[1] == LOGIN_LINE
    assert not any("-p " in line for line in lines)
    assert lines[2:] == ["docker context create tls", "docker buildx create --use --name multi tls"]


def test_a_config_json_is_written_once() -> None:
    lines = merged("native-service.yml", recipe("native", "auth"))["before_script"]
    assert sum("config.json" in line for line in lines) == 1
    assert sum(line.startswith("mkdir") for line in lines) == 1
    assert "base64" in lines[1]


def test_an_entry_of_the_users_own_is_not_lost() -> None:
    text = text_of("native-service.yml").replace("$CI_REGISTRY\\", "quay.example.com\\")
    with pytest.raises(CannotEdit, match=r"with an entry for quay\.example\.com: add the new one there"):
        merged("native-service.yml", recipe("native", "auth"), text=text)


def test_a_recipe_gives_a_working_job_its_section_alone() -> None:
    before = documents(text_of("plain-rootless.yml"))[0]
    old = data(before.get("build-image"), before)  # type: ignore[arg-type]
    new = merged("plain-rootless.yml", recipe("rootless", "cache"))
    assert new["image"] == old["image"]
    assert "before_script" not in new
    assert "stage" in new and new["stage"] == old["stage"]
    assert new["variables"] == old["variables"] | {"CACHE_IMAGE": "$CI_REGISTRY_IMAGE:cache"}
    assert new["script"][0].startswith(old["script"][0].rstrip("\n") + " \\\n  --export-cache")


def test_flags_in_a_variable_are_added_to() -> None:
    new = merged("plain-rootless.yml", recipe("rootless", "mirror"))
    flags = new["variables"]["BUILDKITD_FLAGS"]
    assert flags == "--oci-worker-no-process-sandbox --config /tmp/buildkitd.toml"


def test_what_a_builder_needs_is_made_before_it() -> None:
    lines = merged("buildx-dind.yml", recipe("buildx", "mirror"))["before_script"]
    toml = next(n for n, line in enumerate(lines) if "buildkitd.toml <<" in line)
    create = next(n for n, line in enumerate(lines) if "buildx create" in line)
    assert toml < create
    assert lines[create].endswith("--buildkitd-config /tmp/buildkitd.toml tls")


def test_a_recipe_for_another_method_is_refused() -> None:
    with pytest.raises(CannotEdit, match=r"builds with `/kaniko/executor`, so the fix is another job") as told:
        merged("kaniko.yml", recipe("rootless", "build"))
    assert "`bkdoctor migrate kaniko.yml --job build-image` makes it build with BuildKit" in str(told.value)


BEHIND = """\
"<job>":
  script:
    - docker build -t app:ci .
    - docker save app:ci -o app.tar
    - sha256sum app.tar
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "build:\n  script:\n    - docker build -t app:ci .\n    # then\n    - ./deploy.sh\n",
            {
                "script": [
                    "docker build -t app:ci .",
                    "docker save app:ci -o app.tar",
                    "sha256sum app.tar",
                    "./deploy.sh",
                ]
            },
        ),
        (
            ".a:\n  script: [make, docker build -t app:ci .]\nbuild:\n  extends: .a\n",
            {"script": [["make", "docker build -t app:ci ."], "docker save app:ci -o app.tar", "sha256sum app.tar"]},
        ),
        (
            "build:\n  script: docker build -t app:ci .\n",
            {"script": ["docker build -t app:ci .", "docker save app:ci -o app.tar", "sha256sum app.tar"]},
        ),
    ],
)
def test_what_follows_the_build_in_a_fix_follows_it_in_the_job(before: str, after: dict[str, Any]) -> None:
    job = merged("x.yml", Edit(snippet=BEHIND), "build", before)
    assert {key: job[key] for key in job if key != "extends"} == after


def test_a_name_of_an_image_is_set_only_where_the_job_reads_it() -> None:
    edit = Edit(snippet='"<job>":\n  variables:\n    IMAGE: $CI_REGISTRY_IMAGE:1\n')
    job = "build:\n  variables: {IMAGE: a}\n  script:\n    - docker build -t %s .\n"
    assert merged("x.yml", edit, "build", job % "${IMAGE}")["variables"] == {"IMAGE": "$CI_REGISTRY_IMAGE:1"}
    with pytest.raises(CannotEdit, match=r"does not name its image by \$IMAGE"):
        merged("x.yml", edit, "build", job % "$IMAGE_NAME")


def test_services_are_known_by_alias_or_name() -> None:
    snippet = (
        '"<job>":\n  services:\n    - name: docker:dind\n      alias: docker\n      command: ["--mtu=1400", "--ipv6"]\n'
    )
    edit = Edit(snippet=snippet)
    assert merged("buildx-dind.yml", edit)["services"] == [
        {"name": "docker:29-dind", "alias": "docker", "command": ["--mtu=1400", "--ipv6"]}
    ]
    assert merged("matrix.yml", edit)["services"] == [
        {"name": "docker:27-dind", "alias": "docker", "command": ["--mtu=1400", "--ipv6"]}
    ]


def test_needs_retry_and_tags() -> None:
    snippet = (
        '"<job>":\n  needs:\n    - job: unit\n      artifacts: true\n    - other\n  retry:\n    max: 2\n'
        "    when:\n      - script_failure\n  tags:\n    - large\nother:\n  script: [true]\n"
    )
    job = merged("matrix.yml", Edit(snippet=snippet))
    assert job["needs"] == [{"job": "unit", "artifacts": True}, "other"]
    assert job["retry"] == {"max": 2, "when": ["runner_system_failure", "script_failure"]}
    assert job["tags"] == ["$ARCH", "large"]
    assert merged("extends-chain.yml", Edit(snippet=snippet.replace("job: unit", "job: other")))["retry"]["max"] == 2
    with pytest.raises(CannotEdit, match=r"matrix\.yml has no job compile"):
        merged("matrix.yml", Edit(snippet='"<job>":\n  needs: [compile]\n'))


def test_image_as_a_string_becomes_a_mapping() -> None:
    snippet = '"<job>":\n  image:\n    name: docker:cli\n    entrypoint: [""]\n'
    assert merged("buildx-dind.yml", Edit(snippet=snippet))["image"] == {"name": "docker:29-cli", "entrypoint": [""]}
    newer = Edit(snippet='"<job>":\n  image: docker:29-cli\n  services: [docker:29-dind]\n')
    kept = merged("docker-build-push.yml", newer)
    assert (kept["image"], kept["services"]) == ("docker:24.0.5", ["docker:24.0.5-dind"])
    renewed = merged("docker-build-push.yml", msgspec.structs.replace(newer, renews=True))
    assert (renewed["image"], renewed["services"]) == ("docker:29-cli", ["docker:29-dind"])
    other = Edit(snippet='"<job>":\n  image: moby/buildkit:rootless\n')
    assert merged("docker-build-push.yml", other)["image"] == "moby/buildkit:rootless"


def test_a_script_that_is_one_string_becomes_a_list() -> None:
    snippet = '"<job>":\n  script:\n    - ls -l\n'
    job = merged("one-string.yml", Edit(snippet=snippet))
    assert job["script"][0] == "ls -l"
    assert job["script"][1].startswith("buildctl-daemonless.sh build")
    literal = merged("one-literal.yml", Edit(snippet=snippet))
    assert literal["script"][1].startswith("set -eu\n# the build itself\n")


def test_variables_stay_those_of_the_job_when_it_inherits_them() -> None:
    snippet = Edit(
        snippet='"<job>":\n  variables:\n    BUILDKITD_FLAGS: --oci-worker-no-process-sandbox\n    NEW: "1"\n'
    )
    assert merged("extends-chain.yml", snippet)["variables"] == {"DIR": "path/to/image", "NEW": "1"}
    again = merged("anchors-merge-keys.yml", snippet, job="build-again")
    assert again["variables"] == {"BUILDKITD_FLAGS": "--oci-worker-no-process-sandbox", "GIT_DEPTH": "1", "NEW": "1"}


def test_the_job_may_stand_in_an_included_file() -> None:
    changes = edit_ci(
        "include-job-inside.yml",
        text_of("include-job-inside.yml"),
        Edit(snippet=LOGIN),
        Facts(job="build-image"),
        read=read,
    )
    assert [change.path for change in changes] == ["ci/job.yml"]


def test_a_script_that_others_share_is_named() -> None:
    from bkdoctor.model import CommandEdit

    edit = Edit(command=CommandEdit(("buildctl-daemonless.sh build",), add=("--opt target=x",)))
    change = edit_ci("extends-chain.yml", text_of("extends-chain.yml"), edit, Facts(job="build-image: [a]"), read=read)[
        0
    ]
    assert change.notes == ("the same script is that of build-other",)


def fix(snippet: str, file: str = ".gitlab-ci.yml") -> Fix:
    return Fix(
        title="T", file=file, language="yaml", risk="safe", owner="author", snippet=snippet, edit=Edit(snippet=snippet)
    )  # fmt: skip


def reason(made: object) -> str:
    assert isinstance(made, Refusal)
    return made.reason


def test_a_refusal_says_why() -> None:
    where = Where(facts=Facts(job="a"))
    text = "a:\n  script: [true]\n"
    gap = fix('"<job>":\n  before_script:\n    - apk add <command>\n')
    assert "<command>" in reason(apply(gap, "ci.yml", text, where))
    masked = fix('"<job>":\n  before_script:\n    - cd [MASKED]/app\n')
    assert "masked" in reason(apply(masked, "ci.yml", text, where))
    assert "do what its snippet says" in reason(apply(fix("chmod +x x", "shell"), "x", text, where))
    tags = fix('"<job>":\n  tags: [b]\n')
    assert "there is no ci.yml" in reason(apply(tags, "ci.yml", None, where))
    assert "not valid YAML in line 2" in reason(apply(tags, "ci.yml", "a:\n\tb: c\n", where))
    assert "there is no job a" in reason(apply(tags, "ci.yml", "b:\n  script: [true]\n", where))


def test_a_fix_gets_its_diff() -> None:
    tags = fix('"<job>":\n  tags: [b]\n')
    where = Where(facts=Facts(job="a"))
    made = apply(tags, "ci.yml", "a:\n  script: [true]\n", where)
    assert isinstance(made, tuple)
    assert "+  tags: [b]\n" in (with_diff(tags, made).diff or "")
    assert isinstance(apply(tags, "ci.yml", made[0].after, where), Unchanged)


def test_examples_are_told() -> None:
    example = fix('"<job>":\n  image: mirror.example.com/path/to/image\n  tags: [old.example.com, new.example.com]\n')
    change = Change(
        path="x", before="a: old.example.com", after="a: old.example.com\nb: mirror.example.com/path/to/image"
    )
    assert isinstance(example.edit, Edit)
    known = msgspec.structs.replace(example.edit, examples=examples(example.edit, ["new.example.com"]))
    assert known.examples == ("mirror.example.com", "path/to/image", "old.example.com")
    assert examples_in(msgspec.structs.replace(example, edit=known), (change,)) == (
        "mirror.example.com",
        "path/to/image",
    )


def test_builtin_recipes_are_found() -> None:
    assert (Path(builtin_folder()) / "recipes").is_dir()
