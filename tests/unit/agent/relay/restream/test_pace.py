"""When nodes try their ingest again: few soon, and many one after the other."""

import random

import pytest

from agent.relay.restream.pace import CALM_S, PULLS_A_SECOND, UNTOLD_S, PullPace
from agent.relay.restream.waiting import Waiting
from rtmp.turns import Turn

CROWD = 1_000
CHANCE = random.Random(11)


def paces(crowd: int, is_told: bool = True) -> list[PullPace]:
    """Of nodes that lose their ingest in this moment, 0."""
    found = [PullPace(0.0, CHANCE.random()) for _ in range(crowd)]
    for place, pace in enumerate(found, start=1):
        pace.tried(-100.0)
        if is_told:
            pace.tell(Turn(place, crowd), with_media=True)
    return found


def tries_s(pace: PullPace, until_s: float) -> list[float]:
    """Of one node, each refused at once."""
    found: list[float] = []
    now_s = 0.0
    while (now_s := pace.next_s(now_s)) < until_s:
        pace.tried(now_s)
        found.append(now_s)
        now_s += 0.001
    return found


def most_a_second(moments_s: list[float]) -> int:
    """Within any second."""
    moments_s = sorted(moments_s)
    return max(
        sum(1 for each in moments_s[n : n + 400] if each < moment_s + 1)
        for n, moment_s in enumerate(moments_s)
    )


def test_a_thousand_come_one_after_the_other_whenever_their_ingest_is_back() -> None:
    """And in each window every node has its turn."""
    tries = [tries_s(pace, 90.0) for pace in paces(CROWD)]
    assert most_a_second([moment for each in tries for moment in each]) <= PULLS_A_SECOND + 5
    gaps_s = [b - a for each in tries for a, b in zip([0.0, *each], each, strict=False)]
    assert max(gaps_s) <= UNTOLD_S + 0.1


def test_a_thousand_who_were_told_nothing_are_below_a_hundred_a_second() -> None:
    tries = [tries_s(pace, 90.0) for pace in paces(CROWD, is_told=False)]
    assert most_a_second([moment for each in tries for moment in each]) <= 100
    assert max(len(each) for each in tries) <= 90 / UNTOLD_S


@pytest.mark.parametrize("crowd", [1, 5, 100])
def test_a_network_of_few_is_back_within_ten_seconds_of_any_outage(crowd: int) -> None:
    for pace in paces(crowd):
        moments_s = tries_s(pace, 600.0)
        gaps_s = [b - a for a, b in zip([0.0, *moments_s], moments_s, strict=False)]
        assert max(gaps_s) <= CALM_S + 0.1
        assert min(gaps_s[1:]) >= 0.999
        assert moments_s[0] < max(1.0, crowd / PULLS_A_SECOND) + 0.1


def test_an_upstream_that_ends_at_once_is_asked_once_a_second() -> None:
    """It gives a picture and hangs up: that must cost neither side more."""
    pace = PullPace(0.0, 0.0)
    pace.tell(Turn(1, 1), with_media=True)
    now_s, moments_s = 0.0, []
    for _ in range(10):
        now_s = pace.next_s(now_s)
        moments_s.append(now_s)
        pace.tried(now_s)
        pace.lost(now_s)
    assert moments_s == [float(n) for n in range(1, 11)]


def test_the_news_that_the_stream_is_live_begins_a_line_for_all() -> None:
    """A thousand hear it within a moment: their turns are as far apart as after a loss."""
    crowd = paces(CROWD)
    for pace in crowd:
        tries_s(pace, 200.0)
        pace.lost(200.0)
    moments_s = [pace.next_s(200.0) for pace in crowd]
    assert most_a_second(moments_s) <= PULLS_A_SECOND + 5
    assert max(moments_s) <= 200.0 + UNTOLD_S + 0.5


def test_who_comes_in_vain_is_told_how_many_do() -> None:
    waiting = Waiting()
    first = [waiting.turn(n / 10) for n in range(50)]
    assert first[-1] == Turn(50, 50)
    again = [waiting.turn(UNTOLD_S + n / 10) for n in range(50)]
    assert (again[0], again[-1]) == (Turn(1, 50), Turn(50, 50))


def test_a_turn_that_was_told_in_vain_makes_no_crowd_smaller() -> None:
    """An ingest that has just restarted has seen only the first of a thousand."""
    pace = PullPace(0.0, 0.5)
    pace.tell(Turn(900, 1_000), with_media=True)
    pace.tell(Turn(1, 3), with_media=False)
    assert pace.next_s(0.0) > 10
    pace.tell(Turn(1, 3), with_media=True)
    assert pace.next_s(0.0) <= 1
