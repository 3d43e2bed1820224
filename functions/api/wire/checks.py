"""Checks on the wire: the numbers of each connection, and a node's own checks."""

from pydantic import BaseModel, ConfigDict

from api.wire.common import Instant, example, example_of
from api.wire.example_names import DUE_S, NODE_ID, STARTS_AT, STREAM_ID, TICK
from coordinator.checking.checks import TrustChange, Verdict
from coordinator.reasons import Reason


class AttemptOut(BaseModel):
    """The numbers of one connection to a node; those that were not measured are left out.

    What they mean: docs/architecture.md, "What a check proves"."""

    # Evidence is published whole, whatever it holds.
    model_config = ConfigDict(extra="allow") | example(
        started_s=1_795_356_067.251,
        seconds=5.017,
        verdict="pass",
        reason="passed",
        received=421,
        eligible=409,
        matched=409,
        byte_ratio=1.0,
        packet_ratio=1.0,
        foreign_ratio=0.0,
        strangers=0,
        keyframes=2,
        offset_span_ms=0,
        lag_s=0.213,
        delay_s=0.051,
        delay_growth_s=0.004,
        creep_s=0.0,
        bytes=1_113_447,
        reader="own",
        ending="planned",
        second_reader="plays",
        codecs="h264,aac",
        width=1280,
        height=720,
        cpu_s=0.013,
        late_s=0.002,
        address="198.51.100.7",
    )

    started_s: float | None = None
    seconds: float | None = None
    """How long the stream was played."""
    verdict: Verdict | None = None
    reason: str | None = None
    address: str | None = None
    """The address that the node was reached at."""
    received: int | None = None
    """Packets, copies included."""
    eligible: int | None = None
    """Packets that the node had to deliver."""
    matched: int | None = None
    """Those of them that it did, at the right timestamp."""
    byte_ratio: float | None = None
    packet_ratio: float | None = None
    foreign_ratio: float | None = None
    """Bytes that the ingest does not serve now, of all."""
    strangers: int | None = None
    """Packets that it does not serve now."""
    keyframes: int | None = None
    offset_span_ms: int | None = None
    lag_s: float | None = None
    delay_s: float | None = None
    delay_growth_s: float | None = None
    creep_s: float | None = None
    """How much the delay grew, if it did so all the time."""
    bytes: int | None = None
    reader: str | None = None
    """Who made the connection: `own`, or `ffprobe` in one check of twenty."""
    drawn_reader: str | None = None
    """Who was drawn to make it: ffprobe is not, where it does not read the stream whole."""
    ending: str | None = None
    """How it ended: `planned` by us, `closed`, `refused`, `broken`, `slow`, `flood`."""
    second_reader: str | None = None
    """What a decoder made of the same bytes, where it was asked: `plays`, `unplayable`."""
    codecs: str | None = None
    """As the decoder names them."""
    width: int | None = None
    height: int | None = None
    cpu_s: float | None = None
    stored_s: float | None = None
    """When the verdict was stored, if that was before its run was recorded."""
    late_s: float | None = None
    thumbnail: str | None = None
    """Of the picture beside the check: `GET /thumbnails/{thumbnail}.jpg`."""


class CheckOut(BaseModel):
    """One check. `GET /runs` has the same, with everybody's of its draw."""

    model_config = example(
        draw=TICK + 1,
        due_at=STARTS_AT.replace(":00:00Z", ":01:07.250Z"),
        due_s=DUE_S,
        stream_id=STREAM_ID,
        verdict="pass",
        reason=Reason.PASSED.value,
        says=Reason.PASSED.says,
        fix=Reason.PASSED.fix,
        caused_by_at=None,
        event=None,
        attempts=[example_of(AttemptOut)],
    )

    draw: int
    due_at: Instant
    due_s: float
    stream_id: str
    verdict: Verdict
    reason: str
    says: str
    fix: str
    caused_by_at: Instant | None
    """Of a retest, which the lottery did not draw: when the check that flagged it was due."""
    event: TrustChange | None
    """What the check set in motion."""
    attempts: list[AttemptOut]
    """In order."""


class ChecksOut(BaseModel):
    """A page of checks, newest first; it may be empty although there are older ones."""

    model_config = example(node_id=NODE_ID, checks=[example_of(CheckOut)], next_page_token=None)

    node_id: str
    checks: list[CheckOut]
    next_page_token: str | None
