"""A configuration -> what works and what is missing; a webhook's body -> what the bot does with it, in words."""

from collections.abc import Iterator

from bkdoctor.bot.check import Check, check
from bkdoctor.bot.config import Config
from bkdoctor.bot.database import Database, DatabaseError
from bkdoctor.bot.events import Ignored
from bkdoctor.bot.processes import connect
from bkdoctor.bot.replay import replay
from bkdoctor.bot.store import Store
from bkdoctor.errors import UsageError
from bkdoctor.session import catalog_of, user_folders


def try_all(config: Config) -> Iterator[Check]:
    """Yield what was tried: the secret, the database, and GitLab."""
    try:
        config.require_secret()
        yield Check(name="webhook", ok=True, text="a secret is configured")
    except UsageError as error:
        yield Check(name="webhook", ok=False, text=str(error))
    yield _database(config)
    try:
        with connect(config) as api:
            yield from check(api, config)
    except UsageError as error:
        yield Check(name="GitLab", ok=False, text=str(error))


def replayed(body: bytes, config: Config) -> str:
    """Handle a webhook's body, and say what was done. Raises InputError, UsageError and GitLabError."""
    with connect(config) as api:
        record = replay(body, api, config, catalog_of(user_folders(None)))
    if isinstance(record, Ignored):
        return f"ignored: {record.why}"
    return record.in_words()


def _database(config: Config) -> Check:
    try:
        database = Database(config.database_url)
        number, _ = Store(database).waiting()
    except (UsageError, DatabaseError) as error:
        return Check(name="database", ok=False, text=str(error))
    database.close()
    kind = "SQLite" if database.sqlite else "PostgreSQL"
    return Check(name="database", ok=True, text=f"{kind} takes and gives, {number} pieces of work wait")
