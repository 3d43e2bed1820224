"""One node in one sweep: what its answer, or the lack of one, says after the sweep before."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats
from coordinator.sweeping.rosters import Slot

OFFLINE_AFTER_MISSES = 3
"""Sweeps in a row without an answer that could be used, after which a node is polled no more."""
SHOWN_OFFLINE_AFTER_MISSES = 2
"""After so many it is called offline: within three minutes of its last answer."""
STANDS_STILL_AFTER = 2
"""Sweeps in a row without a byte more, while the relay says it is live, are a stall."""


class Outcome(StrEnum):
    """How one node stood in one sweep. Only `up` earns; `unknown` is our fault, and counts like the
    minute before it."""

    UP = "up"
    IDLE = "idle"
    DOWN = "down"
    INVALID = "invalid"
    STALLED = "stalled"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


_EXCUSED = (Outcome.UNKNOWN, Outcome.IDLE)
"""A node can do nothing about them: its uptime leaves them out."""

OUTCOME_OF_FAILURE: Mapping[Reason, Outcome] = {
    Reason.ADDRESS_BLOCKED: Outcome.BLOCKED,
    Reason.PORT_BLOCKED: Outcome.BLOCKED,
    Reason.URL_INVALID: Outcome.BLOCKED,
    Reason.NAME_UNRESOLVED: Outcome.DOWN,
    Reason.CONNECT_FAILED: Outcome.DOWN,
    Reason.TARGET_CROWDED: Outcome.DOWN,
    Reason.NETWORK_FULL: Outcome.DOWN,
    Reason.STATS_TIMEOUT: Outcome.DOWN,
    Reason.STATS_BAD_HTTP: Outcome.INVALID,
    Reason.STATS_TOO_LARGE: Outcome.INVALID,
    Reason.STATS_INVALID: Outcome.INVALID,
    Reason.UNKNOWN_RESOLVER: Outcome.UNKNOWN,
    Reason.UNKNOWN_INTERNAL: Outcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Poll:
    """One node's row in a sweep, totals since it first joined included."""

    outcome: Outcome
    reason: Reason
    minutes_due: int
    """Since the node first joined, absences included; but for those that were not measured by our
    own fault, those without a stream to relay, and those in `waited`."""
    minutes_up: int
    misses: int = 0
    """Sweeps in a row in which nothing of it answered, or what did was no statistics of it."""
    still: int = 0
    """Sweeps in a row in which it said live and its byte counter did not move."""
    viewers: int = 0
    bytes_in: int | None = None
    since_tick: int = 0
    """First tick of the present outcome."""
    was_up: bool = True
    """Of an unmeasured minute: whether the node was up when it was last measured. True where
    nobody knows."""
    waited: int = 0
    """Ticks in which it waited, while it is not known yet whether the stream was there: bit 0 is
    this one, bit 1 the one before (`coordinator.sweeping.waits`)."""


def outcome_of(
    slot: Slot,
    answer: RelayStats | Reason,
    previous: Poll | None,
    *,
    stream_is_live: bool,
    tick: int,
) -> Poll:
    """The row for one node: its stats, or the reason why there are none, after the last row.

    `stream_is_live` is what the ingest itself said last: a relay that waits for a dead stream
    is idle, one that waits for a live one is down. `previous` is as `Waits.decided` has it."""
    viewers, bytes_in, still = 0, None, 0
    if isinstance(answer, Reason):
        outcome, reason = OUTCOME_OF_FAILURE[answer], answer
    else:
        viewers, bytes_in = answer.viewers, answer.bytes_in
        still = _stands_still(answer, previous)
        outcome, reason = _outcome_of(slot, answer, still, stream_is_live)
    silent = outcome in (Outcome.DOWN, Outcome.BLOCKED) and isinstance(answer, Reason)
    missed = silent or outcome is Outcome.INVALID
    before = previous or Poll(outcome, reason, slot.minutes_due, slot.minutes_up, since_tick=tick)
    waits = reason is Reason.UPSTREAM_DOWN
    return Poll(
        outcome,
        reason,
        minutes_due=before.minutes_due + (outcome not in _EXCUSED and not waits),
        minutes_up=before.minutes_up + (outcome is Outcome.UP),
        misses=before.misses + 1 if missed else 0,
        still=still,
        viewers=viewers,
        bytes_in=bytes_in,
        since_tick=before.since_tick if before.outcome is outcome else tick,
        was_up=_was_up(slot, outcome, previous, tick),
        waited=before.waited | waits,
    )


def _was_up(slot: Slot, outcome: Outcome, previous: Poll | None, tick: int) -> bool:
    if outcome is not Outcome.UNKNOWN:
        return True
    if previous is None:  # whoever has just joined was up in no minute before
        return slot.joined_tick < tick
    return (
        previous.was_up if previous.outcome is Outcome.UNKNOWN else previous.outcome is Outcome.UP
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
