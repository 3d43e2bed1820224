"""How likely a share of unknown checks is by chance: exact, and right in small worlds."""

import random
from fractions import Fraction
from itertools import combinations, product

import pytest

from coordinator.checking.checks import Check, Verdict
from coordinator.reasons import Reason
from tools.verify.unknown_shares import TOGETHER_S, Drawn, findings, tail, unknown_shares

UNKNOWN = (Verdict.UNKNOWN, Reason.UNKNOWN_CAPACITY)
PASSED = (Verdict.PASS, Reason.PASSED)


@pytest.mark.parametrize("total", range(1, 8))
def test_the_tail_is_what_counting_finds(total: int) -> None:
    """Every way to draw is tried."""
    for marked in range(total + 1):
        for drawn in range(total + 1):
            hands = list(combinations(range(total), drawn))
            for found in range(drawn + 1):
                hits = sum(sum(card < marked for card in hand) >= found for hand in hands)
                ways = tail(found, [Drawn(drawn, marked, total)])
                assert ways == Fraction(hits, len(hands))


def test_hours_are_dealt_each_for_itself() -> None:
    """Every hand of one hour beside every hand of another."""
    hours = Drawn(2, 1, 4), Drawn(3, 4, 5)
    hands = product(*(combinations(range(hour.all_checks), hour.checks) for hour in hours))
    counts = [
        sum(
            card < hour.all_unknown for hand, hour in zip(both, hours, strict=True) for card in hand
        )
        for both in hands
    ]
    for found in range(6):
        expected = Fraction(sum(count >= found for count in counts), len(counts))
        assert tail(found, hours) == expected


def _checks(node_id: str, made: int, unknown: int, **more: object) -> list[Check]:
    stream_id = str(more.get("stream_id", "s3"))
    caused_by_s = 7.5 if more.get("is_retest") else None
    return [
        Check(
            node_id,
            stream_id,
            at,
            float(at),
            *(UNKNOWN if at < unknown else PASSED),
            caused_by_s=caused_by_s,
        )
        for at in range(made)
    ]


def test_faults_that_fall_on_everybody_are_no_finding() -> None:
    """A tenth of every node's checks."""
    checks = [check for name in "abcdefgh" for check in _checks(name, 97, 10)]
    shares = unknown_shares(checks, ())
    assert {(share.unknown, share.checks) for share in shares} == {(10, 97)}
    assert findings(shares) == []


def test_a_node_whose_failures_became_unknown_is_found() -> None:
    """The others' checks have five faults of ours; it has eleven alone."""
    checks = [check for name in "bcdefgh" for check in _checks(name, 97, name < "g")]
    shares = unknown_shares([*checks, *_checks("a", 97, 11)], ())
    assert shares[0].node_id == "a"
    assert shares[0].chance < Fraction(1, 10**6)
    (said,) = findings(shares)
    assert said.startswith("a, s3: 11 of 97 unknown, all nodes 16 of 776 in its hours: p = ")


def test_who_came_during_a_fault_of_ours_is_no_finding() -> None:
    """A newcomer is drawn in most draws of ten minutes, and all of these were lost for everybody.
    Of the whole day's checks it has far more unknown ones than chance deals out."""
    hour_s, lost = 12 * TOGETHER_S, range(10)

    def check(node_id: str, at_s: float) -> Check:
        verdict = UNKNOWN if 0 <= at_s - hour_s < len(lost) * 60 else PASSED
        return Check(node_id, "s3", int(at_s // 60), at_s, *verdict)

    others = [
        check(f"n{name}", name * 60.0 + at * 900) for name in range(15) for at in range(4 * 24)
    ]
    newcomer = [check("new", hour_s + at * 60.0) for at in (0, 1, 2, 4, 5, 7, 9, 17, 32)]
    shares = unknown_shares([*others, *newcomer], ())
    assert shares[0].node_id == "new"
    assert shares[0].unknown == 7
    assert findings(shares) == []
    day = [Drawn(9, 17, len(others) + 9)]
    assert tail(7, day) * len(shares) < Fraction(1, 10**6)


def test_a_share_is_as_unlikely_as_it_is_seldom() -> None:
    """Five hundred networks with faults that come in bursts: of chances below a tenth, a hundredth
    there are no more than that; nor far fewer of the greater ones, or nobody would be found."""
    lots = random.Random(7)
    chances: list[Fraction] = []
    for _ in range(500):
        bad = [lots.choice((0.01, 0.05, 0.6)) for _ in range(6)]
        checks = [
            Check(
                f"n{name}",
                "s3",
                draw,
                draw * 900.0,
                *(UNKNOWN if lots.random() < bad[draw // 4] else PASSED),
            )
            for draw in range(24)
            for name in range(7)
            if lots.random() < 0.8
        ]
        share = next(each for each in unknown_shares(checks, ()) if each.node_id == "n0")
        chances.append(share.chance)
    for level, least in ((Fraction(1, 10), 20), (Fraction(1, 100), 1)):
        seldom = sum(chance <= level for chance in chances)
        expected = level * len(chances)
        assert least <= seldom <= expected + 3 * float(expected) ** 0.5


def test_streams_retests_and_controls_are_kept_apart() -> None:
    """A stream that could not be read is unknown to all of its nodes, and only to them."""
    checks = [*_checks("a", 9, 9, stream_id="s5"), *_checks("b", 9, 9, stream_id="s5")]
    checks += [*_checks("a", 9, 0), *_checks("b", 9, 0), *_checks("c", 9, 9)]
    checks += _checks("b", 5, 5, is_retest=True)
    shares = unknown_shares(checks, ["c"])
    assert [(s.node_id, s.stream_id, *s.hours) for s in shares] == [
        ("a", "s3", Drawn(9, 0, 18)),
        ("a", "s5", Drawn(9, 18, 18)),
        ("b", "s3", Drawn(9, 0, 18)),
        ("b", "s5", Drawn(9, 18, 18)),
    ]
    assert all(share.chance == 1 for share in shares)
