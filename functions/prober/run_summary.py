"""What a run came to, in one line of the log."""

from typing import Any

from coordinator.checking.checks import Run


def summary_of(run: Run, candidates_count: int) -> dict[str, Any]:
    """By verdict, with everything that it set in motion."""
    verdicts: dict[str, int] = {}
    for check in run.checks:
        verdicts[check.verdict] = verdicts.get(check.verdict, 0) + 1
    events = [f"{check.node_id} {check.event}" for check in run.checks if check.event]
    return {
        "draw": run.draw,
        "result": "run",
        "candidates": candidates_count,
        "checks": verdicts,
        "events": events,
        "streams": dict(run.streams),
        "seconds": round(run.ended_s - run.started_s, 3),
    }
