"""A stream's tokens as they are published, followed from the first deposit on. Pure.

A statement begins with what the one before it left, and with every deposit that came between the
two. Whoever knows the statements' totals and the entries knows what each must begin with.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from coordinator.ledger.entries import Entry, EntryKind
from coordinator.money import format_tokens, parse_tokens
from tools.verify.evidence import entry_from, unix_s

DEPOSITS = (EntryKind.DEPOSIT, EntryKind.TOP_UP)
ENTRY_S_MAX = 60.0
"""An entry is dated before it is written: so much later it is there, whatever the clocks say."""


@dataclass(frozen=True, slots=True)
class Hour:
    """The totals of a settled epoch."""

    epoch: int
    ends_s: float
    paid_micros: int
    forfeited_micros: int
    refunded_micros: int
    balance_after_micros: int

    @property
    def opening_micros(self) -> int:
        """What it says that it began with."""
        spent = self.paid_micros - self.forfeited_micros + self.refunded_micros
        return self.balance_after_micros + spent


@dataclass(frozen=True, slots=True)
class Deliveries:
    """All that moved a stream's tokens."""

    hours: Sequence[Hour]
    """Oldest first."""
    entries: Sequence[Entry]
    """By number; of more than 200 the latest."""
    deposited_micros: int
    returned_micros: int
    paid_micros: int
    refunded_micros: int
    balance_micros: int

    @property
    def is_whole(self) -> bool:
        """Whether every entry is published still."""
        return not self.entries or self.entries[0].number == 1


@dataclass(slots=True)
class Openings:
    """What each epoch must have begun with, and what does not agree on the way."""

    delivery: Deliveries
    settled_s: Callable[[int], float]
    """When an epoch is settled, at the earliest."""
    by_epoch: dict[int, int] = field(default_factory=dict)
    _running: int = 0
    _left: list[Entry] = field(default_factory=list)

    def findings(self) -> Iterator[str]:
        """Everything that does not agree; `by_epoch` is filled on the way."""
        self._running, self._left = 0, list(self.delivery.entries)
        yield from _misplaced(self._left)
        for hour in self.delivery.hours:
            yield from self._deposits(hour)
            if self._running != hour.opening_micros:
                yield (
                    f"epoch {hour.epoch} begins with {format_tokens(hour.opening_micros)}, and "
                    f"{format_tokens(self._running)} was there"
                )
            self.by_epoch[hour.epoch] = self._running
            self._running = hour.balance_after_micros
            yield from self._returned(hour)
        for entry in self._left:
            yield from self._take(entry)
        yield from self._totals()

    def _deposits(self, hour: Hour) -> Iterator[str]:
        """Those that the epoch begins with: all that were there, and what came until it did."""
        until_s = self.settled_s(hour.epoch) - ENTRY_S_MAX
        while self._left and self._left[0].kind in DEPOSITS:
            entry = self._left[0]
            if entry.at_s >= until_s and self._running >= hour.opening_micros:
                return
            yield from self._take(self._left.pop(0))

    def _take(self, entry: Entry) -> Iterator[str]:
        if entry.kind not in DEPOSITS:
            yield f"entry {entry.number} belongs to epoch {entry.epoch}, which is not settled"
            return
        self._running += entry.amount_micros
        if entry.balance_after_micros != self._running:
            yield (
                f"entry {entry.number} left {format_tokens(entry.balance_after_micros)}, and "
                f"{format_tokens(self._running)} was there"
            )

    def _returned(self, hour: Hour) -> Iterator[str]:
        """The entries that the epoch's statement made."""
        wanted = {
            EntryKind.FORFEIT: hour.forfeited_micros,
            EntryKind.REFUND: hour.refunded_micros,
        }
        while self._left and self._left[0].epoch == hour.epoch:
            entry = self._left.pop(0)
            if wanted.pop(entry.kind, 0) != entry.amount_micros:
                yield f"entry {entry.number} is not what epoch {hour.epoch} says of it"
        for kind, micros in wanted.items():
            if micros:
                yield f"epoch {hour.epoch}: there is no entry for its {kind.value}"

    def _totals(self) -> Iterator[str]:
        told, entries, hours = self.delivery, self.delivery.entries, self.delivery.hours
        for name, published, summed in (
            ("balance", told.balance_micros, self._running),
            ("deposited", told.deposited_micros, _sum(entries, *DEPOSITS)),
            ("returned", told.returned_micros, _sum(entries, EntryKind.FORFEIT)),
            ("refunded", told.refunded_micros, _sum(entries, EntryKind.REFUND)),
            ("paid", told.paid_micros, sum(hour.paid_micros for hour in hours)),
        ):
            if published != summed:
                sums = format_tokens(summed)
                yield f"{name}: published {format_tokens(published)}, entries and hours {sums}"


def _sum(entries: Sequence[Entry], *kinds: EntryKind) -> int:
    return sum(entry.amount_micros for entry in entries if entry.kind in kinds)


def _misplaced(entries: Sequence[Entry]) -> Iterator[str]:
    for before, after in pairwise(entries):
        if after.number != before.number + 1:
            yield f"between entries {before.number} and {after.number} one is missing"
        too_early_s = before.at_s - after.at_s
        if too_early_s > ENTRY_S_MAX:
            yield f"entry {after.number} is dated {too_early_s:.0f} s before the one before it"


def deliveries_from(found: dict[str, Any]) -> Deliveries:
    """What `GET /streams/{stream_id}/delivery` answers with, all pages together."""
    return Deliveries(
        hours=[
            Hour(
                epoch=hour["epoch"],
                ends_s=unix_s(hour["ends_at"]),
                paid_micros=parse_tokens(hour["paid"]),
                forfeited_micros=parse_tokens(hour["forfeited"]),
                refunded_micros=parse_tokens(hour["refunded"]),
                balance_after_micros=parse_tokens(hour["balance_after"]),
            )
            for hour in found["hours"]
        ],
        entries=[entry_from(found["stream_id"], entry) for entry in found["entries"]],
        deposited_micros=parse_tokens(found["deposited"]),
        returned_micros=parse_tokens(found["returned"]),
        paid_micros=parse_tokens(found["paid"]),
        refunded_micros=parse_tokens(found["refunded"]),
        balance_micros=parse_tokens(found["balance"]),
    )
