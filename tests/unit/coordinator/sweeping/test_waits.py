"""Minutes of waiting count for the live share as they count when they are settled."""

import pytest

from coordinator.checking.checks import IngestState, Run
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats
from coordinator.sweeping.polls import Poll, outcome_of
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from coordinator.sweeping.uptime import ingest_ticks_of, minutes_of
from coordinator.sweeping.waits import Waits
from tests.builders import a_slot

CALENDAR = Calendar()
SLOT = a_slot("n2", "s3", joined_tick=100)
LIVE = RelayStats(Media.LIVE, bytes_out=7, node_id="n2")
WAITING = LIVE._replace(media=Media.WAITING)
ANSWERS: dict[int, RelayStats | Reason] = {
    **dict.fromkeys(range(100, 112), LIVE),
    102: WAITING,
    103: WAITING,
    105: WAITING,
    106: Reason.CONNECT_FAILED,
    107: WAITING,
}


def _run(tick: int, *interrupted: str) -> Run:
    start_s = tick * 60.0
    live = {"s3": IngestState.LIVE}
    return Run(tick, start_s, start_s + 70, (), live, (), interrupted=interrupted)


RUNS = {tick: _run(tick, *(["s3"] if tick in (103, 107) else [])) for tick in range(100, 112)}
"""Of each draw but one: what nobody looked at is nobody's fault."""
del RUNS[105]


def _after(
    tick: int, poll: Poll, at: int, runs: dict[int, Run], calendar: Calendar = CALENDAR
) -> tuple[range, Poll]:
    """Which draws are asked for before the sweep of `at`, and the row by then."""
    waits = Waits({0: poll}, tick, at, calendar)
    draws = waits.draws()
    return draws, waits.decided([SLOT], [runs[each] for each in draws if each in runs])[0]


@pytest.mark.parametrize("swept", [range(100, 112), [t for t in range(100, 112) if t != 104]])
def test_the_live_share_is_the_settled_one(swept: range | list[int]) -> None:
    """Waits for a live stream are down, others idle; a sweep may be missing between them."""
    poll, last, sweeps = None, 99, []
    for tick in swept:
        before: Poll | None = None if poll is None else _after(last, poll, tick, RUNS)[1]
        poll = outcome_of(SLOT, ANSWERS[tick], before, stream_is_live=True, tick=tick)
        sweeps.append(Sweep(WHOLE, tick, 100, {0: poll}).bits())
        last = tick
    roster, ticks = Roster(WHOLE, 100, 0.0, (SLOT,)), range(100, 112)
    ingest = ingest_ticks_of("s3", RUNS.values(), CALENDAR, ticks)
    settled = minutes_of("s3", ticks, {(WHOLE, 100): roster}, sweeps, ingest)["n2"]
    assert poll is not None
    assert (settled.idle.bit_count(), settled.down.bit_count()) == (3, 2)
    due = settled.due & ~settled.idle & ~settled.unknown
    assert (poll.minutes_due, poll.minutes_up) == (due.bit_count(), settled.up.bit_count())


def test_a_wait_is_put_off_until_its_run_is_on_record() -> None:
    """A run is, 45 s after its draw. Until then the minute is counted neither way."""
    first = outcome_of(SLOT, LIVE, None, stream_is_live=True, tick=101)
    poll = outcome_of(SLOT, WAITING, first, stream_is_live=True, tick=102)
    assert (poll.minutes_due, poll.minutes_up, poll.waited) == (1, 1, 0b1)
    draws, soon = _after(102, poll, 103, RUNS)
    assert (draws, soon.minutes_due, soon.waited) == (range(0), 1, 0b10)
    poll = outcome_of(SLOT, WAITING, soon, stream_is_live=True, tick=103)
    assert poll.waited == 0b11
    draws, later = _after(103, poll, 104, RUNS)
    assert (draws, later.minutes_due, later.waited) == (range(102, 103), 2, 0b10)
    draws, last = _after(103, poll, 500, RUNS)
    assert (draws, last.minutes_due, last.waited) == (range(102, 104), 2, 0)


def test_in_a_network_of_short_draws_it_takes_more_of_them() -> None:
    """A run takes its seconds, however short its draw is."""
    calendar = Calendar(sweep_seconds=5, check_seconds=5, epoch_seconds=60)
    poll = outcome_of(SLOT, WAITING, None, stream_is_live=True, tick=102)
    assert _after(102, poll, 111, RUNS, calendar)[0] == range(0)
    draws, decided = _after(102, poll, 112, RUNS, calendar)
    assert (draws, decided.minutes_due) == (range(102, 103), 1)


def test_where_nobody_waits_nothing_is_asked_for() -> None:
    """Who is down for another reason is down at once."""
    for answer in (LIVE, Reason.CONNECT_FAILED):
        poll = outcome_of(SLOT, answer, None, stream_is_live=True, tick=102)
        assert poll.minutes_due == 1
        assert _after(102, poll, 104, RUNS) == (range(0), poll)
    idle = outcome_of(SLOT, WAITING, None, stream_is_live=False, tick=102)
    assert (idle.minutes_due, idle.waited) == (0, 0)
