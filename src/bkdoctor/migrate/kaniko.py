"""The words of a kaniko command -> the build that it makes."""

import re
from collections.abc import Callable, Sequence

from bkdoctor.fixes.result import CannotEdit
from bkdoctor.migrate.build import METADATA, Build, apply_row, at_top
from bkdoctor.migrate.flags import Given, Target, on, read
from bkdoctor.migrate.words import csv_field, host_of, is_variable, join, quoted, without_tag

_FROM_TOP = re.compile(r"^(?:\$CI_PROJECT_DIR|\$\{CI_PROJECT_DIR\})/")
Exists = Callable[[str], bool]
"""Whether the project has a file, by its path from the project's root."""

ENVIRONMENT = {
    "KANIKO_REGISTRY_MIRROR": "registry-mirror",
    "KANIKO_REGISTRY_MAP": "registry-map",
    "KANIKO_NO_PUSH": "no-push",
}
"""Variables that kaniko reads as if they were options."""
_DIGEST = r"""digest=$(sed -n 's/.*"containerimage\.digest": *"\([^"]*\)".*/\1/p' """ + METADATA + ")"


def kaniko_build(words: Sequence[str], target: Target, exists: Exists) -> Build:
    """Return what a kaniko command builds. Raises CannotEdit where BuildKit cannot, or nobody can tell."""
    given, others = read(words, "kaniko")
    hidden = next((word for word in others if word.startswith("$")), None)
    if hidden:
        raise CannotEdit(f"options are hidden in {hidden}: write them into the command")
    build = Build(target)
    for item in given:
        if not item.flag.role:
            apply_row(build, item)
    asked = _Asked(given)
    _context(build, asked)
    _dockerfile(build, asked, exists)
    _arguments(build, asked)
    build.names = asked.all("destination")
    build.push = not asked.on("no-push")
    _archives(build, asked)
    _cache(build, asked)
    _registries(build, asked)
    _digests(build, asked)
    for item in given:
        if item.flag.role and item.flag.note and (item.flag.value or on(item)):
            build.note(f"--{item.flag.name}: {item.flag.note}")
    return build


class _Asked:
    """The options that have a role."""

    def __init__(self, given: Sequence[Given]) -> None:
        self._values: dict[str, list[str]] = {}
        self._on: dict[str, bool] = {}
        for item in given:
            self._values.setdefault(item.flag.role, []).append(item.value)
            self._on[item.flag.role] = on(item)

    def all(self, role: str) -> list[str]:
        return self._values.get(role, [])

    def last(self, role: str) -> str:
        return self._values.get(role, [""])[-1]

    def on(self, role: str) -> bool:
        return self._on.get(role, False)


def _context(build: Build, asked: _Asked) -> None:
    context, below = asked.last("context") or ".", asked.last("context-sub-path")
    kind, sign, path = context.partition("://")
    if not sign or kind == "dir":
        build.context = join(path if sign else context, below)
    elif kind == "tar" and path != "stdin":
        build.before += ["mkdir -p build-context", f"tar -xf {quoted(path)} -C build-context"]
        build.context = join("build-context", below)
    elif kind == "git" or (kind in ("https", "http") and ".git" in path):
        build.remote, build.context = True, _git(path, asked.last("git"), below)
        build.note("--context: for a private repository add `--secret id=GIT_AUTH_TOKEN,env=GIT_TOKEN` to the command.")
    else:
        what = {"tar": "standard input", "gs": "a bucket", "s3": "a bucket"}.get(kind, f"{kind}://")
        raise CannotEdit(f"BuildKit takes no context from {what}: unpack it into a directory first, and name that")


def _git(path: str, asked: str, below: str) -> str:
    """Return a git context as BuildKit writes it: `https://host/repository.git#ref:directory`."""
    address, _, ref = path.partition("#")
    commit = ref.partition("#")[2] or ref
    branch = re.search(r"(?:^|,)branch=([^,]+)", asked)
    wanted = commit.removeprefix("refs/heads/") or (branch[1] if branch else "")
    tail = f"{wanted}:{below}" if below else wanted
    return f"https://{address}#{tail}" if tail else f"https://{address}"


def _dockerfile(build: Build, asked: _Asked, exists: Exists) -> None:
    path = asked.last("dockerfile") or "Dockerfile"
    if "://" in path:
        raise CannotEdit(f"BuildKit reads no Dockerfile from {path}: download it first, and name the file")
    if build.remote or path.startswith(("/", "$")) or at_top(build.context):
        build.dockerfile = path.removeprefix("./")
        return
    below = join(build.context, path)
    there = exists(_FROM_TOP.sub("", below))
    if not exists(path) and (there or not asked.last("dockerfile")):
        build.dockerfile = below
        return
    build.dockerfile = path.removeprefix("./")
    if not exists(path):
        text = (
            f"kaniko looks for {path} in the job's directory, then in {build.context}. The command now says the first"
        )
        build.note(f"--dockerfile: {text}: put {build.context}/ before it where it is the second.")


