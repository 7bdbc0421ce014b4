"""Command line, environment and git remote -> Target: which job or other page, on which GitLab, with which token.

A token from the environment goes to the host that --gitlab, GITLAB_HOST, CI_SERVER_URL or the git remote
names, the first of them that is there; if none is, to the host of the URL that the user typed; nowhere else.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

import msgspec

from bkdoctor.errors import UsageError
from bkdoctor.gitlab.address import (
    GITLAB_COM,
    JOB,
    MERGE_REQUEST,
    PLACE,
    Base,
    Kind,
    PageUrl,
    Place,
    parse_base,
    parse_page,
    parse_place,
    parse_project,
    parse_remote,
)
from bkdoctor.gitlab.credentials import Section, Token, config_sections, environment_token, read_section


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where something stands on a GitLab, and what may be sent there."""

    base: Base
    project: str
    """A path, or a number written as text."""
    name: str
    """The thing as the user named it, without what an address may hold besides."""
    token: Token | None = None
    advice: str = ""
    """Why no token is sent and what to do, for the errors that a missing token explains."""
    verify: bool | str = True
    """Whether TLS certificates are checked, or the file that holds those to trust."""
    notes: tuple[str, ...] = ()


class Target(Spot, frozen=True, kw_only=True):
    """A job."""

    job_id: int

    @property
    def url(self) -> str | None:
        """The job's page, if the project's path is known."""
        if self.project.isdecimal():
            return None
        return f"{self.base.url}/{self.project}/-/jobs/{self.job_id}"


def resolve_job(
    argument: str,
    *,
    project: str | None = None,
    gitlab: str | None = None,
    env: Mapping[str, str],
    remote: Callable[[], str | None],
) -> Target:
    """Find out which job is meant; the order of what counts is in docs/gitlab.md."""
    spot, number = resolve(JOB, argument, project=project, gitlab=gitlab, env=env, remote=remote)
    return Target(job_id=number, **{name: getattr(spot, name) for name in spot.__struct_fields__})


def resolve(
    kind: Kind,
    argument: str,
    *,
    project: str | None = None,
    gitlab: str | None = None,
    env: Mapping[str, str],
    remote: Callable[[], str | None],
) -> tuple[Spot, int]:
    """Find out which page of this kind is meant: where it is, and its number. Raises UsageError."""
    clues = _Clues(kind, parse_page(argument, kind), project, gitlab, env, remote)
    base, page = clues.base(), clues.page
    name = str(page) if isinstance(page, int) else f"{page.base.url}/{page.path}/-/{kind.page}/{page.number}"
    return _spot(clues, base, clues.project(base), name), page if isinstance(page, int) else page.number


def resolve_place(
    argument: str, *, gitlab: str | None = None, env: Mapping[str, str], remote: Callable[[], str | None]
) -> Spot:
    """Find out where a project or a group is, given by path, number or address. Raises UsageError."""
    named = parse_place(argument)
    page = PageUrl(base=named.base, path=named.path, number=0) if isinstance(named, Place) else 0
    clues = _Clues(PLACE, page, None, gitlab, env, remote)
    base = clues.base()
    path = named if isinstance(named, str) else clues.project(base)
    return _spot(clues, base, path, path)


def _spot(clues: "_Clues", base: Base, project: str, name: str) -> Spot:
    token, verify, advice = _credentials(clues, base)
    notes = [note for note in (clues.note(base), advice if environment_token(clues.env) else "") if note]
    if token and base.scheme == "http" and base.host not in ("localhost", "127.0.0.1", "::1"):
        notes.append(f"{base.netloc} was asked without TLS: the token went over the network in plain text")
    if verify is False:
        notes.append(f"the certificate of {base.netloc} was not checked: ssl_verify is off in the configuration")
    return Spot(base=base, project=project, name=name, token=token, advice=advice, verify=verify, notes=tuple(notes))


_Place = TypeVar("_Place", bound=Place)


