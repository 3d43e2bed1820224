"""One structured line per outcome, as Cloud Logging reads it: JSON on standard output."""

import json
import sys
import traceback
from enum import StrEnum
from typing import Any

TRACE_CHARACTERS_MAX = 4_000
"""The last ones, which tell most."""
_SEVERITIES = ("DEBUG", "INFO", "WARNING", "ERROR")


class LogEvent(StrEnum):
    """What a line says has happened. Alarms count some of them: terraform/metrics.tf."""

    # collector
    SWEPT = "swept"
    ROSTER_NEARLY_FULL = "roster_nearly_full"
    ROLLUP_FAILED = "rollup_failed"
    PROJECTION_NOT_READ = "projection_not_read"
    PROJECTION_NOT_WRITTEN = "projection_not_written"
    POLL_FAILED = "poll_failed"
    # prober
    CHECKED = "checked"
    CONTROL_NODE_WRONG = "control_node_wrong"
    CHECKS_WITHOUT_PLACE = "checks_without_place"
    MISSED_DRAWS_NOT_RECORDED = "missed_draws_not_recorded"
    NO_CONTROL_NODES = "no_control_nodes"
    CHECKS_NOT_STORED = "checks_not_stored"
    LATE_CHECKS_NOT_RECORDED = "late_checks_not_recorded"
    CHECK_FAILED = "check_failed"
    LISTS_NOT_TOLD = "lists_not_told"
    SECOND_READER_FAILED = "second_reader_failed"
    READERS_DISAGREE = "readers_disagree"
    PICTURE_FAILED = "picture_failed"
    # payout
    PAYOUT_ENDED = "payout_ended"
    EPOCH_SETTLED = "epoch_settled"
    TOKENS_NOT_SHOWN = "tokens_not_shown"
    STREAM_MISSING = "stream_missing"
    STREAM_NOT_SETTLED = "stream_not_settled"
    PROJECTIONS_NOT_WRITTEN = "projections_not_written"
    WEBHOOKS_NOT_READ = "webhooks_not_read"
    WEBHOOK_NOT_KEPT = "webhook_not_kept"
    WEBHOOK_FAILED = "webhook_failed"
    WEBHOOK_DELIVERED = "webhook_delivered"
    JOBS_REVIEWED = "jobs_reviewed"
    JOBS_NOT_REVIEWED = "jobs_not_reviewed"
    # several
    JOBS_NOT_RESUMED = "jobs_not_resumed"
    JOBS_NOT_PAUSED = "jobs_not_paused"
    REQUEST_FAILED = "request_failed"
    CLOCK_OFF = "clock_off"


class Log:
    """Writes `{"severity", "message", …fields}` lines; quiet below its level."""

    def __init__(self, service: str, level: str = "INFO") -> None:
        self._service = service
        self._least = _SEVERITIES.index(level)

    def __call__(self, event: LogEvent, *, severity: str = "INFO", **fields: Any) -> None:
        """One line, named by what happened: log(LogEvent.EPOCH_SETTLED, epoch=7)."""
        if _SEVERITIES.index(severity) >= self._least:
            line = {"severity": severity, "message": event, "service": self._service, **fields}
            print(json.dumps(line, default=str), file=sys.stdout, flush=True)

    def failure(self, event: LogEvent, error: BaseException, **fields: Any) -> None:
        """An error of our own, with its trace for whoever repairs it; of a group, the first."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        trace = "".join(traceback.format_exception(error))[-TRACE_CHARACTERS_MAX:]
        says = f"{type(error).__name__}: {error}"
        self(event, severity="ERROR", error=says, stack_trace=trace, **fields)
