"""Collector and prober rest only while nobody could be paid and no day is to be sealed."""

from datetime import date

import pytest

from coordinator.checking.sealed_days import LotteryDay
from coordinator.sweeping.demand import days_need_the_prober, somebody_is_there
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from tests.builders import a_slot

MIDNIGHT_S = 1_795_305_600.0
YESTERDAY, TODAY, TOMORROW = date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 23)


def _day(day: date, secret: bytes | None = None) -> LotteryDay:
    return LotteryDay(day, "0" * 64, 60, 4, 0.0, secret)


OPENED, SHUT = _day(YESTERDAY, b"s"), _day(YESTERDAY)


@pytest.mark.parametrize(
    ("after_midnight_s", "days", "is_needed"),
    [
        (600, (OPENED, _day(TODAY), _day(TOMORROW)), False),
        (600, (OPENED, _day(TODAY), None), True),
        (600, (OPENED, None, None), True),
        (600, (SHUT, _day(TODAY), _day(TOMORROW)), True),
        (60, (SHUT, _day(TODAY), _day(TOMORROW)), False),
        (600, (None, _day(TODAY), _day(TOMORROW)), False),
    ],
    ids=[
        "all is done",
        "tomorrow is not sealed",
        "nothing is sealed",
        "yesterday may be opened",
        "yesterday's last check may still run",
        "yesterday nobody had a network",
    ],
)
def test_the_prober_is_needed_for_days(
    after_midnight_s: float,
    days: tuple[LotteryDay | None, LotteryDay | None, LotteryDay | None],
    is_needed: bool,
) -> None:
    """To seal tomorrow and to open yesterday, whoever is there."""
    assert days_need_the_prober(MIDNIGHT_S + after_midnight_s, *days) == is_needed


def _node(stream_id: str, state: str) -> Node:
    return Node.model_validate(
        {
            "node_id": "n3",
            "stream_id": stream_id,
            "stats_url": "http://192.0.2.7/",
            "rtmp_host": "192.0.2.7",
            "rtmp_port": 1935,
            "agent": "0.1.0",
            "engine": "restream",
            "state": state,
            "joined_s": 11.0,
            "changed_s": 11.0,
        }
    )


@pytest.mark.parametrize(
    ("slots", "announced", "is_there"),
    [
        ((), (), False),
        ((a_slot(stream_id="open"),), (), True),
        ((a_slot(stream_id="open", left_tick=11),), (), False),
        ((a_slot(stream_id="settled"),), (), False),
        ((), (_node("open", "running"),), True),
        ((), (_node("open", "leaving"),), False),
        ((), (_node("settled", "running"),), False),
        ((a_slot(stream_id="settled"), a_slot(stream_id="open")), (), True),
    ],
    ids=[
        "nobody",
        "polled",
        "left",
        "on a settled stream",
        "just come",
        "just gone",
        "come to a settled stream",
        "one of two",
    ],
)
def test_somebody_is_there_whose_minutes_count(
    slots: tuple[Slot, ...], announced: tuple[Node, ...], is_there: bool
) -> None:
    """Polled, or not yet taken in, for a stream that is not settled."""
    assert somebody_is_there({"open"}, [Roster(WHOLE, 1, 1.0, slots)], announced) == is_there


def test_without_a_stream_nobody_counts() -> None:
    """However many nodes there are."""
    assert not somebody_is_there(set(), [Roster(WHOLE, 1, 1.0, (a_slot(stream_id="open"),))], ())
