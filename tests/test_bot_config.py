"""Files and variables become the configuration; what cannot be is refused without repeating a secret."""

from pathlib import Path

import pytest

from bkdoctor.bot import config as module
from bkdoctor.bot.config import Config, load
from bkdoctor.errors import UsageError
from tests.test_bot_security import KEY

FULL = f"""\
[gitlab]
url = "https://gitlab.example.com/root"
token = "file-token"
timeout_seconds = 5
[bot]
webhook_secret = "file-secret"
signing_key = "{KEY}"
database_url = "postgresql://bot@db.example.com/bot"
host = "0.0.0.0"
port = 9090
workers = 2
projects = ["group/*", 7]
denied = ["group/secret"]
jobs = "image"
note_unknown = true
suggestions = true
without_mr = "status"
dry_run = true
lease_seconds = 60
stop_seconds = 10.5
give_up_hours = 2
keep_days = 7
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "FILES", ("bkdoctor.toml", str(tmp_path / "etc.toml")))


def written(text: str, name: str = "bkdoctor.toml") -> Path:
    Path(name).write_text(text)
    return Path(name)


def refused(text: str, env: dict[str, str] | None = None) -> str:
    with pytest.raises(UsageError) as error:
        load(written(text), env or {})
    return str(error.value)


def test_every_key_of_a_file() -> None:
    assert load(written(FULL), {}) == Config(
        gitlab_url="https://gitlab.example.com/root", token="file-token", timeout_seconds=5.0, webhook_secret="file-secret",
        signing_key=KEY, database_url="postgresql://bot@db.example.com/bot", host="0.0.0.0", port=9090, workers=2,
        projects=("group/*", "7"), denied=("group/secret",), jobs="image", note_unknown=True, suggestions=True,
        without_mr="status", dry_run=True, lease_seconds=60.0, stop_seconds=10.5, give_up_hours=2.0, keep_days=7.0,
    )  # fmt: skip


def test_variables_go_before_the_file() -> None:
    env = {
        "BKDOCTOR_GITLAB_URL": "https://other.example.com", "BKDOCTOR_GITLAB_TOKEN": "t",
        "BKDOCTOR_WEBHOOK_SECRET": "s", "BKDOCTOR_WEBHOOK_SIGNING_KEY": KEY, "BKDOCTOR_DATABASE_URL": "sqlite:///x.db",
    }  # fmt: skip
    got = load(written(FULL), env)
    assert (got.gitlab_url, got.token, got.webhook_secret) == ("https://other.example.com", "t", "s")
    assert got.database_url == "sqlite:///x.db"


def test_secrets_may_lie_in_files() -> None:
    written("from a file\n".replace(" ", "-"), "token")
    assert load(None, {"BKDOCTOR_GITLAB_TOKEN_FILE": "token"}).token == "from-a-file"
    assert load(written('[gitlab]\ntoken_file = "token"\n'), {}).token == "from-a-file"
    assert load(written('[bot]\nwebhook_secret_file = "token"\n'), {}).webhook_secret == "from-a-file"
    assert "token_file names none" in refused('[gitlab]\ntoken_file = "none"\n')


def test_files_are_looked_for_in_their_order(tmp_path: Path) -> None:
    assert load(None, {}).port == 8080
    written("[bot]\nport = 1\n", "etc.toml")
    assert load(None, {}).port == 1
    written("[bot]\nport = 2\n")
    assert load(None, {}).port == 2
    assert load(written("[bot]\nport = 3\n", "named.toml"), {}).port == 3


def test_the_database_is_a_file_where_none_is_configured() -> None:
    assert load(None, {"STATE_DIRECTORY": "/var/lib/bkdoctor"}).database_url == "sqlite:////var/lib/bkdoctor/bot.db"
    assert load(None, {"HOME": "/home/me"}).database_url == "sqlite:////home/me/.local/state/bkdoctor/bot.db"
    assert load(None, {"XDG_STATE_HOME": "/state"}).database_url == "sqlite:////state/bkdoctor/bot.db"


@pytest.mark.parametrize(("text", "says"), [
    ("[bot]\nprot = 1\n", "prot"), ("[bot]\nport = 0\n", "port"), ("[bot]\nport = '1'\n", "port"),
    ("[bots]\n", "bots"), ("[bot\n", "TOML"), ("[bot]\njobs = '('\n", "jobs"), ("[bot]\nworkers = 0\n", "workers"),
    ("[bot]\nwithout_mr = 'note'\n", "without_mr"), ("[gitlab]\nurl = 'no url at all'\n", "BKDOCTOR_GITLAB_URL"),
    ("[gitlab]\ntoken = 'a b'\n", "token"), ("[bot]\nsigning_key = 'hunter2'\n", "whsec_"),
    ("[bot]\nlease_seconds = 0\n", "lease_seconds"),
])  # fmt: skip
def test_what_cannot_be_is_named(text: str, says: str) -> None:
    assert says in refused(text)


@pytest.mark.parametrize("text", [
    "[gitlab]\ntoken = 'hunter2 hunter2'\n", "[bot]\nsigning_key = 'hunter2'\n", "[gitlab]\nurl='https://a:hunter2@@'\n",
    "[bot]\nwebhook_secret = hunter2\n", "[bot]\nsigning_key = 'whsec_hunter2'\n",
])  # fmt: skip
def test_no_error_repeats_a_secret(text: str) -> None:
    assert "hunter2" not in refused(text)


def test_no_secret_is_shown() -> None:
    config = Config(token="hunter2", webhook_secret="hunter2", signing_key="hunter2", database_url="a://b:hunter2@c/d")
    assert "hunter2" not in repr(config)
    assert "hunter2" not in str(config.__rich_repr__())


def test_what_is_missing_is_named_with_where_to_set_it() -> None:
    with pytest.raises(UsageError, match="BKDOCTOR_GITLAB_TOKEN, or token in \\[gitlab\\]"):
        Config(gitlab_url="https://gitlab.example.com").require("gitlab_url", "token")
    with pytest.raises(UsageError, match="BKDOCTOR_WEBHOOK_SECRET"):
        Config().require_secret()
    Config(signing_key=KEY).require_secret()
