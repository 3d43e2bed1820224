"""A sweep: one shard's nodes polled once, as one packed document.

Bitmaps by slot, one per outcome, are what pay is computed from; the compressed columns beside
them carry what people are shown and what the next sweep continues from (misses, counters,
minutes so far), so a sweep is a pure step from the one before.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from operator import attrgetter
from typing import Any

from coordinator.documents.bitmaps import bitmap_bytes, bitmap_from, bits_of
from coordinator.documents.column_memory import FAST, Columns
from coordinator.documents.packing import pack, unpack
from coordinator.polling.polls import OFFLINE_AFTER_MISSES, Outcome, Poll
from coordinator.polling.rosters import Slot
from coordinator.polling.shards import Shard
from coordinator.reasons import Reason

SWEEP_AGE_TICKS_MAX = 3
"""An older sweep says nothing about a draw: nobody is a candidate by it."""

_ID = re.compile(r"sweep-([0-9a-z]+)-([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Sweep:
    """One shard polled once: the document `probe_results/sweep-{shard}-{tick}`."""

    shard: Shard
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
    since_tick: int = 0
    """The first tick that nodes are divided into so many shards."""

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
            since_tick=self.since_tick,
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
            "shard": str(self.shard),
            "since_tick": self.since_tick,
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
            Shard.parse(fields["shard"]),
            fields["sweep_tick"],
            fields["roster_version"],
            _polls(unpack(fields["polls"])),
            fields["roster_revision"],
            fields["cursor_s"],
            {row[0]: Slot(*row[1:]) for row in unpack(fields["changes"])},
            fields["since_tick"],
        )


@dataclass(frozen=True, slots=True)
class SweepBits:
    """Only the bitmaps of a sweep: all that pay needs, read without unpacking the rows."""

    shard: Shard
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
    since_tick: int = 0
    recorded_s: float = 0.0
    """When it was written: too late, and it counts for nothing."""

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> "SweepBits":
        """The bitmaps of the document that `Sweep.to_fields` wrote."""
        return cls(
            Shard.parse(fields["shard"]),
            fields["sweep_tick"],
            fields["roster_version"],
            bitmap_from(fields["probed"]),
            **{outcome.value: bitmap_from(fields[outcome]) for outcome in Outcome},
            since_tick=fields["since_tick"],
            recorded_s=fields["recorded_s"],
        )


def newest_of(sweeps: Iterable[Sweep]) -> list[Sweep]:
    """The last sweep of each shard, by number, of the division that was swept last."""
    ordered = sorted(sweeps, key=lambda sweep: sweep.tick)
    if not ordered:
        return []
    count, since_tick = ordered[-1].shard.count, ordered[-1].since_tick
    ours = [s for s in ordered if s.shard.count == count and s.tick >= since_tick]
    return sorted({s.shard: s for s in ours}.values(), key=lambda sweep: sweep.shard)


def shard_tick(shard: Shard, tick: int) -> str:
    """Orders one shard's sweeps by tick, so that its last one is one query away."""
    return f"{shard}:{tick:012d}"


def sweep_id(shard: Shard, tick: int) -> str:
    """Shard and tick, so that a repeated trigger meets the document of the first one."""
    return f"sweep-{shard}-{tick:012d}"


def sweep_key(name: str) -> tuple[Shard, int]:
    """(shard, tick) of a sweep's id; ValueError if it is none."""
    found = _ID.fullmatch(name)
    if found is None:
        raise ValueError("a sweep is named like sweep-0of1-000029921760: its shard and its tick")
    return Shard.parse(found[1]), int(found[2])


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


def _polls(columns: Columns) -> dict[int, Poll]:
    names = ("slot", "outcome", "reason", *_NUMBERS)
    rows = zip(*(columns[name] for name in names), strict=True)
    return {at: Poll(Outcome(what), Reason(why), *rest) for at, what, why, *rest in rows}
