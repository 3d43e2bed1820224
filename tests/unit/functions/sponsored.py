"""A stream that its sponsor pays for: calls of the api, a node that serves it, settled epochs."""

from typing import Any

import httpx

from coordinator.adapters.log import Log
from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from payout.settler import Settler
from tests.builders import an_attempt
from tests.unit.functions.conftest import NOW_S, SPONSOR_KEY, Coordinator, bearer

CALENDAR = Calendar()
EPOCH = CALENDAR.epoch_at(NOW_S)


async def post(
    coordinator: Coordinator, path: str, body: Any = None, key: str | None = None
) -> httpx.Response:
    """The sponsor's call; `key` is an Idempotency-Key."""
    headers = bearer(SPONSOR_KEY) | ({"Idempotency-Key": key} if key else {})
    return await coordinator.client.post(path, json=body, headers=headers)


async def serve(
    coordinator: Coordinator, stream_id: str, epochs: int = 1, node_id: str = "n2"
) -> None:
    """One node up through whole epochs, checked and passed at each quarter, after the first."""
    measurements = coordinator.measurements
    first = CALENDAR.ticks_of(EPOCH + 1).start
    slot = Slot(node_id, stream_id, "http://203.0.114.7/", "203.0.114.7", 1935, first, 1.0)
    await measurements.put_roster(Roster(WHOLE, 1, 1.0, (slot,)))
    up = Poll(Outcome.UP, Reason.OK, 60, 60)
    for tick in range(first, first + 60 * epochs):
        await measurements.create_sweep(Sweep(WHOLE, tick, 1, {0: up}), tick * 60.0)
        if tick % 15 == 0:
            at_s = tick * 60.0 + 30
            attempts = (an_attempt(at_s, address="203.0.114.7"),)
            check = Check(
                node_id, stream_id, tick, at_s, Verdict.PASS, Reason.PASSED, attempts=attempts
            )
            run = Run(tick, at_s, at_s + 6, (), {stream_id: IngestState.LIVE}, (check,))
            await measurements.record_run(run, at_s)
    coordinator.now_s[0] = (first + 60 * epochs) * 60 + CALENDAR.grace_seconds


async def settle_due(coordinator: Coordinator) -> dict[str, Any]:
    """Settles what is due by now."""
    settler = Settler(
        coordinator.measurements,
        coordinator.ledger,
        CALENDAR,
        24,
        lambda: coordinator.now_s[0],
        Log("payout", "ERROR"),
    )
    return await settler.settle_due()
