"""How often what came is written."""

import random

import pytest

from agent.relay.restream.rhythm import NODE_AHEAD, Rhythm
from agent.settings import FLUSH_MS

EVERY_S = FLUSH_MS / 1000


def flushed_s(rhythm: Rhythm, came_s: list[float]) -> list[float]:
    """When each of these was written: at the first flush that is allowed after it came."""
    found: list[float] = []
    for moment_s in came_s:
        if found and moment_s <= found[-1]:
            found.append(found[-1])
            continue
        at_s = moment_s + rhythm.wait_s(moment_s)
        rhythm.flushed(at_s)
        found.append(at_s)
    return found


def test_what_comes_after_a_pause_goes_out_at_once() -> None:
    rhythm = Rhythm(FLUSH_MS, is_node=False)
    assert flushed_s(rhythm, [5.0, 9.0]) == [5.0, 9.0]


def test_an_ingest_writes_once_for_all_that_came_in_a_pause() -> None:
    came_s = [n / 75 for n in range(750)]
    at_s = flushed_s(Rhythm(FLUSH_MS, is_node=False), came_s)
    assert 10 / EVERY_S * 0.8 <= len(set(at_s)) <= 10 / EVERY_S + 1
    assert max(b - a for a, b in zip(came_s, at_s, strict=True)) <= EVERY_S


@pytest.mark.parametrize("late_s", [0.0, 0.015])
def test_a_node_hands_on_each_batch_as_it_comes(late_s: float) -> None:
    """Also key frames, which come in several reads, and on a machine that wakes it late."""
    chance = random.Random(11)
    batches_s = [n * EVERY_S + chance.uniform(0, late_s) for n in range(2_000)]
    parts_s = [at_s + 0.001 for at_s in batches_s[::44]]
    came_s = sorted([*batches_s, *parts_s])
    at_s = flushed_s(Rhythm(FLUSH_MS, is_node=True), came_s)
    assert max(b - a for a, b in zip(came_s, at_s, strict=True)) == 0


def test_a_node_of_an_ingest_that_does_not_batch_writes_as_seldom() -> None:
    came_s = [n / 75 for n in range(750)]
    at_s = flushed_s(Rhythm(FLUSH_MS, is_node=True), came_s)
    assert len(set(at_s)) <= 10 / (EVERY_S * 0.9) + 2 + NODE_AHEAD
