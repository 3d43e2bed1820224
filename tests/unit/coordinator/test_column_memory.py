"""Columns, packed: what did not change is taken from before, and nobody can tell."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from coordinator.documents.column_memory import FAST, SMALL, ColumnPacker, Columns, unpacked
from coordinator.pages.network_pages import NetworkPage
from tests.populated import network_page

NOW_S = 1_795_305_637.0


def _made(columns: Columns, calls: list[Columns]) -> Callable[[], Columns]:
    def make() -> Columns:
        calls.append(columns)
        return columns

    return make


def test_columns_survive_packing() -> None:
    """Names and values, in their order."""
    columns: Columns = {"a": [1, None, "x"], "b": [0.5, 0, True]}
    assert unpacked(ColumnPacker().pack("g", 7, lambda: columns)) == columns


def test_damaged_columns_are_refused() -> None:
    """As any other packed field."""
    with pytest.raises(ValueError, match="damaged"):
        unpacked({"a": b"no zlib"})


def test_an_equal_source_is_not_made_into_columns_again() -> None:
    """Neither at once nor later; at another level it is."""
    packer, calls = ColumnPacker(), list[Columns]()
    make = _made({"a": [1, 2]}, calls)
    first = packer.pack("g", (1, 2), make)
    assert packer.pack("g", (1, 2), make) is first
    assert len(calls) == 1
    assert unpacked(packer.pack("g", (1, 2), make, SMALL)) == {"a": [1, 2]}
    assert packer.pack("g", (1, 2), make, FAST) is first
    assert len(calls) == 2


def test_only_columns_that_differ_are_packed_again() -> None:
    """Of another group the same name is another column."""
    packer = ColumnPacker()
    before = packer.pack("g", 1, lambda: {"same": [1, 2], "other": [3]})
    after = packer.pack("g", 2, lambda: {"same": [1, 2], "other": [4]})
    assert after["same"] is before["same"]
    assert unpacked(after) == {"same": [1, 2], "other": [4]}
    assert unpacked(packer.pack("h", 2, lambda: {"same": [9]})) == {"same": [9]}


def _minutes(page: NetworkPage) -> list[NetworkPage]:
    """What follows: a minute without news, then each part of a page changing in its turn."""
    later = {at: replace(poll, minutes_due=poll.minutes_due + 1) for at, poll in page.polls.items()}
    quiet = replace(page, tick=page.tick + 1, polls=later)
    name = page.slots[0].node_id
    return [
        quiet,
        replace(quiet, polls={**later, 0: replace(later[0], viewers=later[0].viewers + 1)}),
        replace(quiet, trust={**page.trust, name: replace(page.trust[name], passed=10**6)}),
        replace(quiet, thumbnails={name: "p7"}),
        replace(quiet, slots=(replace(page.slots[0], rtmp_port=7), *page.slots[1:])),
        replace(quiet, slots=page.slots[:-1], polls={0: later[0]}),
        replace(quiet, history=replace(page.history, nodes={})),
        page,
    ]


def test_a_page_is_the_same_whatever_was_packed_before_it() -> None:
    """A packer saves time and is never seen."""
    packer, page = ColumnPacker(), network_page(40, NOW_S)
    for each in (page, *_minutes(page)):
        assert each.to_fields(packer) == each.to_fields()


def test_most_columns_stay_as_they_are_in_a_minute_without_news() -> None:
    """Being there for one more minute is no news."""
    packer, page = ColumnPacker(), network_page(40, NOW_S)
    before, quiet = page.to_fields(packer), _minutes(page)[0].to_fields(packer)
    for group in ("slots", "trust", "past"):
        assert quiet[group] is before[group]
    for name in ("minutes_away", "viewers", "since_tick", "outcome"):
        assert quiet["polls"][name] is before["polls"][name]
