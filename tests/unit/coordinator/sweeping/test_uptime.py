"""Minutes out of bitmaps."""

from coordinator.checking.checks import IngestState, Run
from coordinator.epochs import Calendar
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import SweepBits
from coordinator.sweeping.uptime import idle_ticks_of, minutes_of
from tests.builders import a_slot

TICKS = range(100, 105)


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
    minutes = minutes_of("s3", TICKS, {(WHOLE, 1): roster}, sweeps, frozenset({101, 102}))
    assert minutes["n2"].up == 0b11001


def test_idle_ticks_are_those_of_runs_that_found_the_ingest_silent() -> None:
    """A run whose prober could not tell says nothing."""
    states = {20: IngestState.LIVE, 21: IngestState.DOWN, 22: IngestState.UNKNOWN}
    runs = [Run(draw, 0.0, 0.0, (), {"s3": state}, ()) for draw, state in states.items()]
    calendar = Calendar(sweep_seconds=5, check_seconds=10, epoch_seconds=60)
    assert idle_ticks_of("s3", runs, calendar) == {42, 43}
    assert idle_ticks_of("s4", runs, calendar) == frozenset()
