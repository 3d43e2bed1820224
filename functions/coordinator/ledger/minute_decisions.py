"""What becomes of a node's minutes in an epoch: each of its checks decides some of them.

Minutes of the epoch are bits. Of those that came along from epochs before, the number is known.
Longer than other modules, so that all that a check does to a minute is seen beside the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.credit import HOLDS_S, held_from_s
from coordinator.ledger.halts import halted_after, kept, lowest
from coordinator.ledger.kept_words import KeptWord
from coordinator.ledger.measured import Measured
from coordinator.ledger.rows import Carried, Voided
from coordinator.reasons import Reason


@dataclass(slots=True)
class MinuteDecisions:
    """Where a node's minutes have gone so far. Start it with what the node has `carried`."""

    stream_id: str
    """Checks of other streams pay no minutes here."""
    measured: Measured
    waiting_before: int
    alone_before: int
    """How many of those were unknown of this node alone."""
    parked_before: int
    first_pass_s: float | None
    flagged: bool
    fraud: bool
    address: str | None
    failed: bool
    halted: int | None
    """As it came along, until the end of the epoch."""
    word: KeptWord
    held_before: int
    """Of those that came along, or were decided since: see `held`."""
    is_behind: bool = False
    """At its address, at the end of the epoch."""
    waiting: int = 0
    parked: int = 0
    held: int = 0
    """Until passes have made up for the node's degraded checks."""
    paid: int = 0
    """These four as bitmaps."""
    paid_before: int = 0
    """Of those that came along."""
    unpaid: dict[Reason, int] = field(default_factory=dict)
    voided_by: list[Voided] = field(default_factory=list)

    @classmethod
    def of(cls, carried: Carried, stream_id: str, measured: Measured) -> "MinuteDecisions":
        """At the beginning of an epoch of a stream."""
        return cls(
            stream_id,
            measured,
            carried.waiting,
            carried.unknown_alone,
            carried.parked,
            carried.first_pass_s,
            carried.flagged,
            carried.fraud,
            carried.address,
            carried.failed,
            carried.halted,
            KeptWord(
                None if carried.failed else carried.kept_since_s or carried.first_pass_s,
                carried.lost_turn,
            ),
            carried.held,
        )

    @property
    def minutes_paid(self) -> int:
        """How many, those that came along included."""
        return self.paid.bit_count() + self.paid_before

    @property
    def minutes_waiting(self) -> int:
        """For their check."""
        return self.waiting.bit_count() + self.waiting_before

    @property
    def minutes_parked(self) -> int:
        """Until the flag is cleared."""
        return self.parked.bit_count() + self.parked_before

    @property
    def minutes_held(self) -> int:
        """Until passes have made up for degraded checks."""
        return self.held.bit_count() + self.held_before

    def through(self, checks: Sequence[Check]) -> None:
        """Takes every check, oldest first, with the minutes up that it decides.

        A check decides the minute in which it fell and all before it: one that fails, or that may
        pay. The others leave them waiting."""
        undecided = self.measured.up
        for check in checks:
            if not check.verdict.counts:
                continue
            until = self.measured.epoch.until(check.due_s)
            self.waiting |= undecided & until
            undecided &= ~until
            self.word.was_there(self.measured.away, self.measured.epoch, check.due_s)
            if check.stream_id == self.stream_id:
                self._take(check)
            else:
                self._take_elsewhere(check)
        self.waiting |= undecided
        self.word.was_there(self.measured.away, self.measured.epoch, self.measured.epoch.ends_s)

    def confirm(self) -> None:
        """Fraud: nothing of the epoch is paid, passed checks or not."""
        self.flagged, self.fraud = False, True
        self.give(Reason.FRAUD, self.minutes_paid)
        self.paid = self.paid_before = 0
        self._drop(Reason.FRAUD)

    def finish(self, *, lapses: bool, trouble: int = 0) -> None:
        """Minutes that no check will decide go where they belong: they do not wait for ever.

        `trouble`: in which minutes nobody could be verified, by the sponsor's doing."""
        if self.fraud:
            self._drop(Reason.FRAUD)
        elif self._begins:
            self._begin()
        self.halted = halted_after(self.halted, self.waiting_before, self.waiting, trouble)
        if lapses:
            self._keep()
            self._drop(Reason.LAPSED)
            self.halted = None

    def _keep(self) -> None:
        """What the sponsor's doing alone keeps from being decided, beyond a check interval."""
        if self.flagged:
            return
        before, given = (self.waiting_before, self.alone_before), self.measured
        then, now = kept(
            self.halted, before, self.waiting, given.unknown_alone, given.epoch.minute_s
        )
        self.waiting_before -= then
        self.paid_before += then
        self.waiting &= ~now
        self.paid |= now

    def refuse(self, why: Reason, minutes: int) -> None:
        """These have no place: they are not paid, and wait for nothing any more."""
        self.give(why, minutes.bit_count())
        self.paid &= ~minutes
        self.waiting &= ~minutes
        self.parked &= ~minutes
        self.held &= ~minutes

    def told(self) -> dict[Reason, int]:
        """Every minute that is not paid (yet), by reason."""
        waits = Reason.SUSPECTED if self.flagged else Reason.AWAITING_CHECK
        self.give(waits, self.minutes_waiting)
        self.give(Reason.SUSPECTED, self.minutes_parked)
        self.give(Reason.OWING, self.minutes_held)
        return self.unpaid

    def carried(self, *, last_up: bool, absent: int) -> Carried:
        """What the next epoch begins with."""
        alone = self.waiting & self.measured.unknown_alone
        return Carried(
            self.first_pass_s,
            self.minutes_waiting,
            last_up,
            self.flagged,
            self.fraud,
            self.minutes_parked,
            absent,
            self.address,
            self.failed,
            self.alone_before + alone.bit_count(),
            self.halted,
            self.word.since_s if self.word.since_s != self.first_pass_s else None,
            self.is_behind,
            self.word.is_loose,
            self.minutes_held,
        )

    def give(self, reason: Reason, minutes: int) -> None:
        """Counts minutes that are not paid."""
        if minutes:
            self.unpaid[reason] = self.unpaid.get(reason, 0) + minutes

    def _take(self, check: Check) -> None:
        if check.voids:
            self._fail(check)
        elif check.may_pay and not self.fraud:
            self._pass(check)
        elif check.verdict is Verdict.DEGRADED:
            self.word.faltered(check.due_s)
        self._settle_debt(check)
        self._turn(check)

    def _take_elsewhere(self, check: Check) -> None:
        """A node has one trust, and what a check voids it voids wherever it was earned."""
        if check.voids:
            self._fail(check)
        elif check.may_pay and self.failed and not self.fraud:
            self._begin()
            self.failed = False
            self.word.passed(check.due_s)
        self._settle_debt(check)
        if check.event is not TrustChange.CONFIRMED:  # that is told for the whole epoch
            self._turn(check)

    def _turn(self, check: Check) -> None:
        """What the check set in motion for the node."""
        if check.event is TrustChange.FLAGGED:
            self.flagged = True
        elif check.event is TrustChange.CLEARED:
            self.flagged = False
            self.paid |= self.parked
            self.paid_before += self.parked_before
            self.parked = self.parked_before = 0
        elif check.event is TrustChange.SUSPENDED:
            self._suspend(check)
        elif check.event is TrustChange.CONFIRMED:
            minutes = self.minutes_paid + self.minutes_parked + self.minutes_waiting
            minutes += self.minutes_held
            if minutes:
                self.voided_by.append(Voided(check.draw, check.due_s, minutes, Reason.FRAUD))
            self.confirm()

    def _pass(self, check: Check) -> None:
        self.address = check.address or self.address
        if self._begins:
            self._begin()
        else:
            self._decide(check)
        self.failed = False
        self.word.passed(check.due_s)
        if self.first_pass_s is None:
            self.first_pass_s = check.due_s

    def _settle_debt(self, check: Check) -> None:
        """What a degraded check holds, if its node had earned none; and what a pass gives back, as
        far as its node owes less."""
        from_s = held_from_s(check)
        if from_s is not None:
            self._hold(from_s)
        elif check.may_pay and not self.fraud:
            self._release(check.owes * HOLDS_S // self.measured.epoch.minute_s)

    def _release(self, still_held: int) -> None:
        """Of what is held all but so many minutes, the oldest first."""
        count = max(0, self.minutes_held - still_held)
        then = min(count, self.held_before)
        now = lowest(self.held, count - then)
        self.held_before -= then
        self.held &= ~now
        self._credit(now, then)

    def _hold(self, from_s: int) -> None:
        """Pay since an instant. What waits because it was unknown of this node alone goes on
        waiting, as only a few such minutes are paid; so does what was before pay begins."""
        epoch = self.measured.epoch
        sure = 0 if self._begins else self.waiting & ~self.measured.unknown_alone
        now = (self.paid | sure) & ~epoch.until(from_s)
        self.paid, self.waiting, self.held = self.paid & ~now, self.waiting & ~now, self.held | now
        room = max(0, epoch.starts_s - from_s) // epoch.minute_s
        waited = 0 if self._begins else min(room, self.waiting_before - self.alone_before)
        paid = min(room - waited, self.paid_before)
        self.waiting_before -= waited
        self.paid_before -= paid
        self.held_before += waited + paid

    def _fail(self, check: Check) -> None:
        self._void(check)
        self.failed = True
        self.word.failed(check.due_s)

    def _decide(self, check: Check) -> None:
        """What waits is paid, or parked: as far as this check may say anything of it."""
        stay, before = self.measured.newcomer.stay(check, self.measured.epoch)
        now = self.waiting & stay
        then = self.waiting_before if before is None else min(before, self.waiting_before)
        self.waiting &= ~now
        alone_then = min(then, self.alone_before)
        self.waiting_before -= then
        self.alone_before -= alone_then
        now, dropped = self.measured.bounded(now, alone_then)
        then -= min(dropped, alone_then)
        self.give(Reason.UNKNOWN_ALONE, dropped)
        self._credit(now, then)

    def _credit(self, now: int, before: int) -> None:
        """Minutes of this epoch, and so many of earlier ones: paid, or parked under a flag."""
        if self.flagged:
            self.parked |= now
            self.parked_before += before
        else:
            self.paid |= now
            self.paid_before += before

    @property
    def _begins(self) -> bool:
        """Whether pay has to begin, or to begin again, with a passed check."""
        return self.first_pass_s is None or self.failed

    def _begin(self) -> None:
        """Minutes before a passed check with none before it, or a failed one."""
        first = self.first_pass_s is None
        self._drop_waiting(Reason.BEFORE_FIRST_PASS if first else Reason.AFTER_FAILURE)

    def _void(self, check: Check) -> None:
        """What waits, and what shorter checks have paid since one like this passed."""
        from_s = float("inf") if check.voids_from_s is None else check.voids_from_s
        after = ~self.measured.epoch.until(min(from_s, self.measured.epoch.ends_s))
        is_here = check.stream_id == self.stream_id
        lost = (self.paid | self.waiting | self.held) & after | (self.waiting if is_here else 0)
        minutes = lost.bit_count()
        self.paid, self.waiting = self.paid & ~lost, self.waiting & ~lost
        self.held &= ~lost
        if is_here or from_s < self.measured.epoch.starts_s:
            minutes += self.waiting_before
            self.waiting_before = self.alone_before = 0
        if from_s < self.measured.epoch.starts_s:
            minutes += self.paid_before + self.held_before
            self.paid_before = self.held_before = 0
        self.give(Reason.LAPSED if check.has_left else Reason.VOIDED, minutes)
        if minutes:
            self.voided_by.append(Voided(check.draw, check.due_s, minutes, check.reason))

    def _suspend(self, check: Check) -> None:
        """What is parked is void. Flagged it stays, until retests clear it."""
        if minutes := self.minutes_parked:
            self.give(Reason.SUSPENDED, minutes)
            self.voided_by.append(Voided(check.draw, check.due_s, minutes, Reason.SUSPENDED))
        self.parked = self.parked_before = 0

    def _drop(self, reason: Reason) -> None:
        self._drop_waiting(reason)
        self.give(reason, self.minutes_parked + self.minutes_held)
        self.parked = self.parked_before = self.held = self.held_before = 0

    def _drop_waiting(self, reason: Reason) -> int:
        minutes = self.minutes_waiting
        self.give(reason, minutes)
        self.waiting = self.waiting_before = self.alone_before = 0
        return minutes
