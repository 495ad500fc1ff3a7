"""Logs: one JSON line per happening, ids as fields, secrets scrubbed."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from deskbell.rules.redaction import scrub


def scrubbed(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop known secret patterns from every text; control characters are escaped by the JSON writer."""
    return {name: scrub(value) if isinstance(value, str) else value for name, value in event.items()}


def set_up_logs(*, verbose: bool = False, quiet: bool = False) -> None:
    """JSON lines on standard error; `verbose` adds the debug level, `quiet` leaves only warnings."""
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
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
