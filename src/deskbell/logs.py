"""Logs: one JSON line per happening, ids as fields, secrets scrubbed; lines of libraries too."""

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

from deskbell.rules.redaction import scrub_log


def scrubbed(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop secret patterns and what of a URL may be secret, however deep; the writer escapes what is not ASCII."""
    return {name: cleaned(value) for name, value in event.items()}


def cleaned(value: Any) -> Any:
    """A value as it may stand in a log: texts scrubbed, anything odd as its scrubbed text."""
    if isinstance(value, str):
        return scrub_log(value)
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(name): cleaned(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [cleaned(one) for one in value]
    return scrub_log(repr(value))


class LibraryLines(logging.Formatter):
    """What libraries log, in the same form."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of ASCII."""
        told = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        return json.dumps({**cleaned(told), "timestamp": at})


def set_up_logs(*, verbose: bool = False, quiet: bool = False) -> None:
    """JSON lines on standard error; `verbose` adds the debug level, `quiet` leaves only warnings."""
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LibraryLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            scrubbed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
