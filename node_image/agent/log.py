"""Structured logging: one JSON object a line on standard error, one line per outcome."""

import json
import logging
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

_LOGGER = logging.getLogger("agent")
_LINE_CHARS_MAX = 4000


class AgentEvent(StrEnum):
    """What a line says has happened. Operators filter by these: a name stays what it is."""

    # the agent itself
    AGENT_STARTED = "agent_started"
    AGENT_CANNOT_START = "agent_cannot_start"
    AGENT_STOPPED = "agent_stopped"
    AGENT_CRASHED = "agent_crashed"
    SETTING_WRONG = "setting_wrong"
    KEY_REPAIRED = "key_repaired"
    DRAINED = "drained"

    # the coordinator
    COORDINATOR_CALLED = "coordinator_called"
    COORDINATOR_TROUBLE = "coordinator_trouble"
    COORDINATOR_BACK = "coordinator_back"
    STANDING = "standing"
    STREAM_FOUND = "stream_found"
    LEFT = "left"
    LEFT_UNHEARD = "left_unheard"
    UNPAID = "unpaid"
    UNVERIFIED = "unverified"
    OWN_ADDRESS_UNKNOWN = "own_address_unknown"

    # its relay
    RELAY_STARTED = "relay_started"
    RELAY_SAYS = "relay_says"
    RELAY_SILENT = "relay_silent"
    RELAY_DOWN = "relay_down"
    RELAY_CRASHED = "relay_crashed"
    PORT_OVERRUN = "port_overrun"
    PLAYER_FORWARDED = "player_forwarded"
    UPSTREAM_LEFT = "upstream_left"

    # an ingest
    PUBLISHERS_UNCHECKED = "publishers_unchecked"
    PUBLISHER_ACCEPTED = "publisher_accepted"
    PUBLISHER_REFUSED = "publisher_refused"
    MEDIA_WARNING = "media_warning"
    MEDIA_UNTOLD = "media_untold"

    # the doctor
    EXAMINED = "examined"
    EXAMINATION_OVER = "examination_over"
    EXAMINATION_CRASHED = "examination_crashed"

    # notices
    NOTICE_SENT = "notice_sent"
    NOTICE_UNDELIVERED = "notice_undelivered"
    NOTIFY_URL_UNUSABLE = "notify_url_unusable"
    NOTICES_FORGOTTEN = "notices_forgotten"
    NOTICES_NOT_KEPT = "notices_not_kept"
    NOTICES_CRASHED = "notices_crashed"


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


def log(event: AgentEvent, level: int = logging.INFO, /, **fields: object) -> None:
    """Write one line. `fields` must not hold secrets."""
    _LOGGER.log(level, event, extra={"fields": fields})


def log_crash(event: AgentEvent, error: BaseException, /, **fields: object) -> None:
    """Write one line with the traceback of an error that nobody expected."""
    _LOGGER.error(event, exc_info=error, extra={"fields": fields})
