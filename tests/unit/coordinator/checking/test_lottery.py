"""The lottery is fair, exact and verifiable."""

from collections import Counter
from datetime import date

import pytest

from coordinator.checking.lengths import SPAN_S, SPANS_FROM_S, VERY_LONG_S, Length
from coordinator.checking.lottery import Lottery, commitment, day_of, day_secret

KEY = "k" * 32
SECRET = day_secret(KEY, date(2026, 11, 22))


def test_a_draw_is_the_same_for_whoever_knows_the_secret() -> None:
    """Which is everybody, after the day."""
    one, other = Lottery(SECRET, 60, 4), Lottery(SECRET, 60, 4)
    assert [one.is_due("n1", d, -600) for d in range(500)] == [
        other.is_due("n1", d, -600) for d in range(500)
    ]


def test_checks_come_as_often_as_published() -> None:
    """4 an hour: 20,000 minutes draw 1,333 ± 5 standard deviations."""
    drawn = sum(Lottery(SECRET, 60, 4).is_due("n1", draw, -(10**9)) for draw in range(20_000))
    assert abs(drawn - 1_333) < 5 * 36


def test_a_rate_of_one_per_draw_draws_everybody() -> None:
    """The bound is exact: no draw is lost to rounding."""
    assert all(Lottery(SECRET, 60, 60).is_due("n1", draw, -(10**9)) for draw in range(1_000))


def test_a_due_second_lies_within_its_draw() -> None:
    """And is spread over it."""
    dues = [Lottery(SECRET, 60, 60).due_s("n1", draw) - draw * 60 for draw in range(2_000)]
    assert min(dues) >= 0
    assert max(dues) < 60
    assert sum(dues) / len(dues) == pytest.approx(30, abs=2)


def test_one_check_in_twenty_is_very_long_and_of_the_others_one_in_four_is_long() -> None:
    """A fixed length could be learned."""
    lottery = Lottery(SECRET, 60, 60)
    drawn = Counter(lottery.length("n1", draw) for draw in range(8_000))
    assert drawn[Length.VERY_LONG] / 8_000 == pytest.approx(0.05, abs=0.01)
    assert drawn[Length.LONG] / 8_000 == pytest.approx(0.2375, abs=0.02)


def test_a_network_of_short_draws_has_no_check_that_outlasts_them() -> None:
    """It runs for show, and its epochs are over in a minute."""
    lottery = Lottery(SECRET, 15, 60)
    assert {lottery.length("n1", draw) for draw in range(500)} == {Length.SHORT, Length.LONG}
    assert {lottery.retest_after_s("n1", draw) for draw in range(500)} == {0.0}


def test_any_second_of_a_very_long_check_may_be_read_and_its_end_always_is() -> None:
    """A node that knew when it is not watched would not serve then."""
    lottery = Lottery(SECRET, 60, 60)
    drawn = [lottery.spans_s("n1", draw) for draw in range(2_000)]
    read = {int(at_s) + n for spans_s in drawn for at_s in spans_s for n in range(5)}
    assert read == set(range(int(SPANS_FROM_S), int(VERY_LONG_S)))
    for spans_s in drawn:
        assert list(spans_s) == sorted(spans_s)
        assert spans_s[-1] + SPAN_S == VERY_LONG_S


def test_a_retest_of_who_served_nothing_comes_at_any_second_of_a_minute() -> None:
    """At once it would only meet who waits for it."""
    lottery = Lottery(SECRET, 60, 60)
    waits = [lottery.retest_after_s("n1", draw) for draw in range(2_000)]
    assert {int(wait_s) for wait_s in waits} == set(range(60))


def test_days_and_keys_have_secrets_of_their_own() -> None:
    """Publishing one day's tells nothing about another's."""
    secrets = {day_secret(k, date(2026, 11, d)) for k in (KEY, "l" * 32) for d in (22, 23)}
    assert len(secrets) == 4
    assert len({commitment(secret) for secret in secrets}) == 4


def test_a_short_key_is_refused() -> None:
    """A key that can be guessed seals nothing."""
    with pytest.raises(ValueError, match="32 characters"):
        day_secret("k" * 31, date(2026, 11, 22))


def test_a_draw_belongs_to_the_day_it_begins_in() -> None:
    """UTC, half-open."""
    midnight = 1_795_305_600 // 60
    assert day_of(midnight, 60) == date(2026, 11, 22)
    assert day_of(midnight - 1, 60) == date(2026, 11, 21)


def test_a_newcomer_is_drawn_in_three_draws_of_four_for_ten_minutes() -> None:
    """And then like everybody else; nobody's other draws change by that."""
    lottery, joined = Lottery(SECRET, 15, 4), 1_000
    new = [
        sum(lottery.is_due(f"n{n}", joined + later, joined * 15) for n in range(2_000))
        for later in range(42)
    ]
    assert all(1_400 < count < 1_600 for count in new[:40])
    assert all(count < 200 for count in new[40:])
    for n in range(200):
        if lottery.is_due(f"n{n}", joined, -(10**9)):
            assert lottery.is_due(f"n{n}", joined, joined * 15)


def test_a_newcomers_checks_of_two_minutes_do_not_follow_each_other_at_once() -> None:
    """Two of them side by side were more than a small line carries; the ordinary draws stay."""
    lottery, joined = Lottery(SECRET, 60, 4), 1_000
    for n in range(500):
        name, draws = f"n{n}", range(joined, joined + 10)
        due = [lottery.is_due(name, draw, joined * 60) for draw in draws]
        extra = [not lottery.is_due(name, draw, -(10**9)) for draw in draws]
        assert not any(due[at] and due[at + 1] and extra[at + 1] for at in range(9))
    first = [lottery.is_due(f"n{n}", joined, joined * 60) for n in range(2_000)]
    assert 1_400 < sum(first) < 1_600
    last = [lottery.is_due(f"n{n}", joined + 9, joined * 60) for n in range(2_000)]
    assert 780 < sum(last) < 1_000  # 44.6 % of them, once the first draw is forgotten
