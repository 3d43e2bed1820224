"""How likely a share of unknown checks is by chance: exact, and right in small worlds."""

from fractions import Fraction
from itertools import combinations

import pytest

from coordinator.checking.checks import Check, Verdict
from coordinator.reasons import Reason
from tools.verify.unknown_shares import findings, tail, unknown_shares


@pytest.mark.parametrize("total", range(1, 8))
def test_the_tail_is_what_counting_finds(total: int) -> None:
    """Every way to draw is tried."""
    for marked in range(total + 1):
        for drawn in range(total + 1):
            hands = list(combinations(range(total), drawn))
            for found in range(drawn + 1):
                hits = sum(sum(card < marked for card in hand) >= found for hand in hands)
                assert tail(found, drawn, marked, total) == Fraction(hits, len(hands))


def _checks(node_id: str, made: int, unknown: int, **more: object) -> list[Check]:
    stream_id = str(more.get("stream_id", "s3"))
    caused_by_s = 7.5 if more.get("is_retest") else None
    return [
        Check(
            node_id,
            stream_id,
            at,
            float(at),
            *(
                (Verdict.UNKNOWN, Reason.UNKNOWN_CAPACITY)
                if at < unknown
                else (Verdict.PASS, Reason.PASSED)
            ),
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
    assert said.startswith("a, s3: 11 of 97 unknown, all nodes 16 of 776: p = ")


def test_streams_retests_and_controls_are_kept_apart() -> None:
    """A stream that could not be read is unknown to all of its nodes, and only to them."""
    checks = [*_checks("a", 9, 9, stream_id="s5"), *_checks("b", 9, 9, stream_id="s5")]
    checks += [*_checks("a", 9, 0), *_checks("b", 9, 0), *_checks("c", 9, 9)]
    checks += _checks("b", 5, 5, is_retest=True)
    shares = unknown_shares(checks, ["c"])
    assert [(s.node_id, s.stream_id, s.all_unknown, s.all_checks) for s in shares] == [
        ("a", "s3", 0, 18),
        ("a", "s5", 18, 18),
        ("b", "s3", 0, 18),
        ("b", "s5", 18, 18),
    ]
    assert all(share.chance == 1 for share in shares)
