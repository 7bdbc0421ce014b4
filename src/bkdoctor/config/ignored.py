"""What a valid config.toml says in vain: settings that the runner ignores or that undo each other.

In go the tables of one `[[runners]]` entry, out come sayings: where, and what is wrong with the next step.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bkdoctor.config.ignored_kubernetes import ignored_in_kubernetes
from bkdoctor.config.keys import Version
from bkdoctor.config.positions import Path
from bkdoctor.config.reading import Saying, list_of, table_of, under

_PULL_POLICIES = ("always", "if-not-present", "never")
_EXECUTORS = {
    "docker": ("docker", "docker+machine", "docker-windows", "docker-autoscaler", "docker-ssh", "docker-ssh+machine"),
    "kubernetes": ("kubernetes",),
    "machine": ("docker+machine", "docker-ssh+machine"),
    "parallels": ("parallels",),
    "virtualbox": ("virtualbox",),
    "custom": ("custom",),
    "autoscaler": ("docker-autoscaler", "instance"),
}
"""Sections of `[[runners]]` and the executors that read them."""
_POD_SPEC_FLAG = "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION"


def ignored_in_runner(runner: Mapping[str, Any], version: Version | None) -> Iterator[Saying]:
    """Yield what one `[[runners]]` entry says in vain, with paths from that entry on."""
    docker, kubernetes = table_of(runner, "docker"), table_of(runner, "kubernetes")
    yield from _other_executor(runner)
    yield from _certificates(runner, docker)
    yield from under("docker", _pull_policies(docker, default="always"))
    yield from under("docker", _privileged(docker))
    yield from under("docker", _security_opts(docker, version))
    yield from under("kubernetes", _pull_policies(kubernetes, default=None))
    yield from under("kubernetes", ignored_in_kubernetes(kubernetes))
    if isinstance(kubernetes.get("pod_spec"), list) and not _flag_is_set(runner):
        text = f"`pod_spec` is ignored while the feature flag {_POD_SPEC_FLAG} is off. Add "
        text += f'environment = ["{_POD_SPEC_FLAG}=true"] to this [[runners]] entry.'
        yield Saying(("kubernetes", "pod_spec"), text)


def _other_executor(runner: Mapping[str, Any]) -> Iterator[Saying]:
    executor = runner.get("executor")
    for section, readers in _EXECUTORS.items():
        if isinstance(executor, str) and table_of(runner, section) and executor not in readers:
            text = f"[runners.{section}] is not read: this entry's executor is {executor}. Move the settings to the "
            yield Saying((section,), f"{text}section of that executor, or remove them.")


def _certificates(runner: Mapping[str, Any], docker: Mapping[str, Any]) -> Iterator[Saying]:
    if "tls-ca-file" in runner:
        text = "`tls-ca-file` verifies GitLab itself, for the runner, git and artifacts. Image pulls, registries, dind "
        yield Saying(("tls-ca-file",), f"{text}and BuildKit do not use it: give those the certificate too.", note=True)
    for key in ("tls_cert_path", "tls_verify"):
        if docker.get(key):
            text = f"`{key}` is how the runner itself reaches the Docker daemon; jobs never see it. For dind with TLS "
            yield Saying(("docker", key), f'{text}mount "/certs/client" in `volumes`.', note=True)


def _pull_policies(section: Mapping[str, Any], default: str | None) -> Iterator[Saying]:
    policies, allowed = list_of(section, "pull_policy"), list_of(section, "allowed_pull_policies")
    for key, values in (("pull_policy", policies), ("allowed_pull_policies", allowed)):
        for value in values:
            if value not in _PULL_POLICIES:
                yield Saying(
                    (key,), f'"{value}" is no pull policy: every job fails. Write {", ".join(_PULL_POLICIES)}.'
                )
    used = policies or ([default] if default else [])
    if allowed and used and not set(used) & set(allowed):
        what = " and ".join(used) if policies else f"the default, {default}"
        text = f"the runner's own `pull_policy` ({what}) is not allowed here: jobs that set none fail. "
        yield Saying(("allowed_pull_policies",), f'{text}Set pull_policy = "{allowed[0]}", or allow "{used[0]}".')
        return
    for value in policies:
        if allowed and value not in allowed and value in _PULL_POLICIES:
            yield Saying(("pull_policy",), f'"{value}" is dropped: `allowed_pull_policies` lacks it. Add it there.')


def _privileged(docker: Mapping[str, Any]) -> Iterator[Saying]:
    services = docker.get("services_privileged", docker.get("privileged"))
    pairs = (
        ("allowed_privileged_images", docker.get("privileged"), "privileged", _images(docker)),
        ("allowed_privileged_services", services, "services_privileged", _service_names(docker)),
    )
    for key, on, switch, names in pairs:
        globs = list_of(docker, key)
        if globs and on is not True:
            yield Saying((key,), f"`{key}` makes nothing privileged without `{switch} = true`: add that.")
        elif globs:
            for path, name in names:
                if not any(_matches(glob, name) for glob in globs):
                    yield Saying(
                        path, f"`{name}` does not run privileged: nothing in `{key}` matches it. Add it there."
                    )
            text = f"what matches nothing here runs without privileges, in spite of `{switch} = true`."
            yield Saying((key,), text, note=True)


def _images(docker: Mapping[str, Any]) -> list[tuple[Path, str]]:
    image = docker.get("image")
    return [(("image",), image)] if isinstance(image, str) and image else []


def _service_names(docker: Mapping[str, Any]) -> list[tuple[Path, str]]:
    services = docker.get("services")
    tables = [s if isinstance(s, dict) else {} for s in services] if isinstance(services, list) else []
    named = ((("services", n, "name"), table.get("name")) for n, table in enumerate(tables))
    return [(path, name) for path, name in named if isinstance(name, str)]


def _matches(glob: str, name: str) -> bool:
    """Match as the runner does: `*` stops at a slash, `**` does not, `{a,b}` is one of them."""
    words = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|"}
    pattern = "".join(words.get(part, re.escape(part)) for part in re.findall(r"\*\*|.", glob))
    try:
        return re.fullmatch(pattern, name) is not None
    except re.error:
        return True


def _security_opts(docker: Mapping[str, Any], version: Version | None) -> Iterator[Saying]:
    for key in ("security_opt", "services_security_opt"):
        for option in list_of(docker, key):
            if text := _security_opt(option, version):
                yield Saying((key,), text)


def _security_opt(option: str, version: Version | None) -> str | None:
    name, _, value = option.replace(":", "=", 1 if ":" in option.partition("=")[0] else 0).partition("=")
    if name == "systempaths":
        return (
            "`systempaths` is an option of the docker command that the runner does not have: remove it, and "
            "keep `--oci-worker-no-process-sandbox` for rootless BuildKit."
        )
    if name != "seccomp" or value in ("", "unconfined", "builtin") or value.startswith("{"):
        return None
    if option.startswith("seccomp:"):
        return f'the runner reads a profile only behind `=`: write "seccomp={value}".'
    if version and version < (19, 0):
        have = ".".join(map(str, version))
        return (
            f"a profile is read from a file since runner 19.0; {have} passes the path on, and Docker takes it for the "
            "profile itself. Update, or write the profile's JSON."
        )
    return None


def _flag_is_set(runner: Mapping[str, Any]) -> bool:
    flags = {name: str(on).lower() for name, on in table_of(runner, "feature_flags").items()}
    flags |= {k: v.lower() for k, _, v in (item.partition("=") for item in list_of(runner, "environment"))}
    return flags.get(_POD_SPEC_FLAG) in ("true", "1")
