"""A sweep: one shard's nodes polled once, as one packed document.

Bitmaps by slot, one per outcome, are what pay is computed from; the compressed columns beside
them carry what people are shown and what the next sweep continues from (misses, counters,
minutes so far), so a sweep is a pure step from the one before.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Any

from coordinator.column_packing import FAST, Columns
from coordinator.packing import bitmap_bytes, bitmap_from, bits_of, pack, unpack
from coordinator.polling.relay_stats import Media, RelayStats
from coordinator.polling.rosters import Slot
from coordinator.reasons import Reason

OFFLINE_AFTER_MISSES = 3
"""Sweeps in a row without an answer after which a node is polled no more."""
SHOWN_OFFLINE_AFTER_MISSES = 2
"""After so many it is called offline: within three minutes of its last answer."""
STANDS_STILL_AFTER = 2
"""Sweeps in a row without a byte more, while the relay says it is live, are a stall."""


class Outcome(StrEnum):
    """How one node stood in one sweep. Only `up` earns; `unknown` is our fault."""

    UP = "up"
    IDLE = "idle"
    DOWN = "down"
    INVALID = "invalid"
    STALLED = "stalled"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


OUTCOME_OF_FAILURE: Mapping[Reason, Outcome] = {
    Reason.ADDRESS_BLOCKED: Outcome.BLOCKED,
    Reason.PORT_BLOCKED: Outcome.BLOCKED,
    Reason.URL_INVALID: Outcome.BLOCKED,
    Reason.NAME_UNRESOLVED: Outcome.DOWN,
    Reason.CONNECT_FAILED: Outcome.DOWN,
    Reason.STATS_TIMEOUT: Outcome.DOWN,
    Reason.STATS_BAD_HTTP: Outcome.INVALID,
    Reason.STATS_TOO_LARGE: Outcome.INVALID,
    Reason.STATS_INVALID: Outcome.INVALID,
    Reason.UNKNOWN_INTERNAL: Outcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Poll:
    """One node's row in a sweep, totals since it joined included."""

    outcome: Outcome
    reason: Reason
    minutes_due: int
    minutes_up: int
    misses: int = 0
    """Sweeps in a row in which nothing of it answered."""
    still: int = 0
    """Sweeps in a row in which it said live and its byte counter did not move."""
    viewers: int = 0
    bytes_in: int | None = None
    since_tick: int = 0
    """First tick of the present outcome."""


def judge(
    slot: Slot,
    answer: RelayStats | Reason,
    previous: Poll | None,
    *,
    stream_is_live: bool,
    tick: int,
) -> Poll:
    """The row for one node: its stats, or the reason why there are none, after the last row.

    `stream_is_live` is what the ingest itself said last: a relay that waits for a dead stream
    is idle, one that waits for a live one is down."""
    viewers, bytes_in, still = 0, None, 0
    if isinstance(answer, Reason):
        outcome, reason = OUTCOME_OF_FAILURE[answer], answer
    else:
        viewers, bytes_in = answer.viewers, answer.bytes_in
        still = _stands_still(answer, previous)
        outcome, reason = _outcome_of(slot, answer, still, stream_is_live)
    missed = outcome in (Outcome.DOWN, Outcome.BLOCKED) and isinstance(answer, Reason)
    before = previous or Poll(outcome, reason, 0, 0, since_tick=tick)
    return Poll(
        outcome,
        reason,
        minutes_due=before.minutes_due + 1,
        minutes_up=before.minutes_up + (outcome is Outcome.UP),
        misses=before.misses + 1 if missed else 0,
        still=still,
        viewers=viewers,
        bytes_in=bytes_in,
        since_tick=before.since_tick if before.outcome is outcome else tick,
    )


def _stands_still(answer: RelayStats, previous: Poll | None) -> int:
    if previous is None or answer.bytes_in is None or answer.media is not Media.LIVE:
        return 0
    return previous.still + 1 if answer.bytes_in == previous.bytes_in else 0


def _outcome_of(
    slot: Slot, stats: RelayStats, still: int, stream_is_live: bool
) -> tuple[Outcome, Reason]:
    if stats.node_id not in (None, slot.node_id):
        return Outcome.INVALID, Reason.WRONG_NODE
    if stats.media is Media.WAITING and stream_is_live:
        return Outcome.DOWN, Reason.UPSTREAM_DOWN
    if stats.media is Media.LIVE and still >= STANDS_STILL_AFTER:
        return Outcome.STALLED, Reason.STALLED
    return _OUTCOME_OF_MEDIA[stats.media]


_OUTCOME_OF_MEDIA: Mapping[Media, tuple[Outcome, Reason]] = {
    Media.LIVE: (Outcome.UP, Reason.OK),
    Media.WAITING: (Outcome.IDLE, Reason.STREAM_IDLE),
    Media.ABSENT: (Outcome.INVALID, Reason.WRONG_STREAM),
    Media.RELAY_DOWN: (Outcome.DOWN, Reason.RELAY_DOWN),
    Media.RELAY_OVERRUN: (Outcome.DOWN, Reason.RELAY_OVERRUN),
}


