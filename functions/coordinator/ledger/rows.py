"""One node in one statement: where each of its minutes went, and what that earned."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from coordinator.reasons import Reason

MinuteBits = Annotated[
    int,
    BeforeValidator(lambda bits: int(bits, 16) if isinstance(bits, str) else bits),
    PlainSerializer(lambda bits: f"{bits:x}", return_type=str),
]
"""Minutes of an epoch as a bitmap, stored in hexadecimal: it has any length."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a node brings along from the statement before."""

    first_pass_s: float | None = None
    waiting: int = 0
    """Minutes up since its last check."""
    last_up: bool = False
    """How its last minute stood, for a first minute that we failed to measure."""
    flagged: bool = False
    fraud: bool = False
    parked: int = 0
    """Minutes that retests have passed for, held back until the flag is cleared."""
    absent: int = 0
    """Whole epochs in a row off the roster."""
    address: str | None = None
    """Where its last passed check reached it."""
    failed: bool = False
    """Whether its last check failed: pay begins again with the next one that passes."""
    unknown_alone: int = 0
    """Of `waiting`, those that were unknown of this node alone: a passed check pays only a few."""
    halted: int | None = None
    """Of `waiting`, those from before nobody could be verified any more, since nobody published or
    because of what was; None while somebody can."""
    kept_since_s: float | None = None
    """Since when it has had its turn at its address, if that is not since its first passed check:
    it goes by when a node began to keep its word."""
    is_behind: bool = False
    """Whether it has passed no check since the one failed whose turn it was at its address."""
    lost_turn: bool = False
    """Whether it has passed no check since it lost its turn there: it was away, or one passed at
    its second connection only. `kept_since_s` says when that was."""
    held: int = 0
    """Minutes whose pay is held: its passes have not earned the degraded checks that it had."""

    @property
    def in_suspense(self) -> int:
        """Minutes that are neither paid nor given up."""
        return self.waiting + self.parked + self.held


@dataclass(frozen=True, slots=True)
class Voided:
    """A check that voided minutes."""

    draw: int
    """Its run is `checks-{draw}`."""
    due_s: float
    minutes: int
    reason: Reason
    """Why the check failed."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row's law: minutes_due + minutes_waiting_before + minutes_held_back = minutes_paid + all of
    `unpaid`."""

    node_id: str
    minutes_due: int
    minutes_up: int
    """Swept up, unmeasured minutes counted like the one before included."""
    minutes_idle: int
    minutes_unknown: int
    """Not measured by our own fault, whatever they counted as."""
    minutes_waiting_before: int
    minutes_paid: int
    unpaid: tuple[tuple[Reason, int], ...]
    """Every minute that is not paid (here), by reason."""
    earned_micros: int
    short_micros: int
    """Due for verified minutes, but not covered by the balance."""
    forfeited_micros: int
    """Earned before, still pending, and returned to the stream: by confirmed fraud, or by a check
    that failed for the first time since one like it passed."""
    reason: Reason
    """The most telling reason why a minute was not paid; OK if all were."""
    voided_by: tuple[Voided, ...]
    carried: Carried = field(default_factory=Carried)
    """For the next statement."""
    paid_bits: MinuteBits = 0
    """Which of the epoch's minutes are paid. A check that fails later may void some of them."""
    forfeited_from_s: float | None = None
    """If anything was forfeited: all that was paid for minutes after this instant."""
    minutes_forfeited: int = 0
    """How many minutes of earlier statements that were."""
    minutes_held_back: int = 0
    """Of those, if degraded checks alone hold them: they are held here, and may be paid again."""

    @property
    def is_counted(self) -> bool:
        """Whether it is expected to go on earning: it is paid, or waits to be.

        How long the balance lasts is told by how many these are. Who comes later is no reason for
        them to get less."""
        is_waiting = self.carried.waiting > 0 and self.carried.first_pass_s is not None
        return self.minutes_paid > 0 or (is_waiting and not self.carried.flagged)

    @property
    def minutes_waiting(self) -> int:
        """Decided by checks of a later epoch."""
        return self.carried.in_suspense

    @property
    def minutes_unproven(self) -> int:
        """Before its first passed check."""
        return self.minutes_unpaid(Reason.BEFORE_FIRST_PASS)

    @property
    def minutes_voided(self) -> int:
        """Beside a failed check, or none to follow them; the sponsor keeps their tokens."""
        return self.minutes_unpaid(
            Reason.VOIDED, Reason.AFTER_FAILURE, Reason.SUSPENDED, Reason.FRAUD, Reason.LAPSED
        )

    @property
    def minutes_beyond(self) -> int:
        """Verified, but beyond what the stream pays in nodes, addresses or networks."""
        return self.minutes_unpaid(
            Reason.BEYOND_MAX_PAID_NODES, Reason.SAME_ADDRESS, Reason.NETWORK_SHARE
        )

    @property
    def minutes_earned(self) -> int:
        """Those that were paid, and those that the balance did not cover in full."""
        return self.minutes_paid + self.minutes_unpaid(Reason.BALANCE_EXHAUSTED)

    def minutes_unpaid(self, *reasons: Reason) -> int:
        """Minutes not paid for one of the reasons."""
        return sum(minutes for reason, minutes in self.unpaid if reason in reasons)