def _arguments(build: Build, asked: _Asked) -> None:
    for argument in asked.all("build-arg"):
        name, sign, _ = argument.partition("=")
        if is_variable(argument):
            raise CannotEdit(f"what --build-arg {argument} sets is hidden in the variable: write NAME=VALUE")
        full = argument if sign else f"{name}=${name}"
        spelled = (
            f"--opt {quoted(f'build-arg:{full}')}" if build.target == "rootless" else f"--build-arg {quoted(full)}"
        )
        build.options.append(spelled)


def _archives(build: Build, asked: _Asked) -> None:
    names = [csv_field(f"name={','.join(build.names)}")] if build.names else []
    if tar := asked.last("tar-path"):
        build.outputs.append(",".join(["type=docker", *names, csv_field(f"dest={tar}")]))
    if layout := asked.last("oci-layout-path"):
        build.outputs.append(",".join(["type=oci", *names, csv_field(f"dest={layout}"), "tar=false"]))
    if build.outputs and build.push and build.names:
        build.note("Several outputs of one build need BuildKit 0.13 or later.")


def _cache(build: Build, asked: _Asked) -> None:
    if not asked.on("cache"):
        return
    where = asked.last("cache-repo")
    if where.startswith("oci:"):
        path = where.removeprefix("oci:").removeprefix("//")
        build.cache_from = [f"type=local,src={path}"]
        build.cache_to = [f"type=local,dest={path},mode=max"]
    elif where or build.names:
        ref = f"type=registry,ref={where or without_tag(build.names[0])}:cache"
        insecure = ",registry.insecure=true" if asked.on("insecure") or asked.on("skip-tls-verify") else ""
        build.cache_from = [f"{ref}{insecure}"]
        build.cache_to = [f"{ref},mode=max{insecure}"]
        if not where and is_variable(build.names[0]):
            build.note(f"--cache: if {build.names[0]} holds a tag, name a repository of its own in `ref=`.")
    if asked.on("no-push-cache"):
        build.cache_to = []


def _registries(build: Build, asked: _Asked) -> None:
    if asked.on("insecure") or asked.on("skip-tls-verify"):
        build.attributes.append("registry.insecure=true")
    own = host_of(build.names[0]) if build.names else "docker.io"
    for role, key in (("insecure", "http"), ("skip-tls-verify", "insecure")):
        if asked.on(f"{role}-pull"):
            build.registry(own, f"{key} = true")
        for host in asked.all(f"{role}-registry"):
            build.registry(host, f"{key} = true")
    mirrors: dict[str, list[str]] = {}
    for mirror in asked.all("registry-mirror"):
        mirrors.setdefault("docker.io", []).append(mirror)
    for pair in ";".join(asked.all("registry-map")).split(";"):
        host, sign, mirror = pair.partition("=")
        if sign:
            mirrors.setdefault({"index.docker.io": "docker.io"}.get(host, host), []).append(mirror)
    for host, names in mirrors.items():
        build.registry(host, f"mirrors = [{', '.join(_toml(_address(name)) for name in names)}]")
    for pair in asked.all("registry-certificate"):
        host, _, path = pair.partition("=")
        build.certificates.append(path)
        if build.target == "buildx":
            build.registry(host, f"ca = [{_toml(path)}]")
    for pair in asked.all("registry-client-cert"):
        host, _, files = pair.partition("=")
        certificate, _, key = files.partition(",")
        build.registry(host, f"keypair = [{{ key = {_toml(key)}, cert = {_toml(certificate)} }}]")


def _address(mirror: str) -> str:
    return mirror.partition("://")[2] or mirror


def _toml(text: str) -> str:
    return f'"{text}"'


def _digests(build: Build, asked: _Asked) -> None:
    lines = []
    if path := asked.last("digest-file"):
        lines.append(f"""printf '%s' "$digest" > {quoted(path)}""")
    for role, with_tag in (("image-name-with-digest-file", False), ("image-name-tag-with-digest-file", True)):
        if path := asked.last(role):
            names = [name if with_tag else without_tag(name) for name in build.names]
            words = " ".join(f'"{name}@$digest"' for name in names)
            lines.append(f"printf '%s\\n' {words} > {quoted(path)}")
    if lines:
        build.metadata = True
        build.after = [_DIGEST, *lines]
