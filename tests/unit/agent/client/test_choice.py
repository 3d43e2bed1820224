"""Which stream a node takes that may choose."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.client.answers import MICROS, Candidate, RelayedStream
from agent.client.choice import chosen_stream
from rtmp.addresses import RtmpAddress


def _candidate(
    stream_id: str, verified: int, paid: int, status: str = "active", reward_micros: int = MICROS
) -> Candidate:
    url = RtmpAddress("203.0.113.5", 1935, "live", stream_id)
    return Candidate(RelayedStream(stream_id, status, url), verified, paid, reward_micros)


def _joined(candidates: list[Candidate], nodes: int, balance: int = MICROS * 10**6) -> Counter[str]:
    """How many nodes each has, once so many have chosen one after the other."""
    chance, taken = Random(7), Counter[str]()
    for _ in range(nodes):
        now = [
            replace(c, nodes_verified=taken[c.stream.stream_id], balance_micros=balance)
            for c in candidates
        ]
        stream = chosen_stream(now, chance.random())
        assert stream is not None
        taken[stream.stream_id] += 1
    return taken


def test_ten_thousand_places_at_nearly_nothing_do_not_take_everybody() -> None:
    """0.000001 an hour is a thing to leave alone while others pay."""
    cheap = _candidate("cheap", 0, 10_000, reward_micros=1)
    fair = _candidate("fair", 0, 100, reward_micros=1_500_000)
    small = _candidate("small", 0, 10, reward_micros=1_000_000)
    taken = _joined([cheap, fair, small], 100)
    assert taken["cheap"] == 0
    assert taken["small"] >= 9


def test_a_dear_stream_does_not_take_everybody_while_others_lack_nodes() -> None:
    """Three times the price brings about three times the nodes, while both have room."""
    dear = _candidate("dear", 0, 1_000, reward_micros=3_000_000)
    fair = _candidate("fair", 0, 1_000, reward_micros=1_000_000)
    taken = _joined([dear, fair], 200)
    assert 2 <= taken["dear"] / taken["fair"] <= 4


def test_a_price_without_tokens_behind_it_is_no_bait() -> None:
    """A stream that can pay a millionth of what it promises counts for that."""
    bait = replace(_candidate("bait", 0, 10_000, reward_micros=10**12), balance_micros=1)
    fair = _candidate("fair", 0, 100)
    assert {chosen_stream([bait, fair], n / 100) for n in range(1, 100)} == {fair.stream}


def test_only_active_streams_are_taken() -> None:
    """Full ones too, where there is nothing else."""
    over = [_candidate("d", 0, 9, "closed"), _candidate("e", 0, 9, "exhausted")]
    assert chosen_stream(over, 0.5) is None
    full = _candidate("full", 9, 9)
    assert chosen_stream([*over, full], 0.5) == full.stream
    assert chosen_stream([*over, full, _candidate("free", 8, 9)], 0.99) != full.stream


def test_a_stream_is_left_for_a_better_one_and_not_for_one_that_is_as_bad() -> None:
    """Another stream is a new start. Its own may be served best of all: that is no reason."""
    own, other = _candidate("own", 9, 10), _candidate("other", 0, 10)
    bad = [replace(each, stream=replace(each.stream, is_unverified=True)) for each in (own, other)]
    used_up = _candidate("own", 9, 10, "exhausted")
    for streams, taken in (
        ([own, other], "own"),
        ([bad[0], other], "other"),
        ([own, bad[1]], "own"),
        (bad, "own"),
        ([used_up, bad[1]], "other"),
        ([bad[1]], "other"),
    ):
        chosen = chosen_stream(streams, 0.5, "own")
        assert chosen
        assert chosen.stream_id == taken


def test_chance_decides_between_equals() -> None:
    """Otherwise every new node would take the same one."""
    streams = [_candidate(name, 0, 7) for name in ("c", "a", "b")]
    chosen = [chosen_stream(streams, chance) for chance in (0.0, 0.4, 0.999)]
    assert [s.stream_id for s in chosen if s] == ["a", "b", "c"]


amounts = st.integers(0, 10**18)


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10**9), amounts, amounts), max_size=6),
    st.floats(0, 1, exclude_max=True),
)
def test_there_is_always_a_choice_where_there_is_a_stream(
    figures: list[tuple[int, int, int, int]], chance: float
) -> None:
    """Whatever prices, places and balances are named."""
    streams = [
        replace(_candidate(f"s{at}", verified, paid, reward_micros=reward), balance_micros=balance)
        for at, (verified, paid, reward, balance) in enumerate(figures)
    ]
    chosen = chosen_stream(streams, chance)
    assert (chosen is None) is (not streams)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_list_says_nothing(order: int) -> None:
    """The coordinator sorts it as it likes."""
    streams = [_candidate(name, 0, 7) for name in ("a", "b", "c")][::order]
    chosen = chosen_stream(streams, 0.5)
    assert chosen is not None
    assert chosen.stream_id == "b"
