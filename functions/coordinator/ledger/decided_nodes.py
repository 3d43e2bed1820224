"""A node with every minute decided: what places are given by, and then its row."""

from dataclasses import dataclass

from coordinator.ledger.address_turns import Earner
from coordinator.ledger.forfeits import Forfeit
from coordinator.ledger.minute_decisions import MinuteDecisions
from coordinator.ledger.rows import Carried, Row
from coordinator.ledger.unpaid import in_order, most_telling
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes


@dataclass(frozen=True, slots=True)
class DecidedNode:
    """A row on its way: in minutes, and not in money yet."""

    node_id: str
    minutes: Minutes
    before: Carried
    decisions: MinuteDecisions
    absent: int
    """Whole epochs in a row off the roster, this one among them; 0 if it was there."""
    held_back: int = 0
    """Minutes that earlier statements have paid, and that are held since."""

    @property
    def takes(self) -> int:
        """The minutes that need a place: paid ones, and those that wait to be.

        Would a waiting minute hold none, another node behind it were paid for that place now, and
        this one an epoch later: one place paid twice."""
        decisions = self.decisions
        return decisions.paid | decisions.waiting | decisions.parked | decisions.held

    @property
    def earner(self) -> Earner:
        """What places are given by."""
        decisions, first_s = self.decisions, self.decisions.first_pass_s or 0.0
        claims = decisions.measured.up & ~decisions.measured.epoch.until(first_s)
        return Earner(
            self.node_id,
            first_s,
            decisions.address,
            self.takes,
            0 if self.before.flagged or decisions.fraud else claims,
            decisions.word.spells(),
            tuple(decisions.word.passes_s),
            self.before.is_behind,
        )

    def row(self, lost: Forfeit) -> Row:
        """With every minute told, and what is lost of earlier statements."""
        minutes, decisions = self.minutes, self.decisions
        up = decisions.measured.up
        last = 1 << (decisions.measured.epoch.count - 1)
        state = decisions.carried(last_up=bool(up & last), absent=self.absent)
        unpaid = decisions.told()
        return Row(
            node_id=self.node_id,
            minutes_due=minutes.due.bit_count(),
            minutes_up=up.bit_count(),
            minutes_idle=unpaid.get(Reason.STREAM_IDLE, 0),
            minutes_unknown=(minutes.unknown & minutes.due).bit_count(),
            minutes_waiting_before=self.before.in_suspense,
            minutes_paid=decisions.minutes_paid,
            unpaid=in_order(unpaid),
            earned_micros=0,
            short_micros=0,
            forfeited_micros=lost.micros,
            reason=most_telling(unpaid, state),
            voided_by=tuple(decisions.voided_by),
            carried=state,
            paid_bits=decisions.paid,
            forfeited_from_s=lost.from_s if lost.micros else None,
            minutes_forfeited=lost.minutes,
            minutes_held_back=self.held_back,
        )
