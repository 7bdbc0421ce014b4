"""Text that names a GitLab, a project or a page of it -> Base, Place, PageUrl; nothing is asked of any host here.

Nothing that a user wrote is repeated in an error: an address may carry a password, and a token is easily
pasted into the wrong place.
"""

import ipaddress
import re
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

import msgspec

from bkdoctor.errors import UsageError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_PROJECT = re.compile(r"[\w.+-]+(/[\w.+-]+)+")
_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/@\s]{2,}):(?P<path>[^\s]+)")
_OTHER_FORGES = frozenset(
    {"github.com", "ssh.github.com", "bitbucket.org", "altssh.bitbucket.org", "codeberg.org", "git.sr.ht"}
    | {"dev.azure.com", "ssh.dev.azure.com"}
)


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """Where a GitLab stands: `https://gitlab.example.com`, or `https://example.com/gitlab` below a root."""

    scheme: str
    host: str
    port: int | None = None
    """None: the scheme's own."""
    root: str = ""
    """Empty, or a path such as `/gitlab`."""
    any_port: bool = False
    """An ssh remote names a host, not the port of its web service."""

    @property
    def netloc(self) -> str:
        """Host and port, as they stand in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address, without a slash at its end."""
        return f"{self.scheme}://{self.netloc}{self.root}"

    def same_host(self, other: "Base") -> bool:
        """Whether both are one host and port; http and https on their own ports count as one."""
        return self.host == other.host and (self.port == other.port or self.any_port or other.any_port)

    def may_share_token_with(self, other: "Base") -> bool:
        """Whether a token for this address may go to the other: one host, and not from TLS to plain text."""
        return self.same_host(other) and (other.scheme == "https" or self.scheme == "http")


GITLAB_COM = Base(scheme="https", host="gitlab.com")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A project's address: what a git remote or a URL says."""

    base: Base
    path: str
    """What follows the base: the project, with the root before it as long as the base has none."""

    def below(self, base: Base) -> Self:
        """The same place seen from a known base on its host: its root off the path, its TLS preferred."""
        plain = self.base.scheme == "http" and self.base.port is None
        scheme = base.scheme if plain else self.base.scheme
        if self.base.root or not f"/{self.path}".startswith(f"{base.root}/"):
            return msgspec.structs.replace(self, base=_with(self.base, scheme, self.base.root))
        return msgspec.structs.replace(self, base=_with(self.base, scheme, base.root), path=self.path[len(base.root) :])


class PageUrl(Place, frozen=True, kw_only=True):
    """The address of a job, a pipeline or a merge request."""

    number: int


class Kind(NamedTuple):
    """What a page is of."""

    name: str
    argument: str
    """What the command line calls it."""
    sign: str
    """What may stand before its number."""
    parts: str
    """Regular expression for what stands before its number in an address."""
    page: str
    """The same, as GitLab writes it now."""


JOB = Kind("job", "JOB", "#", "jobs|builds", "jobs")
PIPELINE = Kind("pipeline", "PIPELINE", "#", "pipelines", "pipelines")
MERGE_REQUEST = Kind("merge request", "MR", "!", "merge_requests", "merge_requests")
KINDS = (JOB, PIPELINE, MERGE_REQUEST)
PLACE = Kind("group or project", "GROUP|PROJECT", "", "", "")


def parse_base(text: str, what: str) -> Base:
    """Read `gitlab.example.com` or a URL; `what` says in the error who named it."""
    base = _origin(text)
    if base is None:
        raise UsageError(f"{what} is not the address of a GitLab: write it as https://gitlab.example.com")
    return base


def parse_job(argument: str) -> int | PageUrl:
    """Read the argument of `bkdoctor job`: a number or a job's address."""
    return parse_page(argument, JOB)


def parse_page(argument: str, kind: Kind) -> int | PageUrl:
    """Read a number or the address of a page of this kind. Raises UsageError."""
    text = argument.strip().removeprefix(kind.sign)
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    base = _origin(text)
    if base is None or "/" not in text:
        raise UsageError(
            f"{kind.argument} is neither a number nor a {kind.name}'s URL: "
            f"copy the URL from the {kind.name}'s page in GitLab"
        )
    path = urlsplit(_with_scheme(text)).path
    if page := _page(base, path, kind):
        return page
    other = next((o for o in KINDS if o is not kind and _page(base, path, o)), None)
    if other:
        command = {JOB: "job", PIPELINE: "pipeline", MERGE_REQUEST: "mr"}[other]
        raise UsageError(
            f"{kind.argument} is the URL of a {other.name}: write bkdoctor {command} with it, "
            f"or copy the URL of the {kind.name}'s page in GitLab"
        )
    raise UsageError(
        f"{kind.argument} is a URL, but not of a {kind.name}: "
        f"open the {kind.name} in GitLab and copy the URL of its page"
    )


