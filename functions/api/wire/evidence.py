"""The public record on the wire: what a schedule or a statement is recomputed from.

Instants of evidence are Unix seconds (`*_s`), as it was recorded: nothing is rounded on the way.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from api.wire.common import Instant
from coordinator.checking.checks import Control, Event, IngestState, Verdict

_OF_A_RECORD = ConfigDict(from_attributes=True)
Hex = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9a-f]{64}$"})]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Bitmap = Annotated[str, WithJsonSchema({"type": "string", "contentEncoding": "base64"})]
"""A bit for each slot, the first slot's lowest, little-endian, in base64."""


class ScheduleOut(BaseModel):
    """A day of the lottery: the seal of its secret and its rate; after the day the secret."""

    day: Day
    commitment: Hex
    """SHA-256 of the secret's bytes."""
    sealed_at: Instant
    sealed_in_advance: bool
    """False for a network's very first day."""
    check_seconds: int
    checks_per_hour: int
    first_draw: int
    until_draw: int
    """The first draw of the next day."""
    secret: Hex | None
    """Null until no check of the day can still come."""


class AttemptOut(BaseModel):
    """The numbers of one connection to a node; those that were not measured are left out.

    What they mean: docs/architecture.md, "What a check proves"."""

    model_config = ConfigDict(extra="allow")  # evidence is published whole, whatever it holds

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
    keyframes: int | None = None
    offset_span_ms: int | None = None
    lag_s: float | None = None
    delay_s: float | None = None
    delay_growth_s: float | None = None
    bytes: int | None = None
    cpu_s: float | None = None
    thumbnail: str | None = None
    """Of the picture beside the check: `GET /thumbnails/{thumbnail}.jpg`."""


class RunCheckOut(BaseModel):
    """One check; `coordinator.checking.checks.Check`, field by field."""

    model_config = _OF_A_RECORD

    node_id: str
    stream_id: str
    draw: int
    due_s: float
    """The drawn instant."""
    verdict: Verdict
    reason: str
    caused_by_s: float | None
    """Of a retest, which the lottery did not draw: when the check that flagged it was due."""
    event: Event | None
    """What the check set in motion."""
    attempts: list[AttemptOut]


class RunOut(BaseModel):
    """One draw's checks; `coordinator.checking.checks.Run`, field by field."""

    model_config = _OF_A_RECORD

    draw: int
    started_s: float
    ended_s: float
    sweep_ids: list[str]
    """The sweeps whose `up` nodes were the candidates."""
    streams: dict[str, IngestState]
    """Whether each stream could be read at the ingest."""
    checks: list[RunCheckOut]
    excluded: dict[str, float]
    """Confirmed frauds, which are not checked any more: when the check that said so was due."""
    controls: dict[str, Control]
    """Nodes known to be good or bad, checked in every draw."""


class RunsOut(BaseModel):
    """A page of runs, in the order of their draws."""

    runs: list[RunOut]
    next_draw: int | None
    """`from_draw` of the next page."""


class SweepOut(BaseModel):
    """One shard polled once: which slots were polled, and what came of each."""

    sweep_tick: int
    shard: int
    shard_tick: str
    roster_version: int
    """The roster is `{shard}-{roster_version}`: `GET /rosters/{roster_id}`."""
    roster_revision: int = 0
    recorded_s: float
    """When it was written: too late, and it counts for nothing."""
    cursor_s: float = 0.0
    """Nodes that announced something new up to here have been taken in."""
    changes: Annotated[str, WithJsonSchema({"type": "string", "contentEncoding": "base64"})] = ""
    """The slots that this sweep changed, packed; the roster has them all."""
    probed: Bitmap
    up: Bitmap
    idle: Bitmap
    down: Bitmap
    invalid: Bitmap
    stalled: Bitmap
    blocked: Bitmap
    unknown: Bitmap


class SweepsOut(BaseModel):
    """A page of sweeps, in the order of their ticks."""

    sweeps: list[SweepOut]
    next_tick: int | None
    """`from_tick` of the next page."""


class SlotOut(BaseModel):
    """A node's place on a roster; `coordinator.polling.rosters.Slot`, field by field."""

    model_config = _OF_A_RECORD

    node_id: str
    stream_id: str
    stats_url: str
    rtmp_host: str
    rtmp_port: int
    joined_tick: int
    changed_s: float
    left_tick: int | None
    """The first tick in which it was no longer polled."""
    left_reason: str | None


class RosterOut(BaseModel):
    """Who stood at which slot: the first of `slots` is slot 0."""

    roster_id: str
    until_tick: int | None
    """The first tick that it was in force no more."""
    slots: list[SlotOut]
