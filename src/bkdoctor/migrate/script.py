"""The strings of a job's scripts -> the same strings with BuildKit, and what the job needs besides."""

import re
from dataclasses import dataclass, field

from bkdoctor.fixes.shell_words import commands
from bkdoctor.migrate.build import Build, command
from bkdoctor.migrate.docker import Login
from bkdoctor.migrate.flags import Target
from bkdoctor.migrate.kaniko import Exists, kaniko_build
from bkdoctor.migrate.words import split_tail

KANIKO_CONFIG = "/kaniko/.docker"
_EXECUTOR = re.compile(r"(?:.*/)?kaniko/executor|executor")


@dataclass(slots=True)
class Plan:
    """What becomes of a job."""

    texts: list[str]
    """Its strings; an empty one goes."""
    builds: list[Build] = field(default_factory=list)
    logins: list[Login] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def kaniko_plan(texts: list[str], target: Target, exists: Exists, environment: dict[str, str]) -> Plan | None:
    """Return what becomes of a job's strings if they run kaniko; None if they do not. Raises CannotEdit."""
    plan = Plan(list(texts))
    for number, text in enumerate(texts):
        for words in reversed(commands(text)):
            at = next(
                (n for n, w in enumerate(words) if re.fullmatch(r"(?:.*/)?kaniko/executor|executor", w.text)), None
            )
            if at is None or (at and words[at - 1].text in ("echo", "ls", "which", "cp", "test", "-x")):
                continue
            own, tail = split_tail([w.text for w in words[at + 1 :]])
            if own[:1] in (["version"], ["--version"], ["--help"]):
                continue
            build = kaniko_build([*(f"--{k}={v}" for k, v in environment.items()), *own], target, exists)
            plan.builds.insert(0, build)
            plan.texts[number] = put(plan.texts[number], words[at].start, words[-1].end, build, tail)
    if not plan.builds:
        return None
    plan.texts = [_own_config(text) for text in plan.texts]
    for text in plan.texts:
        for line in (line.strip() for line in text.split("\n") if re.search(r"/kaniko/|/busybox/", line)):
            plan.notes.append(f"`{line}` names something of kaniko's image that is not there any more: change it.")
    if re.search(r"credHelpers|credsStore", "\n".join(plan.texts)):
        plan.notes.append("credential helpers come with kaniko's image, not with BuildKit's: write `auths` instead.")
    return plan


def _own_config(text: str) -> str:
    """Return a script that keeps its config.json, where BuildKit looks for it."""
    if KANIKO_CONFIG not in text:
        return text
    moved = re.sub(rf"{re.escape(KANIKO_CONFIG)}/?(?=[\s\"';&|]|$)|{re.escape(KANIKO_CONFIG)}", "$HOME/.docker", text)
    return re.sub(r"(?<![\"'\w$/}])(\$HOME/\.docker(?:/config\.json)?)(?![\w\"'/])", r'"\1"', moved)


def put(text: str, start: int, end: int, build: Build, tail: list[str]) -> str:
    """Return a script in which a command is another one, as far in as the first."""
    head = text[text.rfind("\n", 0, start) + 1 : start]
    made = command(build)
    if tail:
        lines = made.split("\n")
        last = len(lines) - len(build.after) - 1
        lines[last] += f" {' '.join(tail)}"
        made = "\n".join(lines)
    alone = not head.strip() and re.match(r"[ \t]*(?:\n|$)", text[end:])
    if (build.before or build.after) and not alone:
        made = "{\n" + made + "\n}"
    indent = head[: len(head) - len(head.lstrip())]
    return text[:start] + made.replace("\n", f"\n{indent}") + text[end:]
