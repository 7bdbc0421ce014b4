"""Options of a command are edited in every spelling of a script, and nothing else of it changes."""

import itertools

import pytest

from bkdoctor.fixes.ci_edit import edit_ci
from bkdoctor.fixes.result import CannotEdit
from bkdoctor.fixes.scalar_map import char_map
from bkdoctor.fixes.shell_words import commands, runs
from bkdoctor.fixes.yaml_tree import documents
from bkdoctor.model import CommandEdit, Edit, Facts

RUN = ("buildctl-daemonless.sh build", "buildctl build")
EDIT = Edit(command=CommandEdit(RUN, ("--local dockerfile=docker",), ("--opt filename=Dockerfile",), ("--trace",)))


def edited(text: str, edit: Edit = EDIT, job: str | None = None) -> str:
    changes = edit_ci("ci.yml", text, edit, Facts(), read=lambda _: None, job=job)
    if not changes:
        return text
    again = edit_ci("ci.yml", changes[0].after, edit, Facts(), read=lambda _: None, job=changes[0].job)
    assert not again, "a second time it changes again"
    return changes[0].after


SPELLINGS = {
    "plain": "- buildctl build --local dockerfile={} --frontend dockerfile.v0 .",
    "single": "- 'buildctl build --local ''dockerfile={}'' --frontend dockerfile.v0 .'",
    "double": '- "buildctl build --local \\"dockerfile={}\\" --frontend dockerfile.v0 ."',
    "env": "- DEBUG=1 buildctl --addr tcp://x:1 build --local=dockerfile={} --frontend dockerfile.v0 . > log",
    "both": "- docker info && buildctl build --local dockerfile={} --frontend dockerfile.v0 . || exit 1",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_line(spelling: str) -> None:
    text = f"# top\nbuild:\n  script:\n    - echo one\n    {SPELLINGS[spelling]}   # tail\n    - echo two\n"
    after = edited(text.replace("{}", "docker/Dockerfile"))
    inner = documents(after)[0].get("build").get("script").items[1].value  # type: ignore[union-attr]
    words = " ".join(inner.replace("'", "").replace('"', "").split())
    assert "--local dockerfile=docker --frontend dockerfile.v0 --opt filename=Dockerfile ." in words
    assert after.startswith("# top\nbuild:\n  script:\n    - echo one\n") and after.endswith(
        "   # tail\n    - echo two\n"
    )


@pytest.mark.parametrize("head", ["|", "|-", "|+", ">", ">-", "|2"])
def test_blocks_keep_one_option_a_line(head: str) -> None:
    slash = " \\" if head.startswith("|") else ""
    lines = ["buildctl build", "  --frontend dockerfile.v0", "  --trace", "  --local dockerfile=docker/Dockerfile"]
    if head.startswith(">"):
        lines = [line.strip() for line in lines]
    indent = "      " if head != "|2" else "    "
    body = "".join(f"{indent}{line}{slash if n < 3 else ''}\n" for n, line in enumerate(lines))
    text = f"build:\n  script:\n  - {head}\n{body}\n  # below\n  tags: [a]\n"
    if head == "|2":
        text = text.replace("  - |2", "  - |2")
    after = edited(text)
    step = "  " if slash else ""
    assert f"{indent}{step}--local dockerfile=docker{slash}\n{indent}{step}--opt filename=Dockerfile\n" in after
    assert "--trace" not in after
    assert after.endswith("\n  # below\n  tags: [a]\n")


def test_crlf_and_tabs_in_a_literal() -> None:
    text = (
        "build:\r\n  script:\r\n    - |\r\n      buildctl build \\\r\n      \t--local dockerfile=docker/Dockerfile\r\n"
    )
    assert edited(text) == text.replace("docker/Dockerfile", "docker \\\r\n      \t--opt filename=Dockerfile")


def test_a_plain_scalar_is_quoted_where_it_must_be() -> None:
    edit = Edit(command=CommandEdit(RUN, add=("--opt 'label:a: b #c'",)))
    after = edited("build:\n  script:\n    - buildctl build .\n", edit)
    assert documents(after)[0].get("build").get("script").items[0].value == "buildctl build --opt 'label:a: b #c' ."  # type: ignore[union-attr]


def test_a_variable_in_a_path_stays() -> None:
    edit = Edit(command=CommandEdit(RUN, ("--local dockerfile=/builds/team/app/docker",)))
    text = 'build:\n  script:\n    - buildctl build --local dockerfile="$CI_PROJECT_DIR/docker/Dockerfile"\n'
    assert edited(text, edit) == text.replace("/Dockerfile", "")


def test_what_else_an_output_says_stays() -> None:
    edit = Edit(command=CommandEdit(RUN, ("--output type=image,name=$NEW,push=true",)))
    text = "build:\n  script:\n    - buildctl build --output type=image,name=a:1,oci-mediatypes=false .\n"
    assert edited(text, edit) == text.replace(
        "name=a:1,oci-mediatypes=false", "name=$NEW,oci-mediatypes=false,push=true"
    )
    several = text.replace("type=image,name=a:1,oci-mediatypes=false", "'type=image,\"name=a:1,b:1\",push=true'")
    assert "--output type=image,name=$NEW,push=true ." in edited(several, edit)
    other = text.replace("type=image,name=a:1,oci-mediatypes=false", "type=local,dest=out")
    assert "--output type=image,name=$NEW,push=true" in edited(other, edit)


def test_options_in_a_variable() -> None:
    text = """\
variables:
  OPTIONS: "--local dockerfile=docker/Dockerfile --trace"  # for all
build:
  script: [buildctl build $OPTIONS --frontend dockerfile.v0]
"""
    edit = Edit(command=CommandEdit(RUN, ("--local dockerfile=docker",), (), ("--trace",)))
    assert edited(text, edit) == text.replace("/Dockerfile --trace", "")


def test_comments_here_documents_and_echoes_are_no_commands() -> None:
    text = "# buildctl build --a\necho buildctl build --b\ncat <<EOF\nbuildctl build --c\nEOF\nbuildctl build --d\n"
    found = runs(text, RUN)
    assert [w.text for r in found for w in r.words[r.first :]] == ["--d"]
    assert [w.text for w in commands('a "b c" \\\n  $(d e) # f')[0]] == ["a", '"b c"', "$(d e)"]


def test_where_was_looked_is_said() -> None:
    with pytest.raises(
        CannotEdit, match=r"no script of the job build runs `buildctl-daemonless.sh build` \(looked in ci.yml\)"
    ):
        edited("build:\n  script:\n    - ./ci/build.sh\n")
    with pytest.raises(CannotEdit, match="builds with `docker build`"):
        edited("build:\n  script:\n    - docker build .\n")


def test_the_job_is_found_or_asked_for() -> None:
    two = "a:\n  script: [buildctl build .]\nb:\n  script: [buildctl build .]\n"
    with pytest.raises(CannotEdit, match="any of a, b may be the job: name it with --job NAME"):
        edited(two)
    assert edited(two, job="b").startswith("a:\n  script: [buildctl build .]\n")
    with pytest.raises(CannotEdit, match=r"there is no job c in ci\.yml: its jobs are a, b"):
        edited(two, job="c")
    shown = Edit(command=EDIT.command, commands=("buildctl build --tag b",))
    assert "build --tag a ." in edited(
        "a:\n  script: [buildctl build --tag a .]\nb:\n  script: [buildctl build --tag b]\n", shown
    )


@pytest.mark.parametrize(
    "source",
    ["a b", "'it''s'", '"a\\tb\\u00e9\\n\\\n   c"', "|\n  x\n   y\n\n  z\n", ">\n  a\n  b\n\n  c\n   d\n  e\n", "a\n  b\n\n  c"],
)  # fmt: skip
def test_characters_are_found_in_the_text(source: str) -> None:
    text = f"k: {source}\n"
    for variant in (text, text.replace("\n", "\r\n")):
        node = documents(variant)[0].pairs[0][1]
        chars = char_map(variant, node)
        assert "".join(c.char for c in chars).rstrip("\n") == node.value.rstrip("\n")
        assert all(a.end <= b.start for a, b in itertools.pairwise(chars) if b.start != b.end)
