"""Whose turn it is at a public address: many nodes behind it are one machine, or one uplink. Pure.

It is the turn of whoever has kept its word for longest; of several that began within ten minutes,
of the one that began last. Else many identities on one machine would be a way to be proven, and
paid, sooner than others are. Who says that it is up has its turn until a check of it fails. Then it
goes to the end of the row, and the others begin with a passed check, as it would have to: else each
of them would be paid for what another one failed.

Who is away for some minutes of an epoch, or passes a check at the second connection only, goes to
the end as well, and begins with a passed check. That proves nothing against it, and costs the
others nothing: they go on. Until then its turn comes after everybody else's; of several, who lost
it last comes first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from coordinator.checking.lottery import NEWCOMER_S
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.kept_words import FOR_GOOD_S, Spell
from coordinator.strangers.networks import places_of


@dataclass(frozen=True, slots=True)
class Earner:
    """A node with verified minutes, or with minutes that wait to be."""

    node_id: str
    first_pass_s: float
    address: str | None
    """Where its last passed check reached it."""
    takes: int
    """The minutes that are paid or wait to be, as a bitmap."""
    claims: int = 0
    """The minutes in which it stood behind its address and said that it was up."""
    spells: tuple[Spell, ...] | None = None
    """When it kept its word; None: since its first passed check."""
    passes_s: tuple[float, ...] = ()
    """When its passed checks of the epoch were due."""
    is_behind: bool = False
    """Whether it has to pass one, since whose turn it was at its address has failed."""


def out_of_turn(earners: Iterable[Earner], epoch: EpochMinutes) -> Mapping[str, int]:
    """Minutes of nodes whose turn it is not at their address, as bitmaps, by node id."""
    found: dict[str, int] = {}
    for group in _by_address(earners):
        last_s = _last_proven(group, epoch.starts_s)
        taken, turns = _Taken(epoch), dict[str, int]()
        for one, spell in _turns(group):
            within = _between(spell.since_s, spell.until_s, epoch)
            early = epoch.until(last_s[one.node_id]) if one.node_id in last_s else 0
            _add(found, one, one.takes & within & (taken.of(one) | early))
            taken.add(one, spell)
            turns[one.node_id] = turns.get(one.node_id, 0) | within
        for one in group:
            _add(found, one, one.takes & taken.of(one) & ~turns.get(one.node_id, 0))
        for one, from_s, until_s in _breaks(group, epoch):
            _add(found, one, one.takes & _between(from_s, until_s, epoch))
    return found


def left_behind(earners: Iterable[Earner], epoch: EpochMinutes) -> frozenset[str]:
    """Who has passed no check since the one failed whose turn it was at the same address."""
    breaks = chain.from_iterable(_breaks(group, epoch) for group in _by_address(earners))
    return frozenset(one.node_id for one, _, until_s in breaks if until_s == FOR_GOOD_S)


@dataclass(slots=True)
class _Taken:
    """Minutes that turns take from whoever comes after them.

    A turn that ended by a failed check took nothing since its node last passed, as far as another
    had passed by then. One machine with both keys has served that; it loses what it would with one
    key: what comes between the last pass and the next."""

    epoch: EpochMinutes
    _kept: int = 0
    """By turns that lasted."""
    _failed: list[tuple[Earner, Spell, float, int]] = field(default_factory=list)
    """By each of the others, and since when it had not passed."""

    def add(self, holder: Earner, spell: Spell) -> None:
        """What it says that it was up."""
        claims = holder.claims & _between(spell.since_s, spell.until_s, self.epoch)
        if spell.failed and claims:
            passed_s = max(spell.since_s, _last_pass_s(holder, spell.until_s))
            self._failed.append((holder, spell, passed_s, claims))
        else:
            self._kept |= claims

    def of(self, one: Earner) -> int:
        """From a node."""
        found = self._kept
        for holder, spell, passed_s, claims in self._failed:
            until_s = passed_s if holder is one else _last_pass_s(one, spell.until_s)
            found |= claims & ~_between(passed_s, until_s, self.epoch)
        return found


def _last_pass_s(one: Earner, until_s: float) -> float:
    """When it last passed before then in the epoch; 0 if it did not."""
    return max((at_s for at_s in one.passes_s if at_s < until_s), default=0.0)


def _by_address(earners: Iterable[Earner]) -> Iterable[list[Earner]]:
    """Those that share one."""
    behind: dict[str, list[Earner]] = {}
    for earner in earners:
        if place := places_of(earner.address)[0]:
            behind.setdefault(place, []).append(earner)
    return [group for group in behind.values() if len(group) > 1]


def _last_proven(group: Iterable[Earner], since_s: float) -> dict[str, float]:
    """Of each that was proven since then: when the last one was of those that began with it.

    Nobody of them is paid before. Who begins later costs them nothing."""
    new = [one for one in group if one.first_pass_s >= since_s]
    last_s: dict[int, float] = {}
    for one in new:
        began = _beginning(one.first_pass_s)
        last_s[began] = max(one.first_pass_s, last_s.get(began, 0.0))
    return {one.node_id: last_s[_beginning(one.first_pass_s)] for one in new}


def _beginning(since_s: float) -> int:
    """Who has the same one began together. A newcomer's checks come for so long."""
    return int(since_s) // NEWCOMER_S


def _add(found: dict[str, int], one: Earner, lost: int) -> None:
    if lost:
        found[one.node_id] = found.get(one.node_id, 0) | lost


def _turns(group: Iterable[Earner]) -> list[tuple[Earner, Spell]]:
    """Whose turn comes first."""
    turns = [(one, spell) for one in group for spell in _spells(one)]
    return sorted(turns, key=lambda turn: (*_rank(turn[1]), turn[0].node_id))


def _rank(spell: Spell) -> tuple[bool, int, float]:
    """The lower, the sooner. Of those without a turn it is who lost it last: whoever never passes
    one at once would else come before a neighbour that failed to do so once."""
    began = 0 if spell.is_loose else _beginning(spell.since_s)
    return spell.is_loose, began, -spell.since_s


def _spells(one: Earner) -> tuple[Spell, ...]:
    return (Spell(one.first_pass_s),) if one.spells is None else one.spells


def _breaks(group: Sequence[Earner], epoch: EpochMinutes) -> Iterable[tuple[Earner, float, float]]:
    """(who begins again, from when, until it passes a check) after whose turn it was has failed."""
    held = 0
    broken = [(one, 0.0) for one in group if one.is_behind]
    for one, spell in _turns(group):
        claims = one.claims & _between(spell.since_s, spell.until_s, epoch)
        if _last_of(spell, epoch) & claims & ~held:
            broken += [(other, spell.until_s) for other in group if other is not one]
        held |= claims
    for one, from_s in broken:
        later = [at_s for at_s in one.passes_s if at_s > from_s]
        yield one, from_s, min(later, default=FOR_GOOD_S)


def _last_of(spell: Spell, epoch: EpochMinutes) -> int:
    """The minute of the failed check that ended it; none, if it lasts or ended otherwise."""
    if not spell.failed:
        return 0
    return _between(spell.until_s - epoch.minute_s, spell.until_s, epoch)


def _between(from_s: float, until_s: float, epoch: EpochMinutes) -> int:
    """The epoch's minutes behind the one that an instant lies in, to that of a later one."""
    return epoch.until(min(until_s, epoch.ends_s - 1)) & ~epoch.until(from_s)