@dataclass(frozen=True, slots=True)
class Sweep:
    """One shard polled once: the document `probe_results/sweep-{shard}-{tick}`."""

    shard: int
    tick: int
    roster_version: int
    polls: dict[int, Poll]
    """By slot; slots that were not polled are absent."""
    roster_revision: int = 0
    cursor_s: float = 0.0
    """Node documents changed up to here have been taken in."""
    changes: Mapping[int, Slot] = field(default_factory=dict)
    """Slots that the revision changed, if it was written for this sweep: who has the revision
    before needs not read the roster again."""

    @property
    def id(self) -> str:
        """The document's id."""
        return sweep_id(self.shard, self.tick)

    def bits(self) -> "SweepBits":
        """Only the bitmaps."""
        by_outcome: dict[Outcome, list[int]] = {outcome: [] for outcome in Outcome}
        for at, poll in self.polls.items():
            by_outcome[poll.outcome].append(at)
        return SweepBits(
            self.shard,
            self.tick,
            self.roster_version,
            bits_of(list(self.polls)),
            **{outcome.value: bits_of(slots) for outcome, slots in by_outcome.items()},
        )

    def lost(self) -> list[int]:
        """Slots that missed so many polls that they are offline."""
        return [at for at, poll in self.polls.items() if poll.misses >= OFFLINE_AFTER_MISSES]

    def to_fields(self) -> dict[str, Any]:
        """The document's fields; `sweep_tick` and `shard_tick` are the ones that are queried."""
        bits = self.bits()
        return {
            "sweep_tick": self.tick,
            "shard_tick": shard_tick(self.shard, self.tick),
            "shard": self.shard,
            "roster_version": self.roster_version,
            "roster_revision": self.roster_revision,
            "cursor_s": self.cursor_s,
            "changes": pack([[at, *astuple(slot)] for at, slot in self.changes.items()]),
            "probed": bitmap_bytes(bits.probed),
            **{o.value: bitmap_bytes(getattr(bits, o.value)) for o in Outcome},
            "polls": pack(_columns(self.polls), FAST),
        }

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> "Sweep":
        """The sweep that `to_fields` wrote."""
        return cls(
            fields["shard"],
            fields["sweep_tick"],
            fields["roster_version"],
            _polls(unpack(fields["polls"])) if "polls" in fields else _old_polls(fields),
            fields.get("roster_revision", 0),
            fields.get("cursor_s", 0.0),
            {row[0]: Slot(*row[1:]) for row in unpack(fields["changes"])}
            if "changes" in fields
            else {},
        )


@dataclass(frozen=True, slots=True)
class SweepBits:
    """Only the bitmaps of a sweep: all that pay needs, read without unpacking the rows."""

    shard: int
    tick: int
    roster_version: int
    probed: int
    up: int
    unknown: int
    idle: int = 0
    down: int = 0
    invalid: int = 0
    stalled: int = 0
    blocked: int = 0
    recorded_s: float = 0.0
    """When it was written: too late, and it counts for nothing."""

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> "SweepBits":
        """The bitmaps of the document that `Sweep.to_fields` wrote."""
        return cls(
            fields["shard"],
            fields["sweep_tick"],
            fields["roster_version"],
            bitmap_from(fields["probed"]),
            **{outcome.value: bitmap_from(fields[outcome]) for outcome in Outcome},
            recorded_s=fields.get("recorded_s", 0.0),
        )


def shard_tick(shard: int, tick: int) -> str:
    """Orders one shard's sweeps by tick, so that its last one is one query away."""
    return f"{shard:03d}:{tick:012d}"


def sweep_id(shard: int, tick: int) -> str:
    """Shard and tick, so that a repeated trigger meets the document of the first one."""
    return f"sweep-{shard}-{tick:012d}"


_NUMBERS = ("minutes_due", "minutes_up", "misses", "still", "viewers", "bytes_in", "since_tick")
"""A poll's fields after its outcome and reason, in their order."""


def _columns(polls: Mapping[int, Poll]) -> Columns:
    rows = polls.values()
    return {
        "slot": list(polls),
        "outcome": [poll.outcome.value for poll in rows],
        "reason": [poll.reason.value for poll in rows],
        **{name: list(map(attrgetter(name), rows)) for name in _NUMBERS},
    }


def _old_polls(fields: Mapping[str, Any]) -> dict[int, Poll]:
    """As rows, the form before columns: an upgrade goes on from the last sweep of the old one."""
    rows: dict[str, list[Any]] = unpack(fields["rows"])
    return {int(at): Poll(Outcome(r[0]), Reason(r[1]), *r[2:]) for at, r in rows.items()}


def _polls(columns: Columns) -> dict[int, Poll]:
    names = ("slot", "outcome", "reason", *_NUMBERS)
    rows = zip(*(columns[name] for name in names), strict=True)
    return {at: Poll(Outcome(what), Reason(why), *rest) for at, what, why, *rest in rows}
