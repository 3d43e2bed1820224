"""The sealed lottery: when checks are due, unpredictable before and verifiable after.

Every node, in every draw (an interval of CHECK_SECONDS), is due with a fixed probability, a
higher one in the first ten minutes of its key:
the first 8 bytes of HMAC-SHA256(day secret, "node|draw") as a fraction of 2^64 lie below
it; the next 8 bytes give the millisecond inside the interval, and those behind how long the check
lasts, what of it is read, and when a retest comes. The day's secret comes from
one key; its SHA-256 is published before the day and the secret itself after it, so anybody
can confirm that no check was added, dropped or aimed.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, date, datetime

from coordinator.checking.lengths import (
    PATIENT_CHECK_SECONDS,
    RETEST_WITHIN_S,
    SPAN_S,
    SPANS_FROM_S,
    VERY_LONG_S,
    Length,
)

LOTTERY_KEY_CHARACTERS_MIN = 32
LONG_OF_256 = 64
FFPROBE_OF_256 = 13
DECODED_OF_256 = 26
STAKE_MAX = 19
"""Whoever has so many intervals to lose, or more, has one very long check in 20."""
NEWCOMER_S = 600
"""So long after a key was first heard of its node is checked more often. Once for good: whoever
leaves and comes back would else choose when it is checked."""
NEWCOMER_OF_4 = 3
"""Then it is due in three draws of four, but not in two that follow each other: an operator sees
within minutes that all is well."""


@dataclass(frozen=True, slots=True)
class Lottery:
    """One day's draws. `checks_per_hour` of a node that is always a candidate."""

    day_secret: bytes
    check_seconds: int
    checks_per_hour: int

    def is_due(self, node_id: str, draw: int, first_seen_s: int) -> bool:
        """Whether the node, first heard of at `first_seen_s` (Unix seconds), is to be checked in
        this draw. Exact: integers only."""
        if not self.is_new(draw, first_seen_s):
            return self._is_due_as_ever(self._ticket(node_id, draw))
        first = min(draw, first_seen_s // self.check_seconds)
        is_due = False
        for each in range(first if self.is_patient else draw, draw + 1):
            ticket = self._ticket(node_id, each)
            # A newcomer's check lasts longer than a draw: another beside it would be one too many.
            is_extra = not (is_due and self.is_patient) and ticket * 4 < NEWCOMER_OF_4 << 64
            is_due = is_extra or self._is_due_as_ever(ticket)
        return is_due

    def _is_due_as_ever(self, ticket: int) -> bool:
        return ticket * 3600 < (self.checks_per_hour * self.check_seconds) << 64

    def _ticket(self, node_id: str, draw: int) -> int:
        return int.from_bytes(self._bytes(node_id, draw)[:8])

    def is_new(self, draw: int, first_seen_s: int) -> bool:
        """Whether the node is so new that it is checked more often."""
        return draw * self.check_seconds < first_seen_s + NEWCOMER_S

    def due_s(self, node_id: str, draw: int) -> float:
        """The instant (Unix seconds, to the millisecond) at which the draw's check is due."""
        offset = int.from_bytes(self._bytes(node_id, draw)[8:16])
        return draw * self.check_seconds + (offset * self.check_seconds * 1000 >> 64) / 1000

    @property
    def is_patient(self) -> bool:
        """Whether checks may last longer than draws: a network of shorter ones runs for show."""
        return self.check_seconds >= PATIENT_CHECK_SECONDS

    def length(self, node_id: str, draw: int, stake: int = STAKE_MAX) -> Length:
        """By the next two bytes one check of n + 1 is very long, if the node has n intervals to
        lose (`coordinator.checking.stakes`): who has nothing to lose is always watched so long. Of
        the others one in four is long, by the byte behind."""
        ticket = self._bytes(node_id, draw)
        fraction = int.from_bytes(ticket[16:18])
        if self.is_patient and fraction * (min(stake, STAKE_MAX) + 1) < 65_536:
            return Length.VERY_LONG
        return Length.LONG if ticket[18] < LONG_OF_256 else Length.SHORT

    def spans_s(self, node_id: str, draw: int) -> tuple[float, float, float]:
        """When the spans of a very long check begin, in seconds since its own beginning.

        The last is its end; two bytes each draw the others, which may lie over each other."""
        ticket = self._bytes(node_id, draw)
        room_s = VERY_LONG_S - SPAN_S - SPANS_FROM_S
        parts = (int.from_bytes(ticket[at : at + 2]) / 65_536 for at in (20, 22))
        first, second = sorted(round(SPANS_FROM_S + part * room_s, 3) for part in parts)
        return first, second, VERY_LONG_S - SPAN_S

    def retest_after_s(self, node_id: str, draw: int) -> float:
        """How long after its failure a node that served nothing is tried again."""
        if not self.is_patient:
            return 0.0
        part = int.from_bytes(self._bytes(node_id, draw)[24:26]) / 65_536
        return round(part * RETEST_WITHIN_S, 3)

    def is_by_ffprobe(self, node_id: str, draw: int) -> bool:
        """Whether another program than our own makes the connection: one in twenty, so that a
        node cannot serve whatever looks like ours."""
        return self._bytes(node_id, draw, "reader")[0] < FFPROBE_OF_256

    def is_decoded(self, node_id: str, draw: int) -> bool:
        """Whether what was captured is decoded as well: one in ten."""
        return self._bytes(node_id, draw, "reader")[1] < DECODED_OF_256

    def _bytes(self, *drawn: str | int) -> bytes:
        return hmac.digest(self.day_secret, "|".join(map(str, drawn)).encode(), "sha256")


def day_secret(lottery_key: str, day: date) -> bytes:
    """The secret of a UTC day, 32 bytes; the key itself is never published."""
    if len(lottery_key) < LOTTERY_KEY_CHARACTERS_MIN:
        raise ValueError(f"a lottery key has at least {LOTTERY_KEY_CHARACTERS_MIN} characters")
    return hmac.digest(lottery_key.encode(), f"day|{day.isoformat()}".encode(), "sha256")


def commitment(secret: bytes) -> str:
    """What is published before the day: the hex SHA-256 of its secret."""
    return hashlib.sha256(secret).hexdigest()


def day_of(draw: int, check_seconds: int) -> date:
    """The UTC day that a draw begins in, which decides whose secret draws it."""
    return datetime.fromtimestamp(draw * check_seconds, UTC).date()
