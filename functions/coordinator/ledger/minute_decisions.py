"""What becomes of a node's minutes in an epoch: each of its checks decides some of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.ledger.rows import Carried, Voided
from coordinator.reasons import Reason


@dataclass(slots=True)
class MinuteDecisions:
    """Where a node's minutes have gone so far. Start it with what the node has `carried`."""

    stream_id: str
    """Checks of other streams decide no minutes here, only what becomes of the node's flag."""
    waiting: int
    parked: int
    first_pass_s: float | None
    flagged: bool
    fraud: bool
    address: str | None
    failed: bool
    paid: int = 0
    unpaid: dict[Reason, int] = field(default_factory=dict)
    voided_by: list[Voided] = field(default_factory=list)

    @classmethod
    def of(cls, carried: Carried, stream_id: str) -> "MinuteDecisions":
        """At the beginning of an epoch of a stream."""
        return cls(
            stream_id,
            carried.waiting,
            carried.parked,
            carried.first_pass_s,
            carried.flagged,
            carried.fraud,
            carried.address,
            carried.failed,
        )

    def through(self, up: int, checks: Sequence[Check], starts_s: int, minute_s: int) -> None:
        """Takes every check, oldest first, with the minutes up that it decides.

        A check decides the minute in which it fell and all before it."""
        seen = 0
        for check in checks:
            if not check.verdict.counts:
                continue
            if check.stream_id != self.stream_id:
                self._turn(check)
                continue
            until = int(check.due_s - starts_s) // minute_s + 1
            mask = (1 << max(until, 0)) - 1
            self.waiting += (up & mask & ~seen).bit_count()
            seen |= mask
            self._take(check)
        self.waiting += (up & ~seen).bit_count()

    def confirm(self) -> None:
        """Fraud: nothing of the epoch is paid, passed checks or not."""
        self.flagged, self.fraud = False, True
        self._drop(Reason.FRAUD)
        self.give(Reason.FRAUD, self.paid)
        self.paid = 0

    def finish(self, *, lapses: bool) -> None:
        """Minutes that no check will decide go where they belong: they do not wait for ever."""
        if self.fraud:
            self._drop(Reason.FRAUD)
        elif self._begins:
            self._begin()
        if lapses:
            self._drop(Reason.LAPSED)
        self.give(Reason.SUSPECTED if self.flagged else Reason.AWAITING_CHECK, self.waiting)
        self.give(Reason.SUSPECTED, self.parked)

    def carried(self, *, last_up: bool, absent: int) -> Carried:
        """What the next epoch begins with."""
        return Carried(
            self.first_pass_s,
            self.waiting,
            last_up,
            self.flagged,
            self.fraud,
            self.parked,
            absent,
            self.address,
            self.failed,
        )

    def give(self, reason: Reason, minutes: int) -> None:
        """Counts minutes that are not paid."""
        if minutes:
            self.unpaid[reason] = self.unpaid.get(reason, 0) + minutes

    def _take(self, check: Check) -> None:
        if check.verdict is Verdict.FAIL:
            self._void(check)
        elif not self.fraud:
            self._pass(check)
        self._turn(check)

    def _turn(self, check: Check) -> None:
        """What the check set in motion for the node."""
        if check.event is TrustChange.FLAGGED:
            self.flagged = True
        elif check.event is TrustChange.CLEARED:
            self.flagged, self.paid, self.parked = False, self.paid + self.parked, 0
        elif check.event is TrustChange.SUSPENDED:
            self._suspend(check)
        elif check.event is TrustChange.CONFIRMED:
            minutes = self.paid + self.parked + self.waiting
            if minutes:
                self.voided_by.append(Voided(check.draw, check.due_s, minutes, Reason.FRAUD))
            self.confirm()

    def _pass(self, check: Check) -> None:
        self.address = check.address or self.address
        if self._begins:
            self._begin()
        elif self.flagged:
            self.parked += self.waiting
        else:
            self.paid += self.waiting
        self.waiting, self.failed = 0, False
        if self.first_pass_s is None:
            self.first_pass_s = check.due_s

    @property
    def _begins(self) -> bool:
        """Whether pay has to begin, or to begin again, with a passed check."""
        return self.first_pass_s is None or self.failed

    def _begin(self) -> None:
        """Minutes before a passed check with none before it, or a failed one."""
        first = self.first_pass_s is None
        self.give(Reason.BEFORE_FIRST_PASS if first else Reason.AFTER_FAILURE, self.waiting)
        self.waiting = 0

    def _void(self, check: Check) -> None:
        if self.waiting:
            self.give(Reason.VOIDED, self.waiting)
            self.voided_by.append(Voided(check.draw, check.due_s, self.waiting, check.reason))
        self.waiting, self.failed = 0, True

    def _suspend(self, check: Check) -> None:
        """What is parked is void. Flagged it stays, until retests clear it."""
        if self.parked:
            self.give(Reason.SUSPENDED, self.parked)
            self.voided_by.append(Voided(check.draw, check.due_s, self.parked, Reason.SUSPENDED))
        self.parked = 0

    def _drop(self, reason: Reason) -> None:
        self.give(reason, self.waiting + self.parked)
        self.waiting = self.parked = 0
