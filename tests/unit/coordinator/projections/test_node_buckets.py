"""The documents that nodes' pages are made of: what fits, what goes first, what repeating does."""

import random
from dataclasses import replace
from functools import cache
from typing import Any

from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.epochs import Calendar
from coordinator.ledger.balances import opening_balance
from coordinator.ledger.rows import Carried, Row
from coordinator.projections.money_projection import MoneyProjection, Tokens
from coordinator.projections.node_buckets import (
    BYTES_MAX,
    EPOCHS_KEPT,
    NODE_BUCKETS,
    Bucket,
    BucketEpoch,
    NodeLine,
    is_known,
)
from coordinator.reasons import Reason
from coordinator.streams import Stream

NODES_OF_A_FULL_BUCKET = 290
"""Of 10,000 nodes 250 are in a bucket; this is about the most that one of the 40 gets."""


def _row(node_id: str, chance: random.Random) -> Row:
    up, waiting = 60 - chance.randrange(4), chance.randrange(20)
    unpaid = ((Reason.DOWN, 60 - up), (Reason.AWAITING_CHECK, waiting))
    carried = Carried(1_795_305_637.123, waiting, True, address=f"51.7.{chance.randrange(250)}.3")
    return Row(
        node_id, 60, up, 0, 0, 0, up - waiting, unpaid, 25_000 * up, 0, 0,
        Reason.AWAITING_CHECK, (), carried,
    )  # fmt: skip


def _attempt(due_s: float, chance: random.Random) -> dict[str, Any]:
    seconds = round(chance.uniform(4, 14), 3)
    eligible = int(seconds * 75 + chance.gauss(0, 6))
    return {
        "started_s": round(due_s + chance.uniform(0, 0.05), 3),
        "seconds": seconds,
        "verdict": "pass",
        "reason": "passed",
        "received": eligible + chance.randrange(20),
        "eligible": eligible,
        "matched": eligible,
        "byte_ratio": 1.0,
        "packet_ratio": 1.0,
        "foreign_ratio": 0.0,
        "keyframes": int(seconds / 2),
        "offset_span_ms": 0,
        "lag_s": round(abs(chance.gauss(0.2, 0.1)), 3),
        "delay_s": round(abs(chance.gauss(0.05, 0.02)), 3),
        "delay_growth_s": round(abs(chance.gauss(0, 0.05)), 3),
        "bytes": int(seconds * chance.gauss(500_000, 8_000)),
        "cpu_s": round(chance.uniform(0.08, 0.14), 3),
        "address": f"51.7.{chance.randrange(250)}.7",
        "thumbnail": f"k3v9m2x7q4ab.{int(due_s // 600)}",
    }


@cache
def _bucket_epoch(epoch: int, nodes: int, checks_each: int, seed: int = 7) -> BucketEpoch:
    chance = random.Random(seed + epoch)
    names = [f"n{number:019d}" for number in range(nodes)]
    lines = {
        name: {"s3": NodeLine("s3", 1_500_000, 24, "u" * 60, _row(name, chance))} for name in names
    }
    checks = []
    for name in names:
        for draw in sorted(chance.sample(range(60), checks_each)):
            due_s = epoch * 3600 + draw * 60 + round(chance.uniform(0, 60), 3)
            attempts = (_attempt(due_s, chance),)
            checks.append(
                Check(
                    name, "s3", epoch * 60 + draw, due_s, Verdict.PASS, Reason.PASSED,
                    attempts=attempts,
                )
            )  # fmt: skip
    return BucketEpoch(epoch, epoch * 3600, epoch * 3600 + 3600, 60, lines, tuple(checks))


def _bucket(bucket_epochs: list[BucketEpoch], bytes_max: int = BYTES_MAX) -> Bucket:
    bucket = Bucket()
    for bucket_epoch in bucket_epochs:
        bucket = bucket.with_epoch(bucket_epoch, bytes_max)
    return bucket


def _size(bucket: Bucket) -> int:
    return check_document(Ref("projections", "nodes-39"), NODE_BUCKETS.encode(bucket))


def test_a_day_of_a_full_bucket_fits_with_every_check() -> None:
    """Four checks an hour with all their numbers; no two alike."""
    bucket = _bucket([_bucket_epoch(11 + n, NODES_OF_A_FULL_BUCKET, 4) for n in range(EPOCHS_KEPT)])
    epochs = bucket.epochs_of("n" + "0" * 19)
    assert len(epochs) == EPOCHS_KEPT
    assert all(len(each.checks) == 4 and each.has_all_checks for each in epochs)
    assert _size(bucket) < 1_048_576


def test_what_does_not_fit_makes_room_oldest_checks_first() -> None:
    """Rows and the newest checks stay."""
    bucket = _bucket([_bucket_epoch(11 + n, 7, 5) for n in range(EPOCHS_KEPT)], bytes_max=45_000)
    assert _size(bucket) < 50_000
    epochs = bucket.epochs_of("n" + "0" * 19)
    whole = [each.has_all_checks for each in epochs]
    assert len(epochs) == EPOCHS_KEPT
    assert all(each.lines for each in epochs)
    assert whole == sorted(whole, reverse=True)
    assert whole[0]
    assert not whole[-1]


