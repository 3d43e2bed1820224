"""Epochs to be settled: a stream, and what two nodes are measured to have done."""

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Store
from coordinator.checking.checks import IngestState, Run, Verdict
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.builders import a_check, a_slot, a_stream

CALENDAR = Calendar()
EPOCH = 11
START_S = EPOCH * 3600
RATE = 7_200_000
MICROS_A_MINUTE = 120_000
DEPOSIT = 10**9
STREAM = a_stream(reward_micros_per_hour=RATE, created_s=START_S + 7.0)


def slot_of(node_id: str) -> Slot:
    """Its place since the epoch began."""
    return a_slot(node_id, joined_tick=START_S // 60)


async def evidence(measured: Store, epochs: int = 1, stream: Stream = STREAM) -> None:
    """Two nodes up in every minute; n2 passes a check each quarter hour, n5 fails its last."""
    measurements = Measurements(measured)
    await measurements.create_stream(stream)
    await measurements.put_roster(Roster(WHOLE, 1, 1.0, (slot_of("n2"), slot_of("n5"))))
    up = Poll(Outcome.UP, Reason.OK, 1, 1)
    for tick in range(START_S // 60, START_S // 60 + 60 * epochs):
        await measurements.create_sweep(Sweep(WHOLE, tick, 1, {0: up, 1: up}), START_S)
        if tick % 15 == 0:
            at_s = tick * 60.0 + 30
            good = a_check(at_s)
            bad = a_check(at_s, Verdict.FAIL, node_id="n5")
            fair = a_check(at_s, node_id="n5")
            checks = (good, bad if tick % 60 == 45 else fair)
            run = Run(tick, at_s, at_s + 5, (), {"s3": IngestState.LIVE}, checks)
            await measurements.record_run(run, START_S)
