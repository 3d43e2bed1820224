"""Who of those that served is paid: a published order, and a limit for each network.

Longest verified service comes first. One public address (IPv6: /64) is one paid place: many
nodes behind it share one machine or one uplink. Of all paid nodes at most a share stands in one
network (IPv4 /24, IPv6 /48), but a few always may. Addresses that are not public (a local
network, a demo) are not limited.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from coordinator.reasons import Reason
from coordinator.terms import Terms


@dataclass(frozen=True, slots=True)
class Earner:
    """A node with verified minutes, or with minutes that wait to be."""

    node_id: str
    first_pass_s: float
    address: str | None
    """Where its last passed check reached it."""


def unpaid_of(earners: Iterable[Earner], terms: Terms) -> dict[str, Reason]:
    """Why a node is not paid, by node id; whoever is paid is absent."""
    ranked = sorted(earners, key=lambda earner: (earner.first_pass_s, earner.node_id))
    unpaid, alone = _one_an_address(ranked, terms)
    limit = network_limit((network for _, network in alone), terms)
    paid, taken = 0, Counter[str]()
    for node_id, network in alone:
        if network is not None and taken[network] >= limit:
            unpaid[node_id] = Reason.NETWORK_SHARE
        elif paid >= terms.max_paid_nodes:
            unpaid[node_id] = Reason.BEYOND_MAX_PAID_NODES
        else:
            paid += 1
            if network is not None:
                taken[network] += 1
    return unpaid


def _one_an_address(
    ranked: list[Earner], terms: Terms
) -> tuple[dict[str, Reason], list[tuple[str, str | None]]]:
    """(who is not paid for it, the others' ids and networks)."""
    seen, unpaid, alone = set[str](), dict[str, Reason](), list[tuple[str, str | None]]()
    for earner in ranked:
        place, network = places_of(earner.address)
        if place in seen and terms.network_percent < 100:
            unpaid[earner.node_id] = Reason.SAME_ADDRESS
            continue
        if place is not None:
            seen.add(place)
        alone.append((earner.node_id, network))
    return unpaid, alone


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


def places_of(address: str | None) -> tuple[str | None, str | None]:
    """(what counts as one address, its network), such as `("203.0.114.7", "203.0.114.0/24")`.

    Of IPv6, a /64 is one address (a household holds one) and a /48 a network. Both None for
    what is not a public address."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return None, None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if not parsed.is_global:
        return None, None
    if isinstance(parsed, IPv6Address):
        return _prefix(parsed, 64), _prefix(parsed, 48)
    return str(parsed), f"{str(parsed).rpartition('.')[0]}.0/24"


def _prefix(address: IPv6Address, bits: int) -> str:
    return f"{IPv6Address(int(address) >> 128 - bits << 128 - bits)}/{bits}"
