"""The simulated sponsor: what it does to its stream comes of real rules, and old ones are found."""

from collections.abc import Iterable
from statistics import fmean

import pytest

from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.policies import Condition, Policy, Rule, Sight, Standing
from bench.simulations.adversary.sponsors import KNOWN, PLAIN, sponsor_lives, told
from coordinator.epochs import Calendar

CHECK_INTERVAL = 15
"""Minutes: so many wait for their check, on average."""


WORST = Policy((Rule((Condition(Sight.WAITING, 25, below=False),), Deed.CLOSE),), Deed.PUBLISH)
"""It closes when its nodes have waited for long."""


def _once(sight: Sight, value: int, deed: Deed) -> Policy:
    return Policy((Rule((Condition(sight, value, below=False),), deed),), Deed.PUBLISH)


def _lives(policy: Policy, seeds: Iterable[int] = range(1, 7)) -> tuple[float, float]:
    """(unpaid minutes of a node beyond a plain stream's, paid ones)."""
    lives = [life for seed in seeds for life in sponsor_lives([policy], seed)[0]]
    gain, paid = (fmean(column) for column in zip(*lives, strict=True))
    return gain, paid


def test_a_plain_stream_is_what_others_are_measured_by() -> None:
    gain, paid = _lives(PLAIN)
    assert abs(gain) < CHECK_INTERVAL / 2
    assert 340 < paid < 420 - CHECK_INTERVAL  # seven hours, of which its nodes came within one


def test_who_closes_at_the_worst_moment_pays_as_for_any_other_last_epoch() -> None:
    gain, paid = _lives(WORST, range(3))
    assert gain < CHECK_INTERVAL / 4
    assert paid > 60  # it has to go on for an epoch at least


def test_closing_at_once_was_a_better_bargain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old rule, put back: what waits at the worst moment lapses. By the same chance, so that
    the rules alone differ."""
    now, _ = _lives(WORST, range(2, 6))
    monkeypatch.setattr(Calendar, "ends_s", lambda _, asked_s, wanted_s=0.0: max(asked_s, wanted_s))
    gain, _ = _lives(WORST, range(2, 6))
    assert gain > now + CHECK_INTERVAL / 4


def test_nodes_leave_a_stream_whose_tokens_are_used_up() -> None:
    poor = Policy((), Deed.PUBLISH, standing=Standing.ONE_NETWORK)
    gain, paid = _lives(poor)
    assert paid <= 150  # what there were tokens for
    assert gain < 2 * CHECK_INTERVAL  # and not the four hours that were left


def test_who_adds_tokens_late_pays_for_all_of_it() -> None:
    adds = Policy(
        (Rule((Condition(Sight.LASTS, 5),), Deed.TOP_UP),),
        Deed.PUBLISH,
        standing=Standing.ONE_NETWORK,
    )
    gain, paid = _lives(adds)
    assert paid > 300
    assert gain < CHECK_INTERVAL / 2


def test_nodes_leave_what_cannot_be_verified() -> None:
    gain, paid = _lives(_once(Sight.OPEN, 180, Deed.UNVERIFIABLE), range(4, 7))
    assert 60 < paid < 180
    assert gain < 3 * CHECK_INTERVAL  # and not for the four hours that follow


def test_a_pause_costs_nobody_what_was_checked_again() -> None:
    pauses = Policy((Rule((Condition(Sight.CYCLE, 10),), Deed.PAUSE),), Deed.PUBLISH)
    gain, paid = _lives(pauses)
    assert gain < CHECK_INTERVAL / 2
    assert paid > 0.8 * 5 / 6 * 390


def test_of_two_streams_nodes_go_to_the_one_that_pays() -> None:
    two = Policy((), Deed.PUBLISH, standing=Standing.APART)
    _, paid = _lives(two)
    assert 2 * paid > 240  # each has tokens for two and a half hours


def test_every_known_sponsor_tells_itself() -> None:
    assert len({told(policy) for policy in KNOWN}) == len(KNOWN)
    assert told(KNOWN[-1]) == (
        "with tokens for two and a half hours: adds tokens for half an hour of its nodes, and "
        "publishes while minutes that the balance lasts < 5; else publishes"
    )
