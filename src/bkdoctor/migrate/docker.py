"""The words of docker build, and of the commands around it -> the build that they make together."""

import re
from collections.abc import Sequence

import msgspec

from bkdoctor.fixes.result import CannotEdit
from bkdoctor.migrate.build import Build, apply_row
from bkdoctor.migrate.flags import Given, Target, on, read
from bkdoctor.migrate.words import inner, is_variable, join, option

_HUB = "https://index.docker.io/v1/"
_URL = re.compile(r"(?:https?|git|ssh)://|git@")


def docker_build(words: Sequence[str], target: Target) -> Build:
    """Return what `docker build` builds, before it is known what is pushed. Raises CannotEdit."""
    given, others = read(words, "docker")
    if len(others) != 1:
        raise CannotEdit(f"docker build takes one context, and {' '.join(others) or 'none'} is given")
    if others[0] == "-":
        raise CannotEdit("its context comes from standard input: unpack it into a directory first, and name that")
    build = Build(target, push=False)
    build.context = others[0].removesuffix("/") if len(others[0]) > 1 else others[0]
    build.remote = _URL.match(build.context) is not None
    build.dockerfile = "Dockerfile" if build.remote else join(build.context, "Dockerfile").removeprefix("./")
    hosts = [item.value.replace(":", "=", 1) for item in given if item.flag.role == "add-host"]
    if hosts:
        rootless = [option("--opt", f"add-hosts={','.join(hosts)}")]
        build.options += rootless if target == "rootless" else [option("--add-host", host) for host in hosts]
    for item in given:
        if item.flag.role:
            _place(build, item)
        else:
            apply_row(build, item)
    return build


def _place(build: Build, given: Given) -> None:
    """Put an option that has a role into its place."""
    role, value = given.flag.role, given.value
    if role == "tag":
        build.names.append(value)
    elif role == "file":
        if value == "-":
            raise CannotEdit("its Dockerfile comes from standard input: write it to a file, and name that")
        build.dockerfile = value.removeprefix("./")
    elif role == "push":
        build.push = on(given)
    elif role == "load":
        build.load = on(given) and build.target == "buildx"
    elif role == "build-arg":
        _argument(build, value)
    elif role == "cache-from":
        build.cache_from += [value if "type=" in value else f"type=registry,ref={name}" for name in _several(value)]
    elif role == "cache-to":
        build.cache_to.append(value if "type=" in value else f"type=registry,ref={value}")
    elif role == "output":
        _output(build, value)
    elif role == "shm-size":
        _shared_memory(build, value)
    elif role == "build-context":
        _build_context(build, value)


def _several(value: str) -> list[str]:
    return [value] if "type=" in value else value.split(",")


def _shared_memory(build: Build, value: str) -> None:
    """Give the size of /dev/shm; buildctl takes a number of bytes alone."""
    if build.target == "buildx":
        build.options.append(option("--shm-size", value))
        return
    match = re.fullmatch(r"(\d+)([bkmg]?)b?", value.lower())
    if match is None:
        build.note("--shm-size: buildctl wants the number of bytes.")
    size = str(int(match[1]) << 10 * "bkmg".index(match[2] or "b")) if match else value
    build.options.append(option("--opt", f"shm-size={size}"))


def _argument(build: Build, value: str) -> None:
    name, sign, setting = value.partition("=")
    if is_variable(value):
        raise CannotEdit(f"what --build-arg {value} sets is hidden in the variable: write NAME=VALUE")
    if name == "BUILDKIT_INLINE_CACHE" and setting in ("1", "true"):
        build.cache_to.append("type=inline")
        return
    full = value if sign else f"{name}=${name}"
    rootless = build.target == "rootless"
    build.options.append(option("--opt", f"build-arg:{full}") if rootless else option("--build-arg", value))


def _output(build: Build, value: str) -> None:
    if "type=" not in value:
        value = f"type=local,dest={value}"
    if re.search(r"type=(?:registry|image)\b", value):
        build.push = build.push or "registry" in value or "push=true" in value
        extra = [part for part in value.split(",") if not re.match(r"type=|push=|name=", part)]
        build.attributes += extra
    else:
        build.outputs.append(value)


def _build_context(build: Build, value: str) -> None:
    name, _, place = value.partition("=")
    if build.target == "buildx":
        build.options.append(option("--build-context", value))
    elif "://" in place:
        build.options.append(option("--opt", f"context:{name}={place}"))
    else:
        build.options += [option("--local", f"{name}={place}"), option("--opt", f"context:{name}=local:{name}")]


def settle(build: Build, pushed: Sequence[str]) -> None:
    """Say what of a build's names is pushed, now that the commands behind it are known."""
    if pushed:
        build.names = list(dict.fromkeys([*(build.names if build.push else []), *pushed]))
        build.push = True
    if build.target == "rootless" and not build.push and not build.outputs:
        build.note("Nothing is pushed: the command only builds, and keeps nothing but what a cache option keeps.")
    cached = [name for name in build.cache_from if name.removeprefix("type=registry,ref=") in build.names]
    if cached and build.push and not build.cache_to:
        build.cache_to.append("type=inline")
    elif build.cache_from and not build.cache_to:
        build.note("--cache-from: BuildKit finds a cache only where one was exported: add a cache option that does.")


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials for a registry; every text stands between double quotes."""

    server: str
    user: str
    password: str


def docker_login(words: Sequence[str], feeding: Sequence[str]) -> Login:
    """Return what `docker login` logs in with; `feeding` are the words of the command before its pipe.

    Raises:
        CannotEdit: nobody can tell.
    """
    values: dict[str, str] = {}
    servers: list[str] = []
    rest = iter([inner(word) for word in words])
    for word in rest:
        name, sign, value = word.partition("=")
        if name in ("-u", "--username", "-p", "--password"):
            values[name.lstrip("-")[0]] = value if sign else next(rest, "")
        elif name == "--password-stdin":
            values["p"] = _fed(feeding)
        elif not word.startswith("-"):
            servers.append(word)
    if "u" not in values or "p" not in values:
        raise CannotEdit("docker login takes its user or password from elsewhere: write them into config.json")
    server = servers[0].partition("://")[2].rstrip("/") or servers[0] if servers else _HUB
    return Login(
        server=_HUB if server in ("docker.io", "index.docker.io") else server, user=values["u"], password=values["p"]
    )


def _fed(feeding: Sequence[str]) -> str:
    """Return what a command writes into a pipe, as the shell may find it between double quotes."""
    if not feeding:
        raise CannotEdit("docker login reads a password from a place that cannot be told: write it into config.json")
    if feeding[0] in ("echo", "printf"):
        said = [word for word in feeding[1:] if not re.fullmatch(r"-[neE]+|([\"'])%s(?:\\n)?\1|%s", word)]
        if len(said) == 1:
            return inner(said[0])
    return f"$({' '.join(feeding)})"
