"""The strings of a job that builds, tags and pushes with an engine -> the same with BuildKit, in fewer commands."""

import re
from dataclasses import dataclass

from bkdoctor.fixes.result import CannotEdit
from bkdoctor.fixes.shell_words import Word, commands
from bkdoctor.migrate.build import Build
from bkdoctor.migrate.docker import docker_build, docker_login, settle
from bkdoctor.migrate.flags import Target
from bkdoctor.migrate.script import Plan, put
from bkdoctor.migrate.words import inner, is_variable, split_tail, without_tag

_CONDITIONS = frozenset({"if", "elif", "while", "until", "!"})
_ENGINE = (("info",), ("version",), ("logout",), ("images",), ("image", "ls"), ("image", "prune"), ("system", "prune"),
           ("context",), ("buildx", "create"), ("buildx", "inspect"), ("buildx", "use"), ("buildx", "rm"),
           ("buildx", "ls"), ("buildx", "version"), ("buildx", "prune"), ("buildx", "stop"))  # fmt: skip
"""Commands around an engine that a job without one does not need."""
_BUILDS = (("build",), ("image", "build"), ("buildx", "build"), ("builder", "build"))


@dataclass(slots=True)
class Deed:
    """One docker command: which, with what, and where."""

    text: int
    start: int
    end: int
    name: tuple[str, ...]
    words: list[str]
    tail: list[str]
    feeding: list[str]
    """The words of the command before its pipe."""
    asked: bool
    """Whether its outcome decides something: `if docker ...`."""
    build: Build | None = None
    gone: bool = False


def docker_plan(texts: list[str], target: Target) -> Plan | None:
    """Return what becomes of a job's strings if they run docker build; None if they do not. Raises CannotEdit."""
    deeds = [deed for number, text in enumerate(texts) for deed in _deeds(number, text)]
    if not any(deed.name in _BUILDS for deed in deeds):
        return None
    if target == "buildx" and all(deed.name == ("buildx", "build") for deed in deeds if deed.name in _BUILDS):
        return None
    plan = Plan(list(texts))
    for deed in deeds:
        if deed.name in _BUILDS:
            deed.build = docker_build(deed.words, target)
            plan.builds.append(deed.build)
    _follow(deeds)
    kept = [deed for deed in deeds if not deed.gone and deed.build is None]
    _around(plan, kept, target)
    for deed in reversed(deeds):
        if deed.build is not None:
            plan.texts[deed.text] = put(plan.texts[deed.text], deed.start, deed.end, deed.build, deed.tail)
        elif deed.gone:
            plan.texts[deed.text] = cut(plan.texts[deed.text], deed)
    return plan


def _deeds(number: int, text: str) -> list[Deed]:
    found: list[Deed] = []
    before: tuple[Word, ...] = ()
    for words in commands(text):
        at = next((n for n, w in enumerate(words) if w.text.rpartition("/")[2] == "docker"), None)
        if at is not None and not {w.text for w in words[:at]} & {"which", "echo", "apk", "apt-get", "command"}:
            own, tail = split_tail([w.text for w in words[at + 1 :]])
            size = 2 if own[:1] in (["image"], ["buildx"], ["builder"], ["system"]) else 1
            piped = before and re.fullmatch(r"\s*\|\s*", text[before[-1].end : words[0].start])
            found.append(
                Deed(
                    number, words[at].start, words[-1].end, tuple(own[:size]), own[size:], tail,
                    [w.text for w in before] if piped else [], any(w.text in _CONDITIONS for w in words[:at]),
                )
            )  # fmt: skip
        before = words
    return found


def _follow(deeds: list[Deed]) -> None:
    """Find out which names of which build are pushed, and which commands go with that."""
    known: dict[str, Build] = {}
    pushed: dict[int, list[str]] = {}
    for deed in deeds:
        plain = [inner(word) for word in deed.words if not word.startswith("-")]
        if deed.build is not None:
            known |= dict.fromkeys(deed.build.names, deed.build)
        elif deed.name in (("tag",), ("image", "tag")) and len(plain) == 2:
            if (build := known.get(plain[0]) or known.get(f"{plain[0]}:latest")) is not None:
                known[plain[1]] = build
                deed.gone = True
        elif deed.name in (("push",), ("image", "push")) and plain:
            every = any(word in ("-a", "--all-tags") for word in deed.words)
            names = [n for n in known if n in (plain[0], f"{plain[0]}:latest") or (every and _may_be_of(n, plain[0]))]
            for name in names:
                if every and is_variable(name):
                    known[name].note(f"`--all-tags` pushes {name} too, if it is of {plain[0]}: else leave it out.")
                pushed.setdefault(id(known[name]), []).append(name)
            deed.gone = bool(names)
    for build in {id(b): b for b in known.values()}.values():
        settle(build, pushed.get(id(build), []))
    for deed in deeds:
        if deed.build is not None and not deed.build.names:
            settle(deed.build, [])
        if deed.name in (("pull",), ("image", "pull")):
            named = {inner(word) for word in deed.words}
            deed.gone = any(n.rpartition("ref=")[2] in named for b in known.values() for n in b.cache_from)


def _may_be_of(name: str, repository: str) -> bool:
    """Say whether a name is one of a repository's, or a variable that does not tell."""
    return without_tag(name) == repository or is_variable(name)


def _around(plan: Plan, kept: list[Deed], target: Target) -> None:
    """Deal with the commands that neither build nor push what was built."""
    for deed in kept:
        spelled = f"docker {' '.join(deed.name)}"
        if target == "buildx":
            if deed.name[0] in ("run", "push", "tag", "save", "compose", "create", "inspect", "scan"):
                for build in plan.builds:
                    build.load = build.load or not build.push
                if any(build.push for build in plan.builds):
                    plan.notes.append(
                        f"`{spelled}` may want the image in the engine: add --load to the build if it does."
                    )
        elif deed.name == ("login",):
            plan.logins.append(docker_login(deed.words, deed.feeding))
            deed.gone = True
        elif any(deed.name[: len(name)] == name for name in _ENGINE) or deed.name in (("pull",), ("image", "pull")):
            deed.gone = True
        else:
            raise CannotEdit(
                f"`{spelled}` needs an engine, and this is none: give it a job of its own, or use --to buildx"
            )
    for build in plan.builds if target == "buildx" else []:
        build.load = build.load or (not build.push and not build.outputs)


def cut(text: str, deed: Deed) -> str:
    """Return a script without a command, the operator that joined it to others, and its line if that is empty."""
    before, after = text[: deed.start], text[deed.end :]
    if deed.asked:
        return f"{before}true{after}"
    if deed.feeding:
        before = re.sub(r"[^\n;&|]*\|\s*$", "", before)
    after = re.sub(r"^[ \t]*\|\|[^\n;&|]*", "", after)
    if re.search(r"(?:&&|;)[ \t\n\\]*$", before):
        before = re.sub(r"[ \t]*(?:&&|;)[ \t\n\\]*$", "", before)
    else:
        after = re.sub(r"^[ \t]*(?:&&|;)[ \t\n\\]*", "", after)
    line = before[before.rfind("\n") + 1 :]
    if not line.strip() and re.match(r"[ \t]*(?:\n|$)", after):
        before = before[: len(before) - len(line)]
        after = re.sub(r"^[ \t]*\n?", "", after)
    return (before + after) if (before + after).strip() else ""
