"""Who of those that served is paid: a published order, and a limit for each network.

Longest verified service comes first. One public address (IPv6: /64) is one paid place: many
nodes behind it share one machine or one uplink. Of all paid nodes at most a share stands in one
network (IPv4 /24, IPv6 /48), but a few always may. Addresses that are not public (a local
network, a demo) are not limited.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.strangers.networks import places_of


@dataclass(frozen=True, slots=True)
class Earner:
    """A node with verified minutes, or with minutes that wait to be."""

    node_id: str
    first_pass_s: float
    address: str | None
    """Where its last passed check reached it."""


def unpaid_of(earners: Iterable[Earner], terms: Terms, epoch_s: int) -> dict[str, Reason]:
    """Why a node is not paid, by node id; whoever is paid is absent."""
    candidates = list(earners)
    places = {earner.node_id: places_of(earner.address) for earner in candidates}
    unpaid = _beside_a_holder(candidates, places, epoch_s) if terms.network_percent < 100 else {}
    alone = [earner for earner in candidates if earner.node_id not in unpaid]
    limit = network_limit((places[earner.node_id][1] for earner in alone), terms)
    paid, taken = 0, Counter[str]()
    for earner in sorted(alone, key=lambda earner: (earner.first_pass_s, earner.node_id)):
        network = places[earner.node_id][1]
        if network is not None and taken[network] >= limit:
            unpaid[earner.node_id] = Reason.NETWORK_SHARE
        elif paid >= terms.max_paid_nodes:
            unpaid[earner.node_id] = Reason.BEYOND_MAX_PAID_NODES
        else:
            paid += 1
            if network is not None:
                taken[network] += 1
    return unpaid


def _beside_a_holder(
    earners: Iterable[Earner],
    places: Mapping[str, tuple[str | None, str | None]],
    epoch_s: int,
) -> dict[str, Reason]:
    """Nodes at an address whose place another one holds.

    That is the one proven in the earliest epoch; of several, the one proven last in it. Else many
    identities on one machine would be a way to be proven, and paid, sooner than others are."""

    def seniority(earner: Earner) -> tuple[float, float, str]:
        return (earner.first_pass_s // epoch_s, -earner.first_pass_s, earner.node_id)

    holders, unpaid = set[str](), dict[str, Reason]()
    for earner in sorted(earners, key=seniority):
        place = places[earner.node_id][0]
        if place in holders:
            unpaid[earner.node_id] = Reason.SAME_ADDRESS
        elif place is not None:
            holders.add(place)
    return unpaid


def network_limit(networks: Iterable[str | None], terms: Terms) -> int:
    """How many nodes of one network are paid.

    The largest limit whose own result keeps it: with it, so many nodes are paid in all that the
    limit is at most `network_percent` of them; never below `network_nodes_free`. A crowd in one
    network therefore cannot raise its own limit."""
    counts = Counter(networks)
    free_of_limits = counts.pop(None, 0)
    largest = max(counts.values(), default=0)
    if terms.network_percent == 100:
        return max(largest, 1)
    limit = terms.network_nodes_free
    for tried in range(limit + 1, largest + 1):
        paid = free_of_limits + sum(min(count, tried) for count in counts.values())
        if tried * 100 > min(paid, terms.max_paid_nodes) * terms.network_percent:
            break
        limit = tried
    return limit
