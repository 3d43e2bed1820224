"""What the prober leaves on record: every draw once, nothing dated back, nothing too late."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from coordinator.adapters.media.rtmp_reference import Reference, ReferencePool
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import Check, Control, IngestState, Run, TrustChange, Verdict
from coordinator.checking.lottery import day_of
from coordinator.proof.packets import Packet
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from prober.draw_checks import in_time
from prober.missed_draws import MISSED_DRAWS_MAX
from rtmp.addresses import RtmpAddress
from tests.doubles.counting import CountingStore, Operations
from tests.doubles.memory import MemoryStore
from tests.packet_streams import T0, live
from tests.unit.functions.night import CALENDAR, FIRST, MIDNIGHT_S, NODES, Night, Patient


@pytest.fixture
def night() -> Night:
    """One that has not begun."""
    return Night()


@pytest.mark.parametrize("restarts", [False, True])
async def test_every_draw_of_an_outage_is_made_up_for(night: Night, restarts: bool) -> None:
    """The last ones too, which may still have been running when the prober came back."""
    await night.is_swept(range(FIRST, FIRST + 60))
    prober = night.prober()
    for draw in range(FIRST + 5, FIRST + 10):
        await night.runs(prober, draw)
    prober = night.prober() if restarts else prober
    missed = [await night.runs(prober, draw) for draw in range(FIRST + 20, FIRST + 25)]
    assert sum(run["missed"] for run in missed) == 10
    draws = range(FIRST + 5, FIRST + 25)
    assert await night.recorded(draws) == list(draws)
    runs = await night.measurements.runs(range(FIRST + 10, FIRST + 20))
    assert {check.reason for run in runs for check in run.checks} <= {Reason.UNKNOWN_NOT_RUN}


async def test_an_outage_longer_than_a_run_can_make_up_for_is_left_to_the_next(
    night: Night,
) -> None:
    """Nothing is missing in the end."""
    await night.is_swept(range(FIRST, FIRST + 2 * MISSED_DRAWS_MAX + 20))
    prober = night.prober()
    await night.runs(prober, FIRST + 5)
    back = FIRST + 2 * MISSED_DRAWS_MAX + 10
    for draw in range(back, back + 4):
        await night.runs(prober, draw)
    draws = range(FIRST + 5, back + 4)
    assert await night.recorded(draws) == list(draws)


async def test_a_draw_that_cannot_be_made_up_for_costs_no_other(night: Night) -> None:
    """Somebody has to look at it; meanwhile everybody is checked."""
    await night.is_swept(range(FIRST, FIRST + 6))
    await night.is_swept(range(FIRST + 20, FIRST + 40))
    prober = night.prober()
    await night.runs(prober, FIRST + 5)
    polls = {0: Poll(Outcome.DOWN, Reason.CONNECT_FAILED, 1, 1)}
    await night.measurements.create_sweep(Sweep(WHOLE, FIRST + 12, 99, polls), (FIRST + 12) * 60.0)
    await night.store.put(Ref("rosters", "0of1-99"), {"slots": b"damaged"})
    for draw in (FIRST + 30, FIRST + 31):
        assert (await night.runs(prober, draw))["result"] == "run"
    assert {FIRST + 30, FIRST + 31} <= set(await night.recorded(range(FIRST, FIRST + 40)))


async def test_a_rest_is_passed_over_at_once(night: Night) -> None:
    """In a week without a sweep nobody was due; what was missed after it is made up for."""
    week = 7 * 1440
    await night.is_swept(range(FIRST, FIRST + 6))
    await night.is_swept(range(FIRST + week, FIRST + week + 20))
    prober = night.prober()
    await night.runs(prober, FIRST + 5)
    for draw in range(FIRST + week + 10, FIRST + week + 14):
        await night.runs(prober, draw)
    after = range(FIRST + week + 1, FIRST + week + 14)
    assert await night.recorded(range(FIRST + 9, FIRST + week + 14)) == list(after)


async def test_a_day_is_never_sealed_with_an_earlier_date(night: Night) -> None:
    """An outage over two midnights: the day after it was not sealed before it began."""
    day = 1440
    draws = range(FIRST + day - 20, FIRST + 2 * day + 40)
    back = FIRST + 2 * day + 30
    await night.is_swept(range(draws.start - 5, draws.start + MISSED_DRAWS_MAX))
    await night.is_swept(range(back - 5, draws.stop))
    prober = night.prober()
    await night.runs(prober, draws.start)
    for draw in range(back, back + 4):
        await night.runs(prober, draw)
    (sealed,) = await night.measurements.lottery_days([day_of(FIRST + 2 * day, 60)])
    assert sealed is not None
    assert sealed.sealed_s >= back * 60
    assert not sealed.was_sealed_in_advance


async def test_another_length_of_draws_than_the_day_was_sealed_with_is_refused(
    night: Night,
) -> None:
    """Its draws would lie in another century, and a check that waits for one never ends."""
    await night.is_swept(range(FIRST - 3, FIRST + 4), Outcome.UP)
    await night.runs(night.prober(), FIRST - 4)
    with pytest.raises(ValueError, match="CHECK_SECONDS"):
        await night.prober(check_seconds=30).run()


def test_a_check_that_ends_after_its_epoch_is_closed_counts_for_nobody() -> None:
    """Pay does not hear of it: would it still flag or clear the node, the two would part."""
    starts_s = 11 * 3600
    first = Check("n2", "s3", 1, starts_s + 3599.0, Verdict.PASS, Reason.PASSED, event=None)
    second = Check("n3", "s3", 1, starts_s + 3600.5, Verdict.FAIL, Reason.NO_STREAM)
    closes_s = CALENDAR.evidence_until_s(11)
    assert in_time([first, second], closes_s, CALENDAR) == [first, second]
    late, kept = in_time([first, second], closes_s + 0.5, CALENDAR)
    assert (late.verdict, late.reason) == (Verdict.UNKNOWN, Reason.UNKNOWN_LATE)
    assert kept == second
    assert TrustChange.FLAGGED not in (late.event, kept.event)


async def test_a_run_is_recorded_for_one_read_and_once() -> None:
    """The trust; that it is new shows when it is written. Of a race one wins."""
    store = CountingStore(MemoryStore())
    runs = [Run(FIRST + minute, 7.0, 11.0, (), {}, ()) for minute in range(3)]
    for run in runs:
        assert await Measurements(store).record_run(run, MIDNIGHT_S, told=()) == run
    assert store.operations == Operations(reads=3, writes=6)
    assert await Measurements(store).record_run(runs[0], MIDNIGHT_S) is None
    raced = Run(FIRST + 7, 7.0, 11.0, (), {}, ())
    found = await asyncio.gather(
        *(Measurements(store).record_run(raced, MIDNIGHT_S) for _ in range(3))
    )
    assert sorted(each is None for each in found) == [False, True, True]
    assert await Measurements(store).runs(range(FIRST, FIRST + 9)) == [*runs, raced]


async def test_a_run_names_the_controls_that_its_day_was_sealed_with(night: Night) -> None:
    """And checks them in every draw, whatever the setting has become."""
    await night.is_swept(range(FIRST, FIRST + 6), Outcome.UP)
    await night.is_swept(range(FIRST + 6, FIRST + 12))
    sealed, named = NODES[1], NODES[2]
    await night.runs(night.prober(controls={sealed: Control.GOOD}), FIRST - 1)
    await night.runs(night.prober(1, controls={named: Control.BAD}), FIRST + 11)
    runs = await night.measurements.runs(range(FIRST + 1, FIRST + 6))
    assert len(runs) == 5
    for run in runs:
        assert run.controls == {sealed: Control.GOOD}
        assert sealed in {check.node_id for check in run.checks}


class Heard(ReferencePool):
    """References that were given a stream, and connect to nobody."""

    packets: Sequence[Packet] = ()

    def acquire(self, address: RtmpAddress) -> Reference:
        reference = Reference(address, now=self._now)
        for packet in self.packets:
            reference.window.take(packet)
        return reference

    def release(self, address: RtmpAddress) -> None:
        """Nothing was opened."""


@pytest.mark.parametrize(
    ("silent", "interrupted"), [((0, 0), ()), ((-20, -15), ("s3",)), ((30, 35), ("s3",))]
)
async def test_a_run_says_which_streams_were_interrupted(
    night: Night, silent: tuple[int, int], interrupted: tuple[str, ...]
) -> None:
    """In its draw, or so shortly before it that nodes may still have been on their way back."""
    await night.is_swept(range(FIRST - 2, FIRST + 1), Outcome.UP)
    prober, begins_s = night.prober(), FIRST * 60.0
    prober.references = heard = Heard(now=lambda: night.now_s)
    moved = (replace(p, arrived_s=p.arrived_s - T0 + begins_s - 40) for p in live(101))
    heard.packets = [p for p in moved if not silent[0] <= p.arrived_s - begins_s < silent[1]]
    prober.checker = Patient(prober.checker, slow="")
    await night.runs(prober, FIRST)
    (run,) = await night.measurements.runs(range(FIRST, FIRST + 1))
    assert (run.streams, run.interrupted) == ({"s3": IngestState.LIVE}, interrupted)
    assert run.has_read_through("s3") is (not interrupted)
