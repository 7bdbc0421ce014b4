"""A webhook's body from a file -> what the bot would do, or does, of it: `bkdoctor bot replay`."""

import msgspec

from bkdoctor.bot.config import Config
from bkdoctor.bot.events import BadBodyError, Ignored, read_event
from bkdoctor.bot.handle import handle
from bkdoctor.bot.task import Record, Task
from bkdoctor.catalog.catalog import Catalog
from bkdoctor.errors import InputError
from bkdoctor.gitlab.connection import Connection


def replay(payload: bytes, api: Connection, config: Config, catalog: Catalog) -> Record | Ignored:
    """Handle an event as if it had just come; why, if it is none for the bot. Raises InputError and GitLabError."""
    try:
        event = read_event(payload, {}, config)
    except BadBodyError as error:
        raise InputError(f"{error}. Give the request body of a pipeline or job event as GitLab sent it.") from None
    if isinstance(event, Ignored):
        return event
    return handle(msgspec.json.decode(event.body, type=Task), api, config, catalog)
