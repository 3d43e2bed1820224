"""Who of those that served is paid in a minute: a published order, and a limit for each network.

Longest verified service comes first. A place is taken minute by minute: whoever was not up in a
minute, or did not keep its word in it, keeps nobody else from being paid for it. One public
address (IPv6: /64) is one place: many nodes behind it share one machine or one uplink. Of all nodes
that are paid in a minute at most a share stands in one network (IPv4 /24, IPv6 /48), but a few
always may. Addresses that are not public (a local network, a demo) are not limited.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.kept_words import FOR_GOOD_S, Spell
from coordinator.ledger.minute_counts import MinuteCounts, Vacancies
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.strangers.networks import places_of

Places = tuple[str | None, str | None]
"""What counts as one address, and as one network."""
Refused = dict[str, dict[Reason, int]]
"""Minutes without a place by the reason why, as bitmaps, by node id."""


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


def refused(earners: Iterable[Earner], terms: Terms, epoch: EpochMinutes) -> Refused:
    """Minutes that have no place; who has one in all of them is absent."""
    known = list(earners)
    places = {one.node_id: places_of(one.address) for one in known}
    found = _beside_a_holder(known, places, epoch) if terms.network_percent < 100 else {}
    wants = {
        one.node_id: one.takes & ~found.get(one.node_id, {}).get(Reason.SAME_ADDRESS, 0)
        for one in known
    }
    known = [one for one in known if wants[one.node_id]]
    networks = {one.node_id: places[one.node_id][1] for one in known}
    crowds = _crowds(networks, wants, terms, epoch)
    if not crowds and len(known) <= terms.max_paid_nodes:
        return found
    everywhere = Vacancies([terms.max_paid_nodes] * epoch.count)
    for one in sorted(known, key=lambda each: (each.first_pass_s, each.node_id)):
        wanted = wants[one.node_id]
        crowd = crowds.get(networks[one.node_id])
        fits = wanted & crowd.open if crowd else wanted
        taken = fits & everywhere.open
        everywhere.take(taken)
        if crowd:
            crowd.take(taken)
        why = found.setdefault(one.node_id, {})
        why |= {Reason.NETWORK_SHARE: wanted & ~fits, Reason.BEYOND_MAX_PAID_NODES: fits & ~taken}
    return found


def left_behind(earners: Iterable[Earner], terms: Terms, epoch: EpochMinutes) -> frozenset[str]:
    """Who has passed no check since the one failed whose turn it was at the same address."""
    if terms.network_percent == 100:
        return frozenset()
    groups = _by_address(earners, {})
    breaks = chain.from_iterable(_breaks(group, epoch) for group in groups)
    return frozenset(one.node_id for one, _, until_s in breaks if until_s == FOR_GOOD_S)


def _by_address(earners: Iterable[Earner], places: Mapping[str, Places]) -> Iterable[list[Earner]]:
    """Those that share one."""
    behind: dict[str, list[Earner]] = {}
    for earner in earners:
        if place := (places.get(earner.node_id) or places_of(earner.address))[0]:
            behind.setdefault(place, []).append(earner)
    return [group for group in behind.values() if len(group) > 1]


def _beside_a_holder(
    earners: Iterable[Earner], places: Mapping[str, Places], epoch: EpochMinutes
) -> Refused:
    """Minutes of nodes at an address whose turn it is not there.

    It is the turn of whoever has kept its word since the earliest epoch; of several, of the one
    that began last in it, and nobody is paid before. Else many identities on one machine would be
    a way to be proven, and paid, sooner than others are. Who says that it is up has its turn until
    a check of it fails. Then it goes to the end of the row, and the others begin with a passed
    check, as it would have to: else each of them would be paid for what another one failed."""
    found = Refused()
    for group in _by_address(earners, places):
        last_s = max(one.first_pass_s for one in group)
        held, turns = 0, dict[str, int]()
        for one, spell in _turns(group, epoch):
            is_new = one.first_pass_s >= epoch.starts_s
            within = _between(spell.since_s, spell.until_s, epoch)
            _add(found, one, one.takes & within & (held | (epoch.until(last_s) if is_new else 0)))
            held |= one.claims & within
            turns[one.node_id] = turns.get(one.node_id, 0) | within
        for one in group:
            _add(found, one, one.takes & held & ~turns.get(one.node_id, 0))
        for one, from_s, until_s in _breaks(group, epoch):
            _add(found, one, one.takes & _between(from_s, until_s, epoch))
    return found


def _add(found: Refused, one: Earner, lost: int) -> None:
    if lost:
        before = found.get(one.node_id, {}).get(Reason.SAME_ADDRESS, 0)
        found[one.node_id] = {Reason.SAME_ADDRESS: before | lost}


def _turns(group: Iterable[Earner], epoch: EpochMinutes) -> list[tuple[Earner, Spell]]:
    """Whose turn comes first."""
    epoch_s = epoch.ends_s - epoch.starts_s
    turns = [(one, spell) for one in group for spell in _spells(one)]
    return sorted(
        turns, key=lambda turn: (turn[1].since_s // epoch_s, -turn[1].since_s, turn[0].node_id)
    )


def _spells(one: Earner) -> tuple[Spell, ...]:
    return (Spell(one.first_pass_s),) if one.spells is None else one.spells


def _breaks(group: Sequence[Earner], epoch: EpochMinutes) -> Iterable[tuple[Earner, float, float]]:
    """(who begins again, from when, until it passes a check) after whose turn it was has failed."""
    held = 0
    broken = [(one, 0.0) for one in group if one.is_behind]
    for one, spell in _turns(group, epoch):
        claims = one.claims & _between(spell.since_s, spell.until_s, epoch)
        if _last_of(spell, epoch) & claims & ~held:
            broken += [(other, spell.until_s) for other in group if other is not one]
        held |= claims
    for one, from_s in broken:
        later = [at_s for at_s in one.passes_s if at_s > from_s]
        yield one, from_s, min(later, default=FOR_GOOD_S)


def _last_of(spell: Spell, epoch: EpochMinutes) -> int:
    """The minute of the failed check that ended it; none, if it lasts."""
    if spell.until_s == FOR_GOOD_S:
        return 0
    return _between(spell.until_s - epoch.minute_s, spell.until_s, epoch)


def _between(from_s: float, until_s: float, epoch: EpochMinutes) -> int:
    """The epoch's minutes behind the one that an instant lies in, to that of a later one."""
    return epoch.until(min(until_s, epoch.ends_s - 1)) & ~epoch.until(from_s)