class _Clues:
    """Everything that may name a host or a project; git is asked only if nothing before it answers."""

    def __init__(
        self,
        kind: Kind,
        page: int | PageUrl,
        project: str | None,
        gitlab: str | None,
        env: Mapping[str, str],
        remote: Callable[[], str | None],
    ) -> None:
        self.env = env
        self._kind = kind
        self.flag = parse_base(gitlab, "--gitlab") if gitlab else None
        self._ask_remote = remote
        self.sections = config_sections(env)
        wanted = parse_project(project) if project else None
        self.wanted: str | Place | None = None
        self.wanted = self._rooted(wanted) if isinstance(wanted, Place) else wanted
        self.page = self._rooted(page) if isinstance(page, PageUrl) else page

    @cached_property
    def remote(self) -> Place | None:
        return parse_remote(self._ask_remote() or "")

    @cached_property
    def named(self) -> tuple[str, Base] | None:
        """Who names the host that a token from the environment is for, and the host."""
        if self.flag:
            return "--gitlab", self.flag
        for variable in ("GITLAB_HOST", "CI_SERVER_URL"):
            if value := self.env.get(variable, "").strip():
                return variable, parse_base(value, variable)
        return ("the git remote", self.remote.base) if self.remote else None

    @property
    def typed(self) -> Base | None:
        """The host of a URL that the user typed."""
        urls = (place for place in (self.page, self.wanted) if isinstance(place, Place))
        return next((place.base for place in urls), None)

    def base(self) -> Base:
        """The GitLab to ask."""
        base = self.flag or self.typed or (self.named and self.named[1]) or GITLAB_COM
        return msgspec.structs.replace(base, any_port=False)

    def project(self, base: Base) -> str:
        if self.wanted:
            return self.wanted.path if isinstance(self.wanted, Place) else self.wanted
        if isinstance(self.page, PageUrl):
            return self.page.path
        server = self.env.get("CI_SERVER_URL", "").strip()
        number = self._project_of_ci()
        # a number means another project on another GitLab
        if number.isdecimal() and (not server or parse_base(server, "CI_SERVER_URL").same_host(base)):
            return number
        if self.remote:
            return self.remote.below(base).path
        name = self._kind.name
        raise UsageError(f"a {name}'s number needs its project: add -R GROUP/PROJECT, or give the {name}'s URL instead")

    def _project_of_ci(self) -> str:
        # a fork's job runs in the fork, and its merge request is the other project's
        names = ["CI_MERGE_REQUEST_PROJECT_ID"] if self._kind is MERGE_REQUEST else []
        values = (self.env.get(name, "").strip() for name in (*names, "CI_PROJECT_ID"))
        return next((value for value in values if value), "")

    def withheld(self, base: Base) -> bool:
        """Whether a token of the environment is not for that host."""
        if self.named:
            return not self.named[1].may_share_token_with(base)
        return self.typed is None

    def note(self, base: Base) -> str:
        if isinstance(self.page, PageUrl) and not self.page.base.same_host(base):
            netloc = self.page.base.netloc
            return f"the {self._kind.name}'s URL is on {netloc}, but --gitlab names {base.netloc}, which was asked"
        if self.typed is None and self.named is None:
            return f"nothing names a GitLab, so {base.netloc} was asked: --gitlab URL names another"
        return ""

    def _rooted(self, place: _Place) -> _Place:
        """The place with its base split from the project, as far as anything tells where one ends."""
        known = [self.named[1]] if self.named else []
        known += [section.base for section in self.sections]
        near = [base for base in known if base.same_host(place.base)]
        for base in sorted(near, key=lambda base: -len(base.root)):
            if f"/{place.path}".startswith(f"{base.root}/"):
                return place.below(base)
        if isinstance(self.wanted, str) and place.path.endswith(f"/{self.wanted}"):
            root = "/" + place.path.removesuffix(f"/{self.wanted}")
            return place.below(msgspec.structs.replace(place.base, root=root))
        return place


def _credentials(clues: _Clues, base: Base) -> tuple[Token | None, bool | str, str]:
    """Token, TLS setting, and why there is no token."""
    section = _section_for(base, clues.sections)
    token, reason = environment_token(clues.env), ""
    if token and clues.withheld(base):
        reason = _why_withheld(token, clues, base)
        token = None
    verify: bool | str = True
    if section:
        from_file, verify = read_section(section, token=token is None)
        token = token or from_file
    if token is None and not reason:
        reason = "no token was sent; set GITLAB_TOKEN to a token with the scope read_api"
        if clues.env.get("CI_JOB_TOKEN"):
            reason = (
                "CI_JOB_TOKEN cannot read a job's log and was not sent; set GITLAB_TOKEN "
                "to a token with the scope read_api, as a masked CI/CD variable"
            )
    return token, verify, "" if token else reason


def _section_for(base: Base, sections: tuple[Section, ...]) -> Section | None:
    near = [section for section in sections if section.base.may_share_token_with(base)]
    return next((section for section in near if section.base.root == base.root), near[0] if near else None)


def _why_withheld(token: Token, clues: _Clues, base: Base) -> str:
    why = "nothing names that host"
    if clues.named:
        who, named = clues.named
        plain = f"{who} does not name it with http://"
        why = plain if named.same_host(base) else f"{who} names {named.netloc}"
    return f"{token.origin} was not sent to {base.netloc}, because {why}; add --gitlab {base.url} to send it"
