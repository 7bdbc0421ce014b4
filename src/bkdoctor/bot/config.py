"""A TOML file and the environment -> Config, checked; every error says which key or variable to mend."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from bkdoctor.bot.security import signing_key_fault
from bkdoctor.errors import UsageError
from bkdoctor.gitlab.address import parse_base
from bkdoctor.gitlab.allowed import Allowed
from bkdoctor.gitlab.credentials import Token
from bkdoctor.gitlab.target import Target

_ORIGIN = "the bot's configuration"
FILES = ("bkdoctor.toml", "/etc/bkdoctor.toml")
"""Read where no `--config` names another; the first that exists counts, alone."""
_SECRETS = ("token", "webhook_secret", "signing_key", "database_url")
VARIABLES = {
    "gitlab_url": "BKDOCTOR_GITLAB_URL",
    "token": "BKDOCTOR_GITLAB_TOKEN",
    "webhook_secret": "BKDOCTOR_WEBHOOK_SECRET",
    "signing_key": "BKDOCTOR_WEBHOOK_SIGNING_KEY",
    "database_url": "BKDOCTOR_DATABASE_URL",
}
"""Variables that go before the file. With `_FILE` behind its name each of the secrets may name a file that holds it."""

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How the bot runs; text that is not configured is empty."""

    gitlab_url: str = ""
    token: str = ""
    timeout_seconds: Seconds = 30.0
    """How long GitLab may be silent within an answer."""
    webhook_secret: str = ""
    """What GitLab sends as X-Gitlab-Token."""
    signing_key: str = ""
    """`whsec_...`, with which GitLab signs."""
    database_url: str = ""
    """As SQLAlchemy writes it."""
    host: str = "127.0.0.1"
    port: Port = 8080
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    projects: tuple[str, ...] = ()
    """Ids, paths or globs such as `group/*`; none: all that the token sees."""
    denied: tuple[str, ...] = ()
    """In the same form; goes before `projects`."""
    jobs: str = "build|image|docker|kaniko|buildkit"
    """Regular expression, searched in a job's name without regard to case."""
    kubernetes: Annotated[str, msgspec.Meta(pattern=r"^(v?[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,3})?)?$")] = ""
    """Version of the cluster that the runners use: no log tells it, and some fixes depend on it."""
    note_unknown: bool = False
    suggestions: bool = False
    without_mr: Literal["nothing", "status"] = "nothing"
    dry_run: bool = False
    page: bool = False
    """Whether the receiver shows the page to paste a log into."""
    page_jobs: bool = False
    """Whether that page reads jobs of GitLab with the bot's token, for whoever reaches it."""
    page_hosts: tuple[str, ...] = ()
    """Host names by which browsers reach the page, beside those of this machine itself."""
    lease_seconds: Seconds = 30.0
    """How long a worker that says nothing keeps its work."""
    stop_seconds: Seconds = 20.0
    """How long a worker may finish what it has begun when it is told to stop."""
    give_up_hours: Annotated[float, msgspec.Meta(gt=0, le=720)] = 24.0
    keep_days: Annotated[float, msgspec.Meta(ge=1, le=3650)] = 30.0
    """How long the database remembers what was done."""

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in self.__struct_fields__ if name not in _SECRETS}
        return f"Config({', '.join(f'{name}={value!r}' for name, value in shown.items())}, secrets hidden)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in _SECRETS]

    def allows(self, project_id: int, path: str) -> bool:
        """Whether the bot may work for a project; a path that is not known is empty."""
        return self.allowed.allows(project_id, path)

    @property
    def allowed(self) -> Allowed:
        """The projects that the bot may work for."""
        return Allowed(projects=self.projects, denied=self.denied)

    def gitlab(self) -> Target:
        """Return where jobs are read, without a job. Raises UsageError."""
        self.require("gitlab_url", "token")
        base = parse_base(self.gitlab_url, VARIABLES["gitlab_url"])
        return Target(base=base, project="", job_id=0, name="", token=Token(self.token, "private", _ORIGIN))

    def require(self, *fields: str) -> None:
        """Raise UsageError unless these are configured."""
        for field in fields:
            if not getattr(self, field):
                table, key = _place(field)
                raise UsageError(f"the bot needs {_WHAT[field]}: set {VARIABLES[field]}, or {key} in [{table}]")

    def require_secret(self) -> None:
        """Raise UsageError if anybody could send events."""
        if not (self.webhook_secret or self.signing_key):
            raise UsageError(
                "the bot does not start without a secret for its webhook, anybody could send events: set "
                "BKDOCTOR_WEBHOOK_SECRET or BKDOCTOR_WEBHOOK_SIGNING_KEY, or webhook_secret or signing_key in [bot]"
            )


class _GitLabTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    url: str = ""
    token: str = ""
    token_file: str = ""
    timeout_seconds: float | msgspec.UnsetType = msgspec.UNSET


