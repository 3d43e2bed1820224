"""One structured line per outcome, as Cloud Logging reads it: JSON on standard output."""

import json
import logging
import sys
from typing import Any

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
        """An error of our own, with its trace for whoever repairs it."""
        logging.getLogger(self._service).debug(event, exc_info=error)
        self(event, severity="ERROR", error=f"{type(error).__name__}: {error}", **fields)
