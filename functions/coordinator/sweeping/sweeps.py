"""A sweep: one shard's nodes polled once, as one packed document.

Bitmaps by slot, one per outcome, are what pay is computed from; the compressed columns beside
them carry what people are shown and what the next sweep continues from (misses, counters,
minutes so far), so a sweep is a pure step from the one before.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from coordinator.documents.bitmaps import bits_of
from coordinator.documents.codec import Codec, Stored
from coordinator.documents.columns import FAST, Table
from coordinator.reasons import Reason
from coordinator.sweeping.polls import OFFLINE_AFTER_MISSES, Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard

SWEEP_AGE_TICKS_MAX = 3
"""An older sweep says nothing about a draw: nobody is a candidate by it."""

Bitmap = Annotated[int, Stored.BITMAP]
_ID = re.compile(r"sweep-([0-9a-z]+)-([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Sweep:
    """One shard polled once: the document `probe_results/sweep-{shard}-{tick}`."""

    shard: Shard
    tick: int
    roster_version: int
    polls: Annotated[Mapping[int, Poll], Table(FAST)]
    """By slot; slots that were not polled are absent."""
    roster_revision: int = 0
    cursor_s: float = 0.0
    """Node documents changed up to here have been taken in."""
    changes: Annotated[Mapping[int, Slot], Table()] = field(default_factory=dict)
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
        unmeasured = by_outcome[Outcome.UNKNOWN]
        return SweepBits(
            self.shard,
            self.tick,
            self.roster_version,
            bits_of(list(self.polls)),
            roster_revision=self.roster_revision,
            cursor_s=self.cursor_s,
            since_tick=self.since_tick,
            waiting=bits_of([at for at in by_outcome[Outcome.DOWN] if self._waits(at)]),
            not_up_before=bits_of([at for at in unmeasured if not self.polls[at].was_up]),
            **{outcome.value: bits_of(slots) for outcome, slots in by_outcome.items()},
        )

    def _waits(self, at: int) -> bool:
        return self.polls[at].reason is Reason.UPSTREAM_DOWN

    def lost(self) -> list[int]:
        """Slots that missed so many polls that they are offline."""
        return [at for at, poll in self.polls.items() if poll.misses >= OFFLINE_AFTER_MISSES]


@dataclass(frozen=True, slots=True)
class SweepBits:
    """Only the bitmaps of a sweep: all that pay needs, read without unpacking the rows.

    They stand in the sweep's document, by slot and outcome."""

    shard: Shard
    tick: int
    roster_version: int
    probed: Bitmap
    up: Bitmap
    unknown: Bitmap
    idle: Bitmap = 0
    down: Bitmap = 0
    invalid: Bitmap = 0
    stalled: Bitmap = 0
    blocked: Bitmap = 0
    roster_revision: int = 0
    cursor_s: float = 0.0
    since_tick: int = 0
    recorded_s: float = 0.0
    """When it was written: too late, and it counts for nothing."""
    not_up_before: Bitmap = 0
    """Of `unknown`, those that were not up when they were last measured."""
    waiting: Bitmap = 0
    """Of `down`, those that answered, and waited for a stream that was said to be live."""


SWEEP_BITS = Codec(SweepBits, "probe_results/sweep")
SWEEPS = Codec(
    Sweep,
    "probe_results/sweep",
    keys=lambda sweep: {
        **SWEEP_BITS.encode(sweep.bits()),
        "sweep_tick": sweep.tick,
        "shard_tick": shard_tick(sweep.shard, sweep.tick),
    },
)


def drawable(sweep: SweepBits, roster: Roster) -> int:
    """The slots that may be drawn for a check: whoever's minute may count as up, as a bitmap.

    An unmeasured minute counts like the one before it. Were it not drawn, whoever could make its
    own minutes unknown would be paid for minutes that nothing holds to their word. Of who was not
    up before it, it does not count: drawn, a node that is off would fail by our own fault."""
    everyone = (1 << len(roster.slots)) - 1
    left_out = bits_of(
        [
            at
            for at, slot in enumerate(roster.slots)
            if not sweep.probed >> at & 1 and slot.is_polled_at(sweep.tick)
        ]
    )
    return (sweep.up | sweep.unknown & ~sweep.not_up_before | left_out) & everyone


def not_up_after(before: SweepBits) -> int:
    """The slots that a sweep says were not up when they were last measured, as a bitmap.

    What of them the next sweep does not measure says so too: whoever audits a day holds it to
    that."""
    return before.probed & ~before.up & ~before.unknown | before.not_up_before & before.unknown


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