class _BotTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    webhook_secret: str = ""
    webhook_secret_file: str = ""
    signing_key: str = ""
    signing_key_file: str = ""
    database_url: str = ""
    database_url_file: str = ""
    host: str | msgspec.UnsetType = msgspec.UNSET
    port: Port | msgspec.UnsetType = msgspec.UNSET
    workers: int | msgspec.UnsetType = msgspec.UNSET
    projects: tuple[str | int, ...] = ()
    denied: tuple[str | int, ...] = ()
    jobs: str | msgspec.UnsetType = msgspec.UNSET
    kubernetes: str = ""
    note_unknown: bool = False
    suggestions: bool = False
    without_mr: str | msgspec.UnsetType = msgspec.UNSET
    dry_run: bool = False
    page: bool = False
    page_jobs: bool = False
    page_hosts: tuple[str, ...] = ()
    lease_seconds: float | msgspec.UnsetType = msgspec.UNSET
    stop_seconds: float | msgspec.UnsetType = msgspec.UNSET
    give_up_hours: float | msgspec.UnsetType = msgspec.UNSET
    keep_days: float | msgspec.UnsetType = msgspec.UNSET


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    gitlab: _GitLabTable = msgspec.field(default_factory=_GitLabTable)
    bot: _BotTable = msgspec.field(default_factory=_BotTable)


_WHAT = {
    "gitlab_url": "the address of GitLab",
    "token": "a token for GitLab with the scope api",
    "webhook_secret": "the webhook's secret",
    "signing_key": "the webhook's signing token",
    "database_url": "a database",
}


def load(path: Path | None, env: Mapping[str, str]) -> Config:
    """Return the configuration from a file, or the first of FILES, and the environment. Raises UsageError."""
    named = path or next((Path(name) for name in FILES if Path(name).is_file()), None)
    file = _read(named) if named else _File()
    origin = str(named) if named else "the environment"
    values: dict[str, Any] = {**msgspec.to_builtins(file.bot)}
    values |= {name: tuple(map(str, values.get(name, ()))) for name in ("projects", "denied")}
    gitlab = msgspec.to_builtins(file.gitlab)
    values |= {"gitlab_url": gitlab.pop("url", ""), **gitlab}
    for field, variable in VARIABLES.items():
        values[field] = _value(field, variable, values, env, origin)
        values.pop(f"{field}_file", None)
    values["database_url"] = values["database_url"] or default_database(env)
    try:
        config = msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        raise UsageError(f"{origin}: {error}. docs/bot.md lists the keys and what they take.") from None
    return _checked(config)


def default_database(env: Mapping[str, str]) -> str:
    """Return the URL of the SQLite file that is used when no database is configured."""
    state = env.get("STATE_DIRECTORY", "").split(":")[0]  # systemd's
    if not state:
        base = env.get("XDG_STATE_HOME") or f"{env.get('HOME') or Path.home()}/.local/state"
        state = f"{base}/bkdoctor"
    return f"sqlite:///{state}/bot.db"


def _read(path: Path) -> _File:
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        return msgspec.convert(data, _File)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. Name a file that can be read with --config.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # the decoder names the place and never the text, which may be a secret
        where = error if isinstance(error, tomllib.TOMLDecodeError) else "not UTF-8"
        raise UsageError(f"{path}: no valid TOML ({where}). Mend the file.") from None
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {error}. docs/bot.md lists the keys and what they take.") from None


def _value(field: str, variable: str, values: Mapping[str, Any], env: Mapping[str, str], origin: str) -> str:
    """Return a setting from the first place that gives one: a variable, the file it names, the key, its file."""
    if env.get(variable, "").strip():
        return env[variable].strip()
    if field in _SECRETS and env.get(f"{variable}_FILE", "").strip():
        return _secret(env[f"{variable}_FILE"].strip(), f"{variable}_FILE")
    if values.get(field):
        return str(values[field]).strip()
    if values.get(f"{field}_file"):
        return _secret(str(values[f"{field}_file"]), f"{origin}: {_place(field)[1]}_file")
    return ""


def _secret(name: str, origin: str) -> str:
    try:
        return Path(name).read_bytes().decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{origin} names {name}, which cannot be read: {why}. Name the file of the secret.") from None


def _place(field: str) -> tuple[str, str]:
    return {"gitlab_url": ("gitlab", "url"), "token": ("gitlab", "token")}.get(field, ("bot", field))


def _checked(config: Config) -> Config:
    # nothing here repeats a value that may be a secret
    if config.gitlab_url:
        parse_base(config.gitlab_url, VARIABLES["gitlab_url"])
    if not config.token.isascii() or not config.token.isprintable() or " " in config.token:
        raise UsageError("the token for GitLab holds blanks or characters that no token has: copy it again")
    if fault := config.signing_key and signing_key_fault(config.signing_key):
        raise UsageError(f"the webhook's signing key {fault}: copy it again from GitLab, it begins with whsec_")
    try:
        re.compile(config.jobs)
    except re.error as error:
        raise UsageError(f"jobs in [bot] is no regular expression ({error}): mend it") from None
    return config
