"""Who of those that served is paid in a minute: a published order, and a limit for each network.

Longest verified service comes first. A place is taken minute by minute: whoever was not up in a
minute, or did not keep its word in it, keeps nobody else from being paid for it. One public
address (IPv6: /64) is one place: many nodes behind it share one machine or one uplink. Of all nodes
that are paid in a minute at most a share stands in one network (IPv4 /24, IPv6 /48), but a few
always may. Addresses that are not public (a local network, a demo) are not limited.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from coordinator.ledger.address_turns import Earner, out_of_turn
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.minute_counts import MinuteCounts, Vacancies
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.strangers.networks import places_of

Refused = dict[str, dict[Reason, int]]
"""Minutes without a place by the reason why, as bitmaps, by node id."""


def refused(earners: Iterable[Earner], terms: Terms, epoch: EpochMinutes) -> Refused:
    """Minutes that have no place; who has one in all of them is absent."""
    known = list(earners)
    places = {one.node_id: places_of(one.address) for one in known}
    waits = out_of_turn(known, epoch) if terms.network_percent < 100 else {}
    found: Refused = {name: {Reason.SAME_ADDRESS: minutes} for name, minutes in waits.items()}
    wants = {one.node_id: one.takes & ~waits.get(one.node_id, 0) for one in known}
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
