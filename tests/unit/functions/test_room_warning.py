"""Ops hear of a roster before there is no room in it."""

import json
from dataclasses import replace

import pytest

from collector.room_warning import warn_of_room
from coordinator.adapters.log import Log
from coordinator.sweeping.roster_room import CHARACTERS_MAX, NEARLY_FULL_PERCENT, SLOTS_MAX
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard

SLOT = Slot("n2", "show", "http://192.0.2.2:8080/stats.json", "192.0.2.2", 1935, 7, 7.0)
NEARLY = SLOTS_MAX * NEARLY_FULL_PERCENT // 100
GONE = replace(SLOT, left_tick=11, left_reason="left")
LONG = replace(SLOT, stats_url="x" * (CHARACTERS_MAX * NEARLY_FULL_PERCENT // 100))


@pytest.mark.parametrize(
    ("slots", "told"),
    [
        ((SLOT,) * NEARLY, [(NEARLY, 80)]),
        ((SLOT,) * (NEARLY - 1), []),
        ((GONE,) * SLOTS_MAX, []),
        ((GONE,) * 100 + (SLOT,) * NEARLY, [(NEARLY, 80)]),
        ((LONG,), [(1, 80)]),
        ((SLOT,) * SLOTS_MAX, [(SLOTS_MAX, 100)]),
    ],
    ids=["four fifths", "one less", "all gone", "some gone", "long names", "full"],
)
def test_a_roster_that_is_nearly_full_is_told(
    slots: tuple[Slot, ...], told: list[tuple[int, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the limit that is nearer; who is polled no more gives way, and does not count."""
    warn_of_room(Roster(Shard(3, 5), 7, 7.0, slots), Log("collector"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["nodes"], line["percent"]) for line in lines] == told
    assert [(line["severity"], line["shard"]) for line in lines] == [("WARNING", 3)] * len(told)
