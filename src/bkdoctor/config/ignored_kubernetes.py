"""What `[runners.kubernetes]` says in vain: in go its tables, out come sayings."""

from collections.abc import Iterator, Mapping
from typing import Any

from bkdoctor.config.positions import Path
from bkdoctor.config.reading import Saying, list_of, table_of, under

_PROFILE_TYPES = ("RuntimeDefault", "Localhost", "Unconfined")
_CONTEXTS = (
    "build_container_security_context", "helper_container_security_context", "service_container_security_context",
    "init_permissions_container_security_context",
)  # fmt: skip
_OLD_ANNOTATIONS = ("seccomp.security.alpha.kubernetes.io/", "container.seccomp.security.alpha.kubernetes.io/")


def ignored_in_kubernetes(kubernetes: Mapping[str, Any]) -> Iterator[Saying]:
    """Yield what the section says in vain, with paths from there on."""
    yield from _capabilities(kubernetes, "cap_add", "cap_drop", ())
    for name in _CONTEXTS:
        capabilities = table_of(table_of(kubernetes, name), "capabilities")
        yield from _capabilities(capabilities, "add", "drop", (name, "capabilities"))
        yield from under(name, under("capabilities", _replaced(kubernetes, capabilities)))
    for name in ("pod_security_context", *_CONTEXTS):
        yield from under(name, _context(table_of(kubernetes, name)))
    for name in table_of(kubernetes, "pod_annotations"):
        if name.startswith(_OLD_ANNOTATIONS):
            text = "Kubernetes does not read this annotation since 1.27. Use `seccomp_profile` in a security context "
            yield Saying(("pod_annotations", name), f"{text}(runner 18.11).")


def _capabilities(table: Mapping[str, Any], add: str, drop: str, path: Path) -> Iterator[Saying]:
    added, dropped = list_of(table, add), list_of(table, drop)
    for name in sorted(set(added) & set(dropped)):
        yield Saying((*path, add), f"`{name}` is dropped as well, and the drop wins. Take it out of `{drop}`.")
    for key, names in ((add, added), (drop, dropped)):
        for name in names:
            if name.upper().startswith("CAP_"):
                yield Saying((*path, key), f'Kubernetes names capabilities without CAP_: write "{name[4:]}".')


def _replaced(kubernetes: Mapping[str, Any], capabilities: Mapping[str, Any]) -> Iterator[Saying]:
    """Yield what `cap_add` and `cap_drop` lose for one container: its own list stands instead of them."""
    for key, other in (("add", "cap_add"), ("drop", "cap_drop")):
        lost = sorted({*list_of(kubernetes, other)} - {*list_of(capabilities, key)})
        if list_of(capabilities, key) and lost:
            text = f"this list replaces `{other}` for that container: {', '.join(lost)} is lost. Repeat it here."
            yield Saying((key,), text)


def _context(context: Mapping[str, Any]) -> Iterator[Saying]:
    for kind in ("seccomp_profile", "app_armor_profile"):
        yield from under(kind, _profile(table_of(context, kind)))
    mount = context.get("proc_mount")
    if isinstance(mount, str) and mount.strip().lower() not in ("", "default", "unmasked"):
        yield Saying(("proc_mount",), f'"{mount}" is only logged, then ignored: write "default" or "unmasked".')


def _profile(profile: Mapping[str, Any]) -> Iterator[Saying]:
    if not profile:
        return
    type_, path = profile.get("type", ""), profile.get("localhost_profile")
    if type_ not in _PROFILE_TYPES:
        text = f'"{type_}" is no type of a profile: the runner only logs that and sets none. Write one of '
        yield Saying(("type",), f"{text}{', '.join(_PROFILE_TYPES)}.")
    elif type_ == "Localhost" and not path:
        yield Saying(("type",), "Localhost needs `localhost_profile`; without it no profile is set. Add it.")
    elif type_ != "Localhost" and path:
        yield Saying(("localhost_profile",), f'this is ignored for type "{type_}": write type = "Localhost".')