def _crowds(
    networks: Mapping[str, str | None], wants: Mapping[str, int], terms: Terms, epoch: EpochMinutes
) -> dict[str | None, Vacancies]:
    """The places of each network with more nodes than always may be paid, in every minute."""
    sizes = Counter(networks.values())
    del sizes[None]
    large = {name for name, size in sizes.items() if size > terms.network_nodes_free}
    if not large or terms.network_percent == 100:
        return {}
    counts = {name: MinuteCounts() for name in large}
    others = MinuteCounts()
    for node_id, name in networks.items():
        counts.get(name or "", others).add(wants[node_id])
    columns = zip(*(each.of(epoch.count) for each in counts.values()), strict=True)
    limits = [
        network_limit(crowd, beside, terms)
        for crowd, beside in zip(columns, others.of(epoch.count), strict=True)
    ]
    return {name: Vacancies(limits) for name in large}


def network_limit(crowds: Sequence[int], others: int, terms: Terms) -> int:
    """How many nodes of one network are paid, beside `others` that no limit meets.

    The largest limit whose own result keeps it: with it, so many nodes are paid in all that the
    limit is at most `network_percent` of them; never below `network_nodes_free`. A crowd in one
    network therefore cannot raise its own limit."""
    sizes = Counter(crowds)
    limit = terms.network_nodes_free
    for tried in range(limit + 1, max(sizes, default=0) + 1):
        paid = others + sum(min(size, tried) * times for size, times in sizes.items())
        if tried * 100 > min(paid, terms.max_paid_nodes) * terms.network_percent:
            break
        limit = tried
    return limit
