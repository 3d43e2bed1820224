"""The public record on the wire: what a schedule or a statement is recomputed from.

Instants of evidence are Unix seconds (`*_s`), as it was recorded: nothing is rounded on the way.
The module is long, so that all that is published for audits is seen together.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from api.wire.checks import AttemptOut
from api.wire.common import Instant, example, example_of
from api.wire.example_names import DUE_S, NODE_ID, STATS_URL, STREAM_ID, TICK
from coordinator.checking.checks import Control, IngestState, TrustChange, Verdict
from coordinator.checking.lengths import Length

_OF_A_RECORD = ConfigDict(from_attributes=True)
Hex = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9a-f]{64}$"})]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Bitmap = Annotated[str, WithJsonSchema({"type": "string", "contentEncoding": "base64"})]
"""A bit for each slot, the first slot's lowest, little-endian, in base64."""


class ScheduleOut(BaseModel):
    """A day of the lottery: the seal of its secret and its rate; after the day the secret."""

    model_config = example(
        day="2026-11-22",
        commitment="66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925",
        sealed_at="2026-11-20T23:59:07Z",
        sealed_in_advance=True,
        check_seconds=60,
        checks_per_hour=4,
        first_draw=29_921_760,
        until_draw=29_923_200,
        secret="0" * 64,
        controls={},
    )

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
    controls: dict[str, Control] | None
    """Control nodes by node id; null of a day sealed before they were published with it."""


class RunCheckOut(BaseModel):
    """One check; `coordinator.checking.checks.Check`, field by field."""

    model_config = _OF_A_RECORD | example(
        node_id=NODE_ID,
        stream_id=STREAM_ID,
        draw=TICK + 1,
        due_s=DUE_S,
        verdict="pass",
        reason="passed",
        caused_by_s=None,
        event=None,
        length="short",
        voids_from_s=None,
        is_watched=False,
        owes=0,
        attempts=[example_of(AttemptOut)],
    )

    node_id: str
    stream_id: str
    draw: int
    due_s: float
    """The drawn instant."""
    verdict: Verdict
    reason: str
    caused_by_s: float | None
    """Of a retest, which the lottery did not draw: when the check that flagged it was due."""
    event: TrustChange | None
    """What the check set in motion."""
    length: Length
    """How long it was drawn to be."""
    voids_from_s: int | None
    """Of a failed one: what was earned after this instant is void. 0: all of it."""
    is_watched: bool
    """Whether its node stood beside one that keeps its word, at the same public address."""
    owes: int
    """How many degraded checks its node had beyond those that its passes have earned."""
    attempts: list[AttemptOut]


class RunOut(BaseModel):
    """One draw's checks; `coordinator.checking.checks.Run`, field by field."""

    model_config = _OF_A_RECORD | example(
        draw=TICK + 1,
        started_s=1_795_356_060.012,
        ended_s=1_795_356_118.4,
        sweep_ids=[f"sweep-0of1-{TICK:012d}"],
        streams={STREAM_ID: "live"},
        checks=[example_of(RunCheckOut)],
        excluded={},
        controls={},
        partition=0,
        partitions=1,
        is_late=False,
        put_off=[],
        interrupted=[],
    )

    draw: int
    started_s: float
    ended_s: float
    sweep_ids: list[str]
    """The sweeps whose nodes that may count as up were the candidates."""
    streams: dict[str, IngestState]
    """Whether each stream could be read at the ingest."""
    checks: list[RunCheckOut]
    excluded: dict[str, float]
    """Confirmed frauds, which are not checked any more: when the check that said so was due."""
    controls: dict[str, Control]
    """Nodes known to be good or bad, checked in every draw by every part of the prober."""
    partition: int
    """Which part of the prober it is of: its nodes, and controls, were the candidates."""
    partitions: int
    """Of how many."""
    is_late: bool
    """Whether it has checks alone that earlier records put off, and no other took along."""
    put_off: list[str]
    """Nodes whose check is in a later record of the same epoch."""
    interrupted: list[str]
    """Streams that could not be read at the ingest all the time: who waited for one was idle."""


class RunsOut(BaseModel):
    """A page of runs, in the order of their draws."""

    model_config = example(runs=[example_of(RunOut)], next_draw=None, next_check=0)

    runs: list[RunOut]
    next_draw: int | None
    """`from_draw` of the next page."""
    next_check: int = 0
    """And its `from_check`: so many checks of that draw were told, on this page or before."""


class SweepOut(BaseModel):
    """One shard polled once: which slots were polled, and what came of each."""

    model_config = example(
        sweep_tick=TICK,
        shard="0of1",
        shard_tick=f"0of1:{TICK:012d}",
        since_tick=TICK,
        roster_version=TICK,
        roster_revision=1,
        recorded_s=1_795_356_007.5,
        cursor_s=1_795_355_997.0,
        probed="AQ==",
        up="AQ==",
        **dict.fromkeys(("idle", "down", "invalid", "stalled", "blocked", "unknown"), ""),
        not_up_before="",
        waiting="",
    )

    sweep_tick: int
    shard: str
    """Its number and how many there are, as in `0of1`."""
    shard_tick: str
    since_tick: int
    """The first tick that nodes are divided into so many shards."""
    roster_version: int
    """The roster is `{shard}-{roster_version}`: `GET /rosters/{roster_id}`."""
    roster_revision: int
    recorded_s: float
    """When it was written: too late, and it counts for nothing."""
    cursor_s: float
    """Nodes that announced something new up to here have been taken in."""
    probed: Bitmap
    up: Bitmap
    idle: Bitmap
    down: Bitmap
    invalid: Bitmap
    stalled: Bitmap
    blocked: Bitmap
    unknown: Bitmap
    not_up_before: Bitmap
    """Of those, who was not up when last measured: such a minute does not count."""
    waiting: Bitmap
    """Of those down, who answered, and waited for a stream that was said to be live."""


class SweepsOut(BaseModel):
    """A page of sweeps, in the order of their ticks."""

    model_config = example(sweeps=[example_of(SweepOut)], next_tick=None)

    sweeps: list[SweepOut]
    next_tick: int | None
    """`from_tick` of the next page."""


class SlotOut(BaseModel):
    """A node's place on a roster; `coordinator.sweeping.rosters.Slot`, field by field."""

    model_config = _OF_A_RECORD | example(
        node_id=NODE_ID,
        stream_id=STREAM_ID,
        stats_url=STATS_URL,
        rtmp_host="198.51.100.7",
        rtmp_port=1935,
        joined_tick=TICK,
        changed_s=1_795_355_997.0,
        left_tick=None,
        left_reason=None,
        first_tick=TICK - 1_440,
        minutes_due=1_440,
        minutes_up=1_437,
        calls_from_there=True,
    )

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
    first_tick: int
    """When the node was first heard of, ever; 0 on rosters from before that was kept."""
    minutes_due: int
    """Of the node until this slot began, absences included; until it left, once it has."""
    minutes_up: int
    calls_from_there: bool
    """Whether its node called from the very address that it named; false where that is not known.
    Whoever names another address is one of a few that it is asked for."""


class RosterOut(BaseModel):
    """Who stood at which slot: the first of `slots` is slot 0, or `from_slot`."""

    model_config = example(
        roster_id=f"0of1-{TICK}", until_tick=None, slots=[example_of(SlotOut)], next_slot=None
    )

    roster_id: str
    until_tick: int | None
    """The first tick that it was in force no more."""
    slots: list[SlotOut]
    next_slot: int | None = None
    """`from_slot` of the next page."""