def _page(base: Base, path: str, kind: Kind) -> PageUrl | None:
    number = r"(?P<number>[0-9]{1,18})(?=[/.]|$)"
    for form in (
        rf"(?P<root>.*)/api/v4/projects/(?P<project>[^/]+)/(?:{kind.page})/{number}",
        rf"(?P<root>)/(?P<project>.+?)/-/(?:{kind.parts})/{number}",
        # before GitLab 16 the `/-/` could be left out
        rf"(?P<root>)/(?P<project>.+)/(?:{kind.parts})/{number}",
    ):
        if found := re.match(form, path):
            project = unquote(found["project"]).strip("/")
            if project.isdecimal() or is_project(project):
                base = _with(base, base.scheme, found["root"].rstrip("/"))
                return PageUrl(base=base, path=project, number=int(found["number"]))
    return None


def parse_project(text: str) -> str | Place:
    """Read -R: a path, a number, or the project's URL (or git address), which names its host too."""
    text = text.strip().strip("/")
    if text.isascii() and text.isdecimal():
        return text
    if is_project(text):
        return text.removesuffix(".git")
    place = parse_remote(text)
    if place is None:
        raise UsageError("-R does not name a project: write -R GROUP/PROJECT, the project's number or its URL")
    return place


def parse_place(argument: str) -> str | Place:
    """Read what names a group or a project: a path, a project's number, or an address, of a page of it too.

    Raises UsageError.
    """
    text = argument.strip().strip("/")
    if re.fullmatch(r"[\w.+-]+", text) or is_project(text):
        return text.removesuffix(".git")
    base = _origin(text)
    path = unquote(urlsplit(_with_scheme(text)).path).strip("/") if base else ""
    path = re.sub(r"(?:^|/)-/.*", "", path).removeprefix("groups/").removesuffix(".git")
    if base is None or not (is_project(path) or re.fullmatch(r"[\w.+-]+", path)):
        raise UsageError(
            f"{PLACE.argument} does not name a group or a project: write GROUP, GROUP/PROJECT, "
            "a project's number, or the URL of its page"
        )
    return Place(base=_with(base, base.scheme), path=path)


def parse_remote(text: str) -> Place | None:
    """Read a git remote (https, ssh or scp-like); None for a local path and for hosts that are no GitLab."""
    text = text.strip()
    if "://" in text:
        scheme = text.partition("://")[0].lower()
        base, path = _origin(text), urlsplit(text).path if _splits(text) else ""
        if base is None and scheme in ("ssh", "git+ssh", "git"):
            base = _origin("https://" + text.partition("://")[2])
            base = base and Base(scheme="https", host=_web_host(base.host), any_port=True)
    elif found := _SCP_LIKE.fullmatch(text):
        host = _host(found["host"])
        base, path = (
            (Base(scheme="https", host=_web_host(host), any_port=True) if host else None),
            found["path"],
        )
    else:
        return None
    path = re.sub(r"/-/.*", "", unquote(path)).strip("/").removesuffix(".git")
    if base is None or base.host in _OTHER_FORGES or not is_project(path):
        return None
    return Place(base=_with(base, base.scheme), path=path)


def is_project(text: str) -> bool:
    """Whether the text can be a project's path."""
    return bool(_PROJECT.fullmatch(text)) and not {".", ".."} & set(text.split("/"))


def _web_host(host: str) -> str:
    # gitlab.com takes ssh through firewalls on a host of its own
    return "gitlab.com" if host == "altssh.gitlab.com" else host


def _with(base: Base, scheme: str, root: str = "") -> Base:
    return msgspec.structs.replace(base, scheme=scheme, root=root)


def _with_scheme(text: str) -> str:
    return text if "://" in text else f"https://{text}"


def _splits(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


def _origin(text: str) -> Base | None:
    """Scheme, host, port and path of an http(s) address, without user and query; None if it is none."""
    try:
        parts = urlsplit(_with_scheme(text.strip()))
        host, port = _host(parts.hostname or ""), parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return None
    root = parts.path.rstrip("/").removesuffix("/api/v4")
    return Base(
        scheme=parts.scheme,
        host=host,
        port=None if port == _DEFAULT_PORTS[parts.scheme] else port,
        root=root if re.fullmatch(r"(/[\w.~-]+)*", root) else "",
    )


def _host(text: str) -> str:
    """The host's name in lower case and ASCII, or empty if there cannot be such a host."""
    text = text.lower().rstrip(".")
    if ":" in text:
        try:
            return str(ipaddress.IPv6Address(text))
        except ValueError:
            return ""
    try:
        text = text.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return text if _HOST.fullmatch(text) else ""
