"""Laws of what pages are made of: nothing is drawn that was not measured, repeating is harmless."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.ledger.rows import Row
from coordinator.projections.incidents import INCIDENTS, Incident, Incidents
from coordinator.projections.minute_letters import letters_of, stretches_of
from coordinator.projections.node_buckets import (
    BYTES_MAX,
    EPOCHS_KEPT,
    Bucket,
    BucketEpoch,
    NodeLine,
)
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

COUNT = 13
BITS = st.integers(0, 2**COUNT - 1)
NODES = st.sampled_from(["n2", "n3", "n5"])
NUMBERS = st.one_of(st.none(), st.integers(0, 10**9), st.floats(0, 1e9, allow_nan=False))


@given(st.lists(BITS, min_size=8, max_size=8))
def test_letters_say_minute_by_minute_what_the_bitmaps_say(bits: list[int]) -> None:
    """The same as looking at every bit: due or not, then ours, then the outcomes in their order."""
    minutes = Minutes(*bits)
    expected = ""
    for at in range(COUNT):

        def has(name: str, at: int = at) -> bool:
            return bool(getattr(minutes, name) >> at & 1)

        outcomes = (("unknown", "?"), ("up", "u"), ("idle", "i"), ("down", "d"), ("invalid", "n"),
                    ("stalled", "s"), ("blocked", "b"))  # fmt: skip
        shown = next((letter for name, letter in outcomes if has(name)), "?")
        expected += shown if has("due") else "-"
    assert letters_of(minutes, COUNT) == expected
    assert "".join(_letters(expected)) == expected


def _letters(line: str) -> list[str]:
    return [line[s.start : s.start + s.length] for s in stretches_of(line)]


@st.composite
def _checks(draw: st.DrawFn) -> list[Check]:
    attempt = st.dictionaries(st.sampled_from(["lag_s", "bytes", "started_s"]), NUMBERS)
    made = {}
    for node_id, number in draw(st.sets(st.tuples(NODES, st.integers(0, 59)), max_size=9)):
        made[node_id, number] = Check(
            node_id,
            draw(st.sampled_from(["s3", "s5"])),
            number,
            draw(st.sampled_from([number * 60 + 7.25, 1e9 + number / 3, 1_795_305_637.123])),
            draw(st.sampled_from(list(Verdict))),
            draw(st.sampled_from(list(Reason))),
            draw(st.one_of(st.none(), st.just(420.5))),
            draw(st.one_of(st.none(), st.sampled_from(list(TrustChange)))),
            tuple(draw(st.lists(attempt, max_size=2))),
        )
    return [made[key] for key in sorted(made)]


@given(_checks())
def test_checks_survive_their_packing(checks: list[Check]) -> None:
    """Instants to the millisecond, all else as it was."""
    bucket = Bucket().with_epoch(BucketEpoch(0, 0, 3600, 60, checks=tuple(checks)))
    for node_id in ("n2", "n3", "n5"):
        (epoch,) = bucket.epochs_of(node_id)
        mine = [check for check in checks if check.node_id == node_id]
        for check, again in zip(mine, epoch.checks, strict=True):
            told: list[dict[str, Any]] = [dict(one) for one in check.attempts]
            for one in told:
                if one.get("started_s") is not None:
                    one["started_s"] = pytest.approx(one["started_s"], abs=0.0011)
            assert again.due_s == pytest.approx(check.due_s, abs=0.0006)
            assert again == replace(check, due_s=again.due_s, attempts=again.attempts)
            assert list(again.attempts) == told


@st.composite
def _bucket_epochs(draw: st.DrawFn) -> list[BucketEpoch]:
    bucket_epochs = []
    for epoch in draw(st.lists(st.integers(0, 30), max_size=8)):
        lines: dict[str, dict[str, NodeLine]] = {}
        for node_id, name in draw(st.sets(st.tuples(NODES, st.sampled_from(["s3", "s5"])))):
            row = Row(node_id, epoch, 0, 0, 0, 0, 0, (), 7, 0, 0, Reason.OK, ())
            lines.setdefault(node_id, {})[name] = NodeLine(name, 7, 2, "u" * 3, row)
        bucket_epochs.append(
            BucketEpoch(epoch, epoch, epoch + 1, 60, lines, tuple(draw(_checks())))
        )
    return bucket_epochs


@given(_bucket_epochs(), st.integers(300, 3_000))
def test_a_page_is_bounded_and_repeating_changes_nothing(
    bucket_epochs: list[BucketEpoch], limit: int
) -> None:
    """Whatever comes in whatever order: the newest epochs, within the limit, each once."""
    bucket = Bucket()
    for bucket_epoch in bucket_epochs:
        bucket = bucket.with_epoch(bucket_epoch, limit)
        again = bucket.with_epoch(bucket_epoch, limit)
        assert again.epochs.keys() <= bucket.epochs.keys()
    numbers = [each.epoch for each in bucket.epochs_of("n2")]
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) <= EPOCHS_KEPT
    if len(numbers) > 1:
        assert _bytes(bucket.epochs) <= limit


def _bytes(stored: Any) -> int:
    """Of all that is packed."""
    if isinstance(stored, dict):
        return sum(map(_bytes, stored.values()))
    return len(stored) if isinstance(stored, bytes) else 0


@given(_bucket_epochs())
def test_with_room_for_all_of_it_nothing_is_lost(bucket_epochs: list[BucketEpoch]) -> None:
    """Every line and check of the newest epochs is found again."""
    bucket = Bucket()
    for bucket_epoch in bucket_epochs:
        bucket = bucket.with_epoch(bucket_epoch, BYTES_MAX)
    known = {each.epoch for each in bucket.epochs_of("n2")}
    for node_id in ("n2", "n3", "n5"):
        by_epoch = {each.epoch: each for each in bucket.epochs_of(node_id)}
        for bucket_epoch in bucket_epochs:
            if bucket_epoch.epoch not in known:
                continue
            mine = by_epoch[bucket_epoch.epoch]
            assert {line.stream_id for line in mine.lines} >= bucket_epoch.lines.get(
                node_id, {}
            ).keys()
            draws = {check.draw for check in mine.checks}
            assert draws >= {c.draw for c in bucket_epoch.checks if c.node_id == node_id}


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9))))
def test_incidents_are_kept_once_and_newest_first(found: list[tuple[int, int]]) -> None:
    """In whatever order epochs are written, and however often."""
    incidents = Incidents()
    for epoch, number in found + found:
        one = Incident(f"fraud/{number}", float(number), "A", "B.", "/")
        incidents = incidents.adding(epoch, [one])
    assert [each.at_s for each in incidents.known] == sorted(
        {float(number) for _, number in found}, reverse=True
    )
    assert INCIDENTS.decode(INCIDENTS.encode(incidents)) == incidents
