"""Settling one epoch of one stream: from published evidence to a row per node. Pure.

The rule (docs/adr/0003): a minute up is paid when the next check that follows it passes, from
the node's first passed check on. A failed check voids what waits, and what shorter checks have paid
since one of its own length passed, as far as that is still pending (docs/adr/0057). Minutes after
the last check of an epoch wait, and are carried into the next statement. Minutes of a flagged node
are parked until retests clear it (paid) or confirm it (returned). Minutes that no check can follow
any more lapse.

Two steps: `draft` decides minutes and does not know the balance, so it is made once;
`Draft.paid_from` turns them into money, and may be repeated when another writer was faster.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from coordinator.checking.checks import Check
from coordinator.ledger.address_turns import left_behind
from coordinator.ledger.decided_nodes import DecidedNode
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.forfeits import NOTHING, Forfeit
from coordinator.ledger.halts import undecided_minutes
from coordinator.ledger.measured import Measured
from coordinator.ledger.minute_decisions import MinuteDecisions
from coordinator.ledger.newcomers import EVERYTHING, NOT_NEW, Newcomer
from coordinator.ledger.paid_places import refused
from coordinator.ledger.rows import Carried, Row
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.ledger.unpaid import in_order, most_telling
from coordinator.money import share_out
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

ABSENT_EPOCHS_MAX = 24
"""So long a node that left is remembered: its first passed check, its flag."""


@dataclass(frozen=True, slots=True)
class EpochInput:
    """Everything that the minutes of an epoch of a stream depend on; all of it is public."""

    stream_id: str
    epoch: int
    starts_s: int
    ends_s: int
    terms: Terms
    minutes: Mapping[str, Minutes]
    """By node id."""
    checks: Sequence[Check]
    """Of this stream, due within the epoch, in any order."""
    carried: Mapping[str, Carried] = field(default_factory=dict)
    """By node id, from the statement before."""
    frauds: frozenset[str] = frozenset()
    """Nodes confirmed as frauds in the epoch, by checks of any stream: see `confirmed_in`."""
    forfeits: Mapping[str, Forfeit] = field(default_factory=dict)
    """What nodes lose of that which is still pending of this stream: see `forfeits_of`."""
    newcomers: Mapping[str, Newcomer] = field(default_factory=dict)
    """By node id: whose draws its operator could foresee."""
    closes: bool = False
    """The stream has ended by the end of the epoch: what is left goes back to the sponsor."""
    check_seconds: int = 60
    evidence_until_s: float = 0.0
    roster_ids: tuple[str, ...] = ()
    """These three are only handed on to the statement: to recompute it takes them."""
    elsewhere: Sequence[Check] = ()
    """Of other streams, of nodes that this one knows: a node has one trust, wherever it relays."""
    counted: Collection[str] = frozenset()
    """Nodes by which it was told how long the balance lasts: they come first if it is short."""
    unverified: bool = False
    """No check of the stream passed, and some could not be decided because of what is published."""

    @property
    def minutes_of(self) -> EpochMinutes:
        """The epoch's minutes."""
        return EpochMinutes(self.starts_s, self.ends_s, self.terms.minute_seconds)


@dataclass(frozen=True, slots=True)
class Draft:
    """An epoch with every minute decided and nothing paid yet."""

    given: EpochInput
    rows: tuple[Row, ...]
    """By node id."""

    @property
    def forfeited_micros(self) -> int:
        """What comes back."""
        return sum(row.forfeited_micros for row in self.rows)

    def paid_from(self, balance_micros: int) -> Statement:
        """Minutes into micros; a balance that is too small is shared out to the last one."""
        given, owed = self.given, [self._owed(row) for row in self.rows]
        shares = self._shared(balance_micros, owed) if sum(owed) > balance_micros else owed
        paid = sum(shares)
        left = balance_micros - paid + self.forfeited_micros
        refunded = left if given.closes else 0
        return Statement(
            stream_id=given.stream_id,
            epoch=given.epoch,
            starts_s=given.starts_s,
            ends_s=given.ends_s,
            terms=given.terms,
            rows=tuple(
                self._with_pay(row, due, share)
                for row, due, share in zip(self.rows, owed, shares, strict=True)
            ),
            paid_micros=paid,
            forfeited_micros=self.forfeited_micros,
            refunded_micros=refunded,
            balance_before_micros=balance_micros,
            balance_after_micros=left - refunded,
            closes=given.closes,
            check_seconds=given.check_seconds,
            evidence_until_s=given.evidence_until_s,
            roster_ids=given.roster_ids,
        )

    def _shared(self, balance_micros: int, owed: Sequence[int]) -> list[int]:
        """First among those whom the balance was said to last for, then among who came since."""
        ties, counted = [_lot(self.given, row.node_id) for row in self.rows], self.given.counted
        each = list(zip(self.rows, owed, strict=True))
        first = [due if row.node_id in counted else 0 for row, due in each]
        then = [due - already for due, already in zip(owed, first, strict=True)]
        to_first = min(balance_micros, sum(first))
        return [
            one + other
            for one, other in zip(
                share_out(to_first, first, ties),
                share_out(balance_micros - to_first, then, ties),
                strict=True,
            )
        ]

    def _owed(self, row: Row) -> int:
        return self.given.terms.owed_micros(row.minutes_paid)

    def _with_pay(self, row: Row, owed: int, share: int) -> Row:
        """The row with its pay; minutes that are not covered in full are not paid minutes."""
        if share == owed:
            return replace(row, earned_micros=share) if share else row
        covered = self.given.terms.minutes_in(share)
        unpaid = {**dict(row.unpaid), Reason.BALANCE_EXHAUSTED: row.minutes_paid - covered}
        return replace(
            row,
            minutes_paid=covered,
            unpaid=in_order(unpaid),
            earned_micros=share,
            short_micros=owed - share,
            reason=most_telling(unpaid, row.carried),
        )


