"""From a line of a job's script to what it does there: which of two lines go first, and which say the same."""

import re

from bkdoctor.fixes.shell_words import Word, commands, runs

FAMILIES: dict[str, tuple[str, ...]] = {
    "rootless": ("buildctl-daemonless.sh build",),
    "native": ("buildctl build",),
    "buildx": ("docker buildx build", "docker-buildx build"),
    "bake": ("docker buildx bake", "docker-buildx bake"),
    "compose": ("docker compose build", "docker-compose build", "docker compose up"),
    "docker": ("docker build", "docker image build"),
    "kaniko": ("/kaniko/executor", "executor"),
    "buildah": ("buildah build", "buildah bud", "podman build"),
}
"""The commands that build, by method."""
_PUSHES = (
    "docker push", "docker image push", "docker pull", "docker compose push", "docker buildx imagetools",
    "docker manifest", "buildah push", "podman push", "skopeo copy", "crane push",
)  # fmt: skip
_LOGINS = frozenset({"docker", "buildah", "podman", "skopeo", "crane", "nerdctl", "regctl"})
_VALUED = frozenset({"-u", "--username", "-p", "--password", "--authfile", "--config"})
_ASKS = re.compile(r"\s--(?:help|print|check|version)(?:\s|$)")
_CONFIG = re.compile(r">\s*([\"']?)([^\s\"'|;&<>]*config\.json)\1")
_SERVER = re.compile(
    r"(?:https?://)?\$?\{?[A-Za-z_][\w.-]{0,253}(?:\.[a-z]{2,}|REGISTRY|SERVER|HOST)\w*\}?(?::\d+)?(?![\w(])"
)
WAIT, LOGIN, HELPER, CONTEXT, CREATE, BOOTSTRAP, BEFORE_BUILD, BUILD, BEHIND = 10, 20, 28, 30, 31, 32, 45, 50, 60
_RANKS = {"wait": WAIT, "login": LOGIN, "write": LOGIN, "context": CONTEXT, "create": CREATE, "bootstrap": BOOTSTRAP}


def normal(text: str) -> list[str]:
    """Return the lines of a script without what does not matter in them: indentation, blank lines, continuations."""
    joined = re.sub(r"[ \t]*\\\n[ \t]*", " ", text.strip())
    return [line for raw in joined.split("\n") if (line := " ".join(raw.split()))]


def holds(text: str, wanted: str) -> bool:
    """Say whether a script has all lines of another, one after the other."""
    lines, parts = normal(text), normal(wanted)
    return any(lines[n : n + len(parts)] == parts for n in range(len(lines) - len(parts) + 1))


def family_of(text: str) -> str | None:
    """Return the method with which a script builds, None if it does not, or only asks the builder something."""
    if _ASKS.search(text) and "\n" not in text.strip():
        return None
    return next((name for name, words in FAMILIES.items() if runs(text, words)), None)


def slots(text: str) -> dict[str, str]:
    """Return what a script does that need not be done twice: each by its kind, with what tells it from others."""
    found: dict[str, str] = {}
    if match := _CONFIG.search(text):
        found["write"] = _home(match[2])
    waited = re.search(r"docker (?:info|version|ps)|buildctl debug|\bnc -z", text)
    if waited and re.search(r"\bsleep\b", text):
        found["wait"] = waited[0].split()[0]
    for words in commands(text):
        kind, which = _slot([w.text for w in words])
        if kind:
            found[kind] = which
    return found


def _slot(words: list[str]) -> tuple[str, str]:
    line = " ".join(words)
    for n, word in enumerate(words[:-1]):
        if word in _LOGINS and words[n + 1] == "login":
            return "login", f"{word} {_login_server(words[n + 2 :])}"
    if words[0] == "mkdir":
        return "mkdir", _home(words[-1])
    if "docker context create" in line:
        return "context", words[-1] if not words[-1].startswith("-") else ""
    if "docker buildx create" in line:
        return "create", ""
    if "docker buildx inspect" in line and "--bootstrap" in line:
        return "bootstrap", ""
    return "", ""


def _login_server(words: list[str]) -> str:
    server, skip = "", False
    for word in words:
        if not skip and not word.startswith("-"):
            server = word
        skip = word in _VALUED
    return re.sub(r"[\"'{}]", "", server)


def _home(path: str) -> str:
    return re.sub(r"^~(?=/)", "$HOME", re.sub(r"[\"'{}]", "", path))


def rank(text: str) -> int | None:
    """Return a number for the place that a line has in a script: wait, log in, create a builder, build. None: any."""
    if family_of(text) or runs(text, _PUSHES):
        return BUILD
    found = [_RANKS[kind] for kind in slots(text) if kind in _RANKS]
    if not found and runs(text, ("docker run",)):
        return HELPER if "binfmt" in text else BUILD
    return max(found, default=None)


def only(text: str, kind: str) -> bool:
    """Say whether a script does nothing but this, with the folder and the variables that it needs for it."""
    allowed, times = {kind, "mkdir"}, 0
    for words in commands(text):
        here = {_slot([w.text for w in words])[0]} - {""}
        times += kind in here
        if not (here & allowed or _prepares(words) or words[0].text in _WRITERS):
            return False
    return times <= 1


_WRITERS = frozenset({"printf", "echo", "cat", "base64", "tr", "}", "auth", "jq", "tee", "aws", "gcloud"})


def _prepares(words: tuple[Word, ...]) -> bool:
    return all(re.match(r"[A-Za-z_]\w*=|export$|\w+$|[{}]", w.text) for w in words) and words[0].text != "docker"


def servers(text: str) -> set[str]:
    """Return the registries that a line which writes a config.json names, as they are spelled."""
    found = {re.sub(r"[{}]", "", m[0]) for m in _SERVER.finditer(text)}
    return {s for s in found if not re.search(r"USER|PASSWORD|TOKEN|config\.json|^HOME|\$HOME", s)}
