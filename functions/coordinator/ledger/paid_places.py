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

from coordinator.ledger.epoch_minutes import EpochMinutes
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


def _beside_a_holder(
    earners: Iterable[Earner],
    places: Mapping[str, tuple[str | None, str | None]],
    epoch: EpochMinutes,
) -> Refused:
    """Minutes of nodes at an address that another one holds then.

    The one proven in the earliest epoch comes first; of several, the one proven last in it, and
    nobody is paid before. Else many identities on one machine would be a way to be proven, and
    paid, sooner than others are. Who says that it is up holds the address, whether it keeps its
    word or not: else each of them would be paid for what another one failed."""
    behind: dict[str, list[Earner]] = {}
    for earner in earners:
        if place := places[earner.node_id][0]:
            behind.setdefault(place, []).append(earner)
    epoch_s, found = epoch.ends_s - epoch.starts_s, Refused()
    for group in (several for several in behind.values() if len(several) > 1):
        group.sort(key=lambda one: (one.first_pass_s // epoch_s, -one.first_pass_s, one.node_id))
        last_s = max(one.first_pass_s for one in group)
        held = 0
        for one in group:
            is_new = one.first_pass_s >= epoch.starts_s
            lost = one.takes & (held | (epoch.until(last_s) if is_new else 0))
            if lost:
                found[one.node_id] = {Reason.SAME_ADDRESS: lost}
            held |= one.claims | one.takes
    return found


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
