"""What a node loses of that which earlier statements have paid, while it is still pending.

A statement is never changed. What comes back is an entry of the later one: everything that was
paid for minutes after an instant. So what is left of a statement are its minutes up to the
earliest such instant of all that came later.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from coordinator.checking.checks import Check, TrustChange
from coordinator.checking.credit import held_from_s
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.rows import Row
from coordinator.ledger.statements import Statement

EVERYTHING_S = 0.0
"""Since then is since ever: nobody had relayed anything."""


@dataclass(frozen=True, slots=True)
class Forfeit:
    """What a node loses of a stream's tokens with one statement."""

    micros: int
    minutes: int = 0
    from_s: float = EVERYTHING_S
    """All that was paid for minutes after this instant."""
    is_held: bool = False
    """Whether degraded checks hold it, and nothing voids it: passes may give it back."""


NOTHING = Forfeit(0)


def confirmed_in(checks: Iterable[Check]) -> frozenset[str]:
    """Nodes that the checks, of whatever stream, confirmed as frauds."""
    return frozenset(check.node_id for check in checks if check.event is TrustChange.CONFIRMED)


def losses_of(checks: Iterable[Check], starts_s: int) -> dict[str, float]:
    """From when on nodes lose what epochs before `starts_s` have paid, by node id.

    Frauds lose everything; who failed a check loses what was earned since one like it passed, and
    who has too many degraded ones what each of them holds."""
    made = list(checks)
    found: dict[str, float] = {}
    for check in (check for check in made if check.verdict.counts):
        from_s = held_from_s(check) if check.holds else check.voids_from_s
        if from_s is not None and from_s < starts_s:
            found[check.node_id] = min(from_s, found.get(check.node_id, from_s))
    return found | dict.fromkeys(confirmed_in(made), EVERYTHING_S)


def held_of(checks: Iterable[Check], starts_s: int) -> frozenset[str]:
    """Nodes that lose what earlier epochs have paid by degraded checks alone."""
    counting = [check for check in checks if check.verdict.counts]
    others = [check for check in counting if not check.holds]
    lost = losses_of(others, starts_s)
    return frozenset(check.node_id for check in counting if check.holds) - lost.keys()


def forfeits_of(
    since: Mapping[str, float],
    held: Iterable[Statement],
    epoch: int,
    only_held: Collection[str] = frozenset(),
) -> dict[str, Forfeit]:
    """What nodes have earned for minutes after an instant each, and have not lost before.

    `since`: the instants, by node id. `held`: the stream's statements of the `holding_epochs`
    epochs before `epoch`, which is settled now; those that end before are not needed. `only_held`:
    whose pay is held and not void."""
    left_s: dict[str, float] = {}
    lost: dict[str, list[int]] = {}
    newest_first = sorted(held, key=lambda each: -each.epoch) if since else []
    for statement in newest_first:
        if statement.epoch + statement.terms.holding_epochs < epoch:
            continue
        for row in (row for row in statement.rows if row.node_id in since):
            until_s = left_s.get(row.node_id, float("inf"))
            before = paid_until(row, statement.epoch_minutes, until_s)
            after = paid_until(row, statement.epoch_minutes, min(until_s, since[row.node_id]))
            minutes, micros = lost.setdefault(row.node_id, [0, 0])
            lost[row.node_id] = [minutes + before[0] - after[0], micros + before[1] - after[1]]
            if row.forfeited_micros:
                left_s[row.node_id] = min(until_s, row.forfeited_from_s or EVERYTHING_S)
    return {
        node_id: Forfeit(micros, minutes, since[node_id], node_id in only_held)
        for node_id, (minutes, micros) in lost.items()
        if micros
    }


def paid_until(row: Row, epoch: EpochMinutes, at_s: float) -> tuple[int, int]:
    """(minutes, micros) that a row was paid for minutes up to the one that an instant lies in."""
    earned = row.minutes_earned
    if at_s < epoch.starts_s or not row.earned_micros:
        return 0, 0
    if at_s >= epoch.ends_s:
        return earned, row.earned_micros
    came_along = earned - row.paid_bits.bit_count()
    minutes = came_along + (row.paid_bits & epoch.until(at_s)).bit_count()
    return minutes, row.earned_micros * minutes // earned