def settle(given: EpochInput, balance_micros: int) -> Statement:
    """The epoch's statement. Does not depend on the order of any of it."""
    return draft(given).paid_from(balance_micros)


def draft(given: EpochInput) -> Draft:
    """Every minute decided, and who is paid."""
    by_node: dict[str, list[Check]] = {}
    for check in chain(given.checks, given.elsewhere):
        by_node.setdefault(check.node_id, []).append(check)
    here = {check.node_id for check in given.checks}
    nodes = sorted({*given.minutes, *here, *given.carried, *given.forfeits})
    undecided = undecided_minutes(given.checks, given.minutes_of)
    excused = _excused(given, undecided)
    decided = [
        _decided(node_id, by_node.get(node_id, []), given, undecided, excused)
        for node_id in nodes
        if _is_remembered(node_id, here, given)
    ]
    earners = [one.earner for one in decided if one.decisions.first_pass_s is not None]
    without = refused(earners, given.terms, given.minutes_of)
    is_limited = given.terms.network_percent < 100
    behind = left_behind(earners, given.minutes_of) if is_limited else frozenset()
    for one in decided:
        one.decisions.is_behind = one.node_id in behind
        for why, minutes in without.get(one.node_id, {}).items():
            one.decisions.refuse(why, minutes)
    return Draft(given, tuple(one.row(given.forfeits.get(one.node_id, NOTHING)) for one in decided))


def _is_remembered(node_id: str, checked: Collection[str], given: EpochInput) -> bool:
    if node_id in given.minutes or node_id in checked or node_id in given.forfeits:
        return True
    carried = given.carried[node_id]
    if carried.in_suspense:
        return True
    remembered = max(ABSENT_EPOCHS_MAX, given.terms.holding_epochs)
    return not given.closes and carried.absent < remembered


def _excused(given: EpochInput, undecided: int) -> int:
    """Minutes in which nobody has to be there to keep a turn: who was could not be checked."""
    if given.unverified:
        return EVERYTHING
    idle = 0
    for minutes in given.minutes.values():
        idle |= minutes.idle & ~minutes.interrupted  # who waits then says so itself
    return idle | undecided


def _decided(
    node_id: str, checks: list[Check], given: EpochInput, undecided: int, excused: int
) -> DecidedNode:
    """A node's minutes, before it is known whether there is a place for them."""
    minutes = given.minutes.get(node_id, Minutes())
    carried = given.carried.get(node_id, Carried())
    up = minutes.filled(carried.last_up)
    measured = Measured(
        up,
        minutes.unknown_alone & up,
        given.terms.unknown_minutes_max,
        given.minutes_of,
        given.newcomers.get(node_id, NOT_NEW),
        minutes.away(up) & ~excused,
    )
    decisions = MinuteDecisions.of(carried, given.stream_id, measured)
    for reason, count in minutes.not_up(up).items():
        decisions.give(reason, count)
    decisions.through(sorted(checks, key=lambda check: (check.due_s, check.draw)))
    lost = given.forfeits.get(node_id, NOTHING)
    held_back = given.terms.minutes_in(lost.micros) if lost.is_held else 0
    decisions.held_before += held_back
    if node_id in given.frauds and not decisions.fraud:
        decisions.confirm()
    absent = not minutes.due and all(check.stream_id != given.stream_id for check in checks)
    trouble = minutes.idle & ~minutes.interrupted | undecided
    decisions.finish(lapses=absent or given.closes, trouble=trouble)
    # Whoever leaves a stream that nobody can be verified on keeps its place meanwhile.
    away = carried.absent + (0 if given.unverified else 1) if absent else 0
    return DecidedNode(node_id, minutes, carried, decisions, away, held_back)


def _lot(given: EpochInput, node_id: str) -> int:
    """Settles ties between equal remainders: another order in every epoch, known to all."""
    lot = f"{given.stream_id}|{given.epoch}|{node_id}".encode()
    return int.from_bytes(hashlib.sha256(lot).digest()[:8])
