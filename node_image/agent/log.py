"""Structured logging: one JSON object a line on standard error, one line per outcome."""

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

_LOGGER = logging.getLogger("agent")
_LINE_CHARS_MAX = 4000


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "event": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line.update(fields)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[-_LINE_CHARS_MAX:]
        return json.dumps(line, default=str, ensure_ascii=False)


def start_logging(level: str, stream: TextIO) -> None:
    """Send every log line of the process, libraries included, to `stream` as JSON."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # libraries speak only when something is wrong
    _LOGGER.setLevel(level)


def log(event: str, level: int = logging.INFO, /, **fields: object) -> None:
    """Write one line. `fields` must not hold secrets."""
    _LOGGER.log(level, event, extra={"fields": fields})


def log_crash(event: str, error: BaseException, /, **fields: object) -> None:
    """Write one line with the traceback of an error that nobody expected."""
    _LOGGER.error(event, exc_info=error, extra={"fields": fields})