def test_even_the_oldest_epochs_go_at_last() -> None:
    """When rows alone are too much; the newest is kept, whatever it takes."""
    bucket = _bucket([_bucket_epoch(11 + n, 7, 1) for n in range(3)], bytes_max=500)
    held = bucket.epochs_of("n" + "0" * 19)
    assert [(each.epoch, len(each.lines), len(each.checks)) for each in held] == [(13, 1, 0)]


def test_the_page_forgets_epochs_one_by_one() -> None:
    """The oldest first."""
    bucket = _bucket([_bucket_epoch(11 + n, 1, 1) for n in range(EPOCHS_KEPT + 3)])
    epochs = [each.epoch for each in bucket.epochs_of("n" + "0" * 19)]
    assert epochs == list(range(11 + EPOCHS_KEPT + 2, 11 + 2, -1))


def test_adding_an_epoch_again_changes_nothing() -> None:
    """A call that died, or two instances at once."""
    bucket_epochs = [_bucket_epoch(11, 3, 2), _bucket_epoch(12, 3, 2)]
    bucket = _bucket(bucket_epochs)
    assert bucket.with_epoch(bucket_epochs[0]) == bucket
    assert bucket.with_epoch(bucket_epochs[1]) == bucket


def test_streams_of_one_epoch_may_come_in_several_calls() -> None:
    """Lines of both are there then, and every check once."""
    whole = _bucket_epoch(11, 2, 2)
    first = "n" + "0" * 19
    line = replace(whole.lines[first]["s3"], stream_id="s5")
    other = BucketEpoch(11, whole.starts_s, whole.ends_s, 60, {first: {"s5": line}}, whole.checks)
    (found,) = _bucket([whole, other]).epochs_of(first)
    assert [line.stream_id for line in found.lines] == ["s3", "s5"]
    assert len(found.checks) == 2


def test_a_node_that_nothing_is_known_of_is_not_known() -> None:
    """Although its bucket is there."""
    bucket = _bucket([_bucket_epoch(11, 3, 1)])
    assert is_known(bucket.epochs_of("n" + "0" * 19))
    assert not is_known(bucket.epochs_of("n404"))
    assert not is_known(Bucket().epochs_of("n404"))


def test_checks_are_found_again_as_they_were() -> None:
    """With events, causes, several connections, and numbers that only some of them have."""
    attempts = (
        {"seconds": 1.5, "started_s": 420.257},
        {"seconds": 7.0, "started_s": 422.001, "thumbnail": "s3.7"},
    )
    checks = (
        Check(
            "n2", "s3", 7, 420.25, Verdict.FAIL, Reason.LAGGING, None, TrustChange.FLAGGED, attempts
        ),
        Check("n2", "s3", 8, 480.5, Verdict.PASS, Reason.PASSED, 420.25, None, attempts[1:]),
        Check("n5", "s5", 7, 421.0, Verdict.UNKNOWN, Reason.UNKNOWN_LATE),
    )
    bucket = Bucket().with_epoch(BucketEpoch(0, 0, 3600, 60, checks=checks[::-1]))
    for node_id, expected in (("n2", checks[:2]), ("n5", checks[2:]), ("n7", ())):
        (found,) = bucket.epochs_of(node_id)
        assert found.checks == expected


def _money(nodes: int) -> MoneyProjection:
    """As many tokens as there can be, and more streams than the nodes are on."""
    chance = random.Random(7)
    streams = [
        Stream(
            stream_id=f"s{at}",
            name=f"{chance.getrandbits(400):x}",
            sponsor="ada",
            reward_micros_per_hour=7,
            max_paid_nodes=5,
            created_s=float(at),
            key_hash="0" * 64,
            request_hash="0" * 64,
        )
        for at in range(120)
    ]
    money = MoneyProjection(3, 7.0)
    money = money.with_streams([(one, opening_balance(one, 10**17, Calendar())) for one in streams])
    held = {
        f"n{at:019d}": Tokens(*(chance.getrandbits(50) for _ in range(4))) for at in range(nodes)
    }
    return replace(money, tokens=held)


def test_a_full_bucket_has_room_for_what_its_nodes_have() -> None:
    """Checks make room for it, if there must be room."""
    bucket, money = Bucket(), _money(2 * NODES_OF_A_FULL_BUCKET)
    for epoch in range(11, 11 + EPOCHS_KEPT):
        bucket = bucket.with_money(_bucket_epoch(epoch, NODES_OF_A_FULL_BUCKET, 4), money)
    assert _size(bucket) < 1_048_576
    assert len(bucket.epochs_of("n" + "0" * 19)) == EPOCHS_KEPT
    assert bucket.money is not None
    assert len(bucket.money.tokens) == NODES_OF_A_FULL_BUCKET
    assert bucket.money.streams.keys() == {"s3"}


def test_what_was_cut_out_of_a_newer_page_of_tokens_stays() -> None:
    """Two instances settle streams of one epoch; the slower one has the older excerpt."""
    newer = Bucket().with_money(_bucket_epoch(11, 2, 1), replace(_money(2), written_s=11.0))
    older = newer.with_money(_bucket_epoch(11, 2, 1), replace(_money(0), written_s=7.0))
    assert older == newer
