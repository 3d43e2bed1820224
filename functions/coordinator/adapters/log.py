"""One structured line per outcome, as Cloud Logging reads it: JSON on standard output."""

import json
import sys
import traceback
from typing import Any

TRACE_CHARACTERS_MAX = 4_000
"""The last ones, which tell most."""
_SEVERITIES = ("DEBUG", "INFO", "WARNING", "ERROR")


class Log:
    """Writes `{"severity", "message", …fields}` lines; quiet below its level."""

    def __init__(self, service: str, level: str = "INFO") -> None:
        self._service = service
        self._least = _SEVERITIES.index(level)

    def __call__(self, event: str, *, severity: str = "INFO", **fields: Any) -> None:
        """One line, named by what happened: log("epoch_settled", epoch=7, paid_micros=77)."""
        if _SEVERITIES.index(severity) >= self._least:
            line = {"severity": severity, "message": event, "service": self._service, **fields}
            print(json.dumps(line, default=str), file=sys.stdout, flush=True)

    def failure(self, event: str, error: BaseException, **fields: Any) -> None:
        """An error of our own, with its trace for whoever repairs it; of a group, the first."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        trace = "".join(traceback.format_exception(error))[-TRACE_CHARACTERS_MAX:]
        says = f"{type(error).__name__}: {error}"
        self(event, severity="ERROR", error=says, stack_trace=trace, **fields)
