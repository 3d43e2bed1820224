"""Lines of the log that ops are called for, after a run is on record."""

from coordinator.adapters.log import Log, LogEvent
from coordinator.checking.checks import Run
from coordinator.checking.controls import is_wrong
from coordinator.reasons import Reason

TOO_MUCH = frozenset({Reason.UNKNOWN_CAPACITY, Reason.UNKNOWN_BUSY})
"""What comes of more work than there are processors for."""


def raise_alarms(run: Run, log: Log) -> None:
    """Of every control node that came out wrong, of checks that found no place, and of those that
    our readers could not agree on."""
    without = sum(check.reason in TOO_MUCH for check in run.checks)
    if without:
        log(
            LogEvent.CHECKS_WITHOUT_PLACE,
            severity="WARNING",
            draw=run.draw,
            checks=without,
            of=len(run.checks),
        )
    disputed = [check for check in run.checks if check.reason is Reason.UNKNOWN_READERS]
    if disputed:
        log(
            LogEvent.READERS_DISAGREE,
            severity="WARNING",
            draw=run.draw,
            checks=len(disputed),
            of=len(run.checks),
            stream_ids=sorted({check.stream_id for check in disputed}),
        )
    for check in run.checks:
        kind = run.controls.get(check.node_id)
        if kind is not None and is_wrong(check, kind):
            log(
                LogEvent.CONTROL_NODE_WRONG,
                severity="ERROR",
                kind=kind.value,
                node_id=check.node_id,
                draw=run.draw,
                verdict=check.verdict.value,
                reason=check.reason.value,
            )
