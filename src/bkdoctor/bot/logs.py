"""What the bot does -> lines on standard error: JSON where no human watches, and no secret in any of them."""

import json
import logging
import sys
import time
from collections.abc import Iterable
from typing import Any, TextIO

from bkdoctor.bot.config import Config
from bkdoctor.redact import REDACTED, redact
from bkdoctor.text import strip_controls

_LOGGER = logging.getLogger("bkdoctor.bot")
_LONGEST = 4000


def say(message: str, *, level: int = logging.INFO, error: BaseException | None = None, **fields: object) -> None:
    """Log a message with fields such as `event`, the id by which an event is followed from line to line."""
    _LOGGER.log(level, message, exc_info=error, extra={"fields": fields})


def set_up(config: Config, stream: TextIO | None = None) -> None:
    """Send every log of this process to standard error in the bot's form."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Lines(handler.stream.isatty(), secrets_of(config)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _LOGGER.setLevel(logging.INFO)


def secrets_of(config: Config) -> list[str]:
    """Return the configured texts that must never be seen."""
    from sqlalchemy.engine import make_url

    password = str(make_url(config.database_url).password or "") if config.database_url else ""
    return [text for text in (config.token, config.webhook_secret, config.signing_key, password) if text]


class Lines(logging.Formatter):
    """One line for each record, as JSON or for a terminal."""

    def __init__(self, terminal: bool, secrets: Iterable[str]) -> None:
        super().__init__()
        self._terminal = terminal
        self._secrets = sorted(secrets, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "message": self._clean(record.getMessage()),
            "process": record.process,
        }
        for name, value in getattr(record, "fields", {}).items():
            fields[name] = value if isinstance(value, int | float) or value is None else self._clean(str(value))
        if record.exc_info:
            fields["traceback"] = self._clean(self.formatException(record.exc_info))
        if not self._terminal:
            return json.dumps(fields)
        head = f"{fields.pop('time')} {fields.pop('level')} {fields.pop('message')}"
        trace = fields.pop("traceback", "")
        return " ".join([head, *(f"{name}={value}" for name, value in fields.items())]) + (trace and f"\n{trace}")

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return redact(strip_controls(text[:_LONGEST]))
