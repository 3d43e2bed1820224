"""What `make load` reads out of the public record."""

import pytest

from bench.crowd.simulated_node import NodeRun
from bench.load.public_history import SWEEPS_MAX, SweptHistory
from bench.report import NotMeasurableError
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import SweepBits

SWEEP_S = 20
TICK = 700


def _slot(name: str, joined_tick: int, left_tick: int | None = None) -> Slot:
    url = "http://127.16.0.7/s.json"
    return Slot(name, "s3", url, "127.16.0.7", 1935, joined_tick, 1.0, left_tick)


def _history(*slots: Slot, down: int = 0, tick: int = TICK) -> SweptHistory:
    probed = (1 << len(slots)) - 1
    outcomes = dict.fromkeys((outcome.value for outcome in Outcome), 0)
    outcomes |= {"up": probed & ~down, "down": down}
    sweep = SweepBits(WHOLE, tick, 7, probed, **outcomes)
    return SweptHistory([sweep], {(str(WHOLE), 7): Roster(WHOLE, 7, 1.0, slots)})


def _run(
    accepted_tick: float | None, started_tick: float = 0, ended_tick: float | None = None
) -> NodeRun:
    def at_s(tick: float | None) -> float | None:
        return None if tick is None else tick * SWEEP_S

    return NodeRun(started_tick * SWEEP_S, at_s(accepted_tick), at_s(ended_tick))


def test_who_returned_stands_if_the_newest_slot_began_two_sweeps_later_at_the_most() -> None:
    history = _history(
        _slot("n-again", 100, 650),
        _slot("n-late", 690 + SWEEPS_MAX + 1),
        _slot("n-lost", 690, 695),
        _slot("n-untold", 690),
        _slot("n-again", 690 + SWEEPS_MAX),
    )
    names = ("n-again", "n-late", "n-lost", "n-missing")
    runs = {name: [_run(100.0), _run(690.5)] for name in names}
    runs["n-untold"] = [_run(100.0), _run(None)]
    assert history.standing(runs, SWEEP_S) == {"n-again"}


def test_without_a_sweep_nothing_can_be_said() -> None:
    """In a sentence: whoever runs the verb has a machine that is too busy."""
    with pytest.raises(NotMeasurableError, match="no sweep"):
        SweptHistory([], {}).standing({"n7": [_run(1)]}, SWEEP_S)


def test_a_node_that_answered_all_the_while_is_wrongly_down() -> None:
    """One that came, left or was away in that minute is not."""
    names = ("n-there", "n-came", "n-went", "n-away", "n-up")
    history = _history(*(_slot(name, 1) for name in names), down=0b01111)
    runs = {
        "n-there": [_run(1, 1, 500), _run(600, 600, TICK + 1)],
        "n-came": [_run(TICK + 0.5, TICK + 0.1)],
        "n-went": [_run(1, 1, TICK + 0.9)],
        "n-away": [_run(1, 1, 500)],
        "n-up": [_run(1, 1)],
    }
    assert history.wrongly_down(runs, SWEEP_S) == 1
    assert history.polls == 5
