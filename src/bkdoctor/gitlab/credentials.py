"""The environment and python-gitlab's configuration files -> the token and the TLS setting for one GitLab.

A value from a configuration file belongs to the host of its section and goes nowhere else; where a token from
the environment may go is decided in `target`. A token never stands in a `repr` or in an error.
"""

import configparser
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from bkdoctor.errors import GitLabError, UsageError
from bkdoctor.gitlab.address import Base, parse_base

SYSTEM_CONFIG = "/etc/python-gitlab.cfg"

_VARIABLES: tuple[tuple[str, Literal["private", "oauth"]], ...] = (
    ("GITLAB_TOKEN", "private"),
    ("GITLAB_ACCESS_TOKEN", "private"),
    # a bearer header takes OAuth tokens and personal ones; PRIVATE-TOKEN refuses OAuth ones
    ("OAUTH_TOKEN", "oauth"),
)


class Token(msgspec.Struct, frozen=True):
    """A secret, and how it is sent: `private` as PRIVATE-TOKEN, `oauth` as Authorization: Bearer."""

    value: str
    kind: Literal["private", "oauth"]
    origin: str
    """Where it was found, for messages: `GITLAB_TOKEN`, `section [work] of /home/me/.python-gitlab.cfg`."""

    def __repr__(self) -> str:
        return f"Token(<hidden>, {self.kind!r}, {self.origin!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("value", "<hidden>"), ("kind", self.kind), ("origin", self.origin)]


class Section(msgspec.Struct, frozen=True):
    """A section of python-gitlab's configuration: one GitLab."""

    name: str
    base: Base
    files: tuple[str, ...]

    @property
    def origin(self) -> str:
        """How messages call it."""
        return f"section [{self.name}] of {self.files[-1]}"


def environment_token(env: Mapping[str, str]) -> Token | None:
    """The environment's first token, in glab's order; CI_JOB_TOKEN is none, it cannot read a log."""
    for name, kind in _VARIABLES:
        if value := env.get(name, "").strip():
            return Token(_checked(value, name), kind, name)
    return None


def config_sections(env: Mapping[str, str]) -> tuple[Section, ...]:
    """The GitLabs that python-gitlab's configuration knows, its default first; nothing is run or sent."""
    files = _config_files(env)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        read = tuple(parser.read(files, encoding="utf-8"))
    except (configparser.Error, UnicodeDecodeError):
        # the parser's own text quotes the line, which may hold a token
        raise GitLabError(f"{files[-1]} is not an INI file as python-gitlab writes it: mend it or move it") from None
    default = parser.get("global", "default", fallback="")
    names = sorted((name for name in parser.sections() if name != "global"), key=lambda name: name != default)
    sections = []
    for name in names:
        if url := parser.get(name, "url", fallback=""):
            try:
                sections.append(Section(name, parse_base(url, "url"), read))
            except UsageError:
                continue  # another host's section is none of this job's business
    return tuple(sections)


def read_section(section: Section, *, token: bool) -> tuple[Token | None, bool | str]:
    """Token and `ssl_verify` of a section; a `helper:` program is run only if the token is asked for."""
    parser = configparser.ConfigParser()
    try:
        parser.read(section.files, encoding="utf-8")
        verify = _verify(parser, section.name)
        return (_section_token(section) if token else None), verify
    except (configparser.Error, ValueError):
        message = f"{section.origin} cannot be read: mend it (a % in a value is written %%)"
        raise GitLabError(message) from None


def _verify(parser: configparser.ConfigParser, name: str) -> bool | str:
    for section in (name, "global"):
        if parser.has_option(section, "ssl_verify"):
            try:
                return parser.getboolean(section, "ssl_verify")
            except ValueError:
                return parser.get(section, "ssl_verify")
    return True


def _section_token(section: Section) -> Token | None:
    import gitlab.config

    try:
        values = gitlab.config.GitlabConfigParser(section.name, list(section.files))
    except gitlab.config.GitlabConfigHelperError:
        raise GitLabError(f"the helper program in {section.origin} failed: run it by hand to see why") from None
    except (gitlab.config.ConfigError, OSError):
        raise GitLabError(f"{section.origin} cannot be used: mend it, or set GITLAB_TOKEN instead") from None
    if values.private_token:
        return Token(_checked(values.private_token, section.origin), "private", section.origin)
    if values.oauth_token:
        return Token(_checked(values.oauth_token, section.origin), "oauth", section.origin)
    return None


def _config_files(env: Mapping[str, str]) -> list[str]:
    if named := env.get("PYTHON_GITLAB_CFG"):
        if not Path(named).is_file():
            raise GitLabError("PYTHON_GITLAB_CFG names a file that does not exist: correct it or unset it")
        return [named]
    home = env.get("HOME") or str(Path.home())
    return [name for name in (SYSTEM_CONFIG, f"{home}/.python-gitlab.cfg") if Path(name).is_file()]


def _checked(value: str, origin: str) -> str:
    # requests would quote a value that cannot be a header in its own error
    if not value.isascii() or not value.isprintable() or " " in value:
        raise GitLabError(f"{origin} holds blanks or characters that no token has: copy the token again")
    return value
