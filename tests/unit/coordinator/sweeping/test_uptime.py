"""Minutes out of bitmaps."""

from coordinator.checking.checks import IngestState, Run
from coordinator.epochs import Calendar
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import SweepBits
from coordinator.sweeping.uptime import IngestTicks, ingest_ticks_of, minutes_of
from tests.builders import a_slot

TICKS = range(100, 105)
STEADY = frozenset({100, 101, 104})


def _slot(node_id: str, stream_id: str = "s3", joined: int = 90, left: int | None = None) -> Slot:
    return a_slot(node_id, stream_id, joined_tick=joined, left_tick=left)


def _sweep(tick: int, up: int, unknown: int = 0, probed: int = 0b11) -> SweepBits:
    return SweepBits(WHOLE, tick, 1, probed, up, unknown)


def test_bits_follow_the_ticks() -> None:
    """Slot 1 was up in the first and the last tick."""
    roster = Roster(WHOLE, 1, 0.0, (_slot("n2", "s4"), _slot("n5")))
    sweeps = [_sweep(t, up=0b10 if t in (100, 104) else 0b01) for t in TICKS]
    minutes = minutes_of("s3", TICKS, {(WHOLE, 1): roster}, sweeps)
    assert minutes == {"n5": Minutes(due=0b11111, up=0b10001, unknown=0)}


def test_a_missing_sweep_is_unknown() -> None:
    """So is a node that the sweep left out, or marked unknown itself."""
    roster = Roster(WHOLE, 1, 0.0, (_slot("n2"),))
    sweeps = [_sweep(100, up=1), _sweep(102, up=0, unknown=1), _sweep(103, up=0, probed=0)]
    assert minutes_of("s3", TICKS, {(WHOLE, 1): roster}, sweeps) == {
        "n2": Minutes(due=0b11111, up=0b00001, unknown=0b11110)
    }


def test_only_minutes_on_the_roster_are_due() -> None:
    """A node that left and came back stands at two slots."""
    roster = Roster(WHOLE, 1, 0.0, (_slot("n2", left=101), _slot("n2", joined=103)))
    sweeps = [_sweep(t, up=0b11) for t in TICKS]
    assert minutes_of("s3", TICKS, {(WHOLE, 1): roster}, sweeps) == {
        "n2": Minutes(due=0b11001, up=0b11001, unknown=0)
    }


def test_nothing_counts_while_the_ingest_has_no_stream() -> None:
    """Whatever the node claims."""
    roster = Roster(WHOLE, 1, 0.0, (_slot("n2"),))
    sweeps = [_sweep(t, up=1) for t in TICKS]
    minutes = minutes_of(
        "s3", TICKS, {(WHOLE, 1): roster}, sweeps, IngestTicks(frozenset({101, 102}))
    )
    assert minutes["n2"].up == 0b11001


def test_who_waits_for_a_stream_that_was_interrupted_is_idle() -> None:
    """And told so; who did not answer is down all the same, and who served was up."""
    slots = (_slot("n2"), _slot("n5"), _slot("n7"))
    roster = Roster(WHOLE, 1, 0.0, slots)
    shaky = {t: SweepBits(WHOLE, t, 1, 0b111, up=1, unknown=0, down=6, waiting=2) for t in TICKS}
    found = minutes_of(
        "s3", TICKS, {(WHOLE, 1): roster}, shaky.values(), IngestTicks(steady=STEADY)
    )
    assert found == {
        "n2": Minutes(due=0b11111, up=0b11111),
        "n5": Minutes(due=0b11111, idle=0b01100, down=0b10011, interrupted=0b01100),
        "n7": Minutes(due=0b11111, down=0b11111),
    }
    unasked = minutes_of("s3", TICKS, {(WHOLE, 1): roster}, shaky.values())
    assert unasked["n5"] == Minutes(due=0b11111, down=0b11111)


def test_a_tick_is_steady_if_each_of_its_draws_was_read_through() -> None:
    """By any part of the prober; of a draw that was not run nobody knows."""
    calendar = Calendar(sweep_seconds=20, check_seconds=10, epoch_seconds=60)

    def run(draw: int, state: IngestState, interrupted: tuple[str, ...] = ()) -> Run:
        return Run(draw, 0.0, 0.0, (), {"s3": state}, (), interrupted=interrupted)

    runs = [run(draw, IngestState.LIVE) for draw in (20, 21, 22, 24, 27)]
    runs += [run(23, IngestState.LIVE, ("s3",)), run(25, IngestState.UNKNOWN)]
    runs += [run(24, IngestState.LIVE, ("s5", "s3")), run(25, IngestState.LIVE, ("s5",))]
    found = ingest_ticks_of("s3", runs, calendar, range(10, 14))
    assert found == IngestTicks(frozenset(), frozenset({10, 12}))


def test_idle_ticks_are_those_of_runs_that_found_the_ingest_silent() -> None:
    """A run whose prober could not tell says nothing."""
    states = {20: IngestState.LIVE, 21: IngestState.DOWN, 22: IngestState.UNKNOWN}
    runs = [Run(draw, 0.0, 0.0, (), {"s3": state}, ()) for draw, state in states.items()]
    calendar = Calendar(sweep_seconds=5, check_seconds=10, epoch_seconds=60)
    assert ingest_ticks_of("s3", runs, calendar, range(36, 60)).idle == {42, 43}
    assert ingest_ticks_of("s4", runs, calendar, range(36, 60)).idle == frozenset()
