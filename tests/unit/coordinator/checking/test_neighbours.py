"""Who stands beside a node that keeps its word is watched as if it had nothing to lose."""

import pytest

from coordinator.checking.checks import Verdict
from coordinator.checking.neighbours import KEPT_S, watched
from coordinator.checking.suspicion import NOBODY, TrustState, observe
from coordinator.checking.trust_book import TrustBook
from coordinator.strangers.networks import place_number
from tests.builders import a_check

NOW_S = 1_795_305_600.0
HERE, THERE = "203.0.114.7", "203.0.114.8"


def _after(*verdicts: Verdict, address: str = HERE, ago_s: float = 900.0) -> TrustState:
    """Of a node whose checks ended so, the last of them so long ago."""
    state = NOBODY
    for at, verdict in enumerate(verdicts, start=1 - len(verdicts)):
        made = a_check(NOW_S - ago_s + 60 * at, verdict, attempts=({"address": address},))
        state, _ = observe(state, made)
    return state


KEPT = _after(Verdict.PASS)


def _watched(
    one: TrustState, other: TrustState, streams: tuple[str, str] = ("s3", "s3")
) -> set[str]:
    states = {"n2": one, "n3": other}
    return set(watched(dict(zip(states, streams, strict=True)), states, NOW_S))


def test_of_two_that_keep_their_word_at_one_address_both_are_watched() -> None:
    assert _watched(KEPT, KEPT) == {"n2", "n3"}


@pytest.mark.parametrize(
    "other",
    [
        _after(Verdict.PASS, Verdict.FAIL),
        _after(Verdict.PASS, Verdict.DEGRADED),
        _after(Verdict.PASS, ago_s=KEPT_S),
        _after(Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN),
    ],
)
def test_a_neighbour_that_keeps_no_word_has_nobody_watched(other: TrustState) -> None:
    """It is watched itself: else who claims to be there could have others watched for ever."""
    assert _watched(KEPT, other) == {"n3"}


def test_who_was_never_reached_there_is_no_neighbour() -> None:
    """Whatever it announces: only a check that passed says where a node stands."""
    assert _watched(KEPT, NOBODY) == set()
    assert _watched(KEPT, _after(Verdict.FAIL)) == set()


def test_places_are_addresses_and_of_one_stream() -> None:
    assert _watched(KEPT, _after(Verdict.PASS, address=THERE)) == set()
    assert _watched(KEPT, KEPT, ("s3", "s5")) == set()
    local = _after(Verdict.PASS, address="192.168.7.3")
    assert _watched(local, local) == set()
    one, other = (_after(Verdict.PASS, address=f"2001:4860:7:9::{n}") for n in (2, 3))
    assert _watched(one, other) == {"n2", "n3"}


def test_a_node_stands_where_its_last_passed_check_reached_it() -> None:
    """A late record of an older check does not move it back."""
    book = TrustBook()
    for at_s, address in ((300.0, HERE), (900.0, THERE), (600.0, HERE)):
        check = a_check(NOW_S + at_s, attempts=({"address": address},))
        book, _ = book.observing([check])
    assert book.of("n2").place == place_number(THERE)
    failed = a_check(NOW_S + 1_200, Verdict.FAIL, attempts=({"address": HERE},))
    book, _ = book.observing([failed])
    assert book.of("n2").place == place_number(THERE)
