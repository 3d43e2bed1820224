"""Whose address it is: a pass counts for the node whose own statistics answer at that address.

The collector judges a node at the address it polls. A host name may resolve to another one for
the prober, say to an honest neighbour's, whose stream would then pass for two. So a pass at a
name's address is confirmed at the same address, after the capture, which gives nothing away.
"""

from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.outbound.replies import Failed
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, is_ip, parse_stats_url
from coordinator.strangers.relay_stats import StatsInvalid, parse_stats
from coordinator.sweeping.rosters import Slot


async def disowned(client: HttpClient, slot: Slot, ip: str) -> Reason | None:
    """Why a pass at the address `ip` does not count for the node; None if it does.

    `WRONG_NODE` only when another node's id answers there, which nobody but that node can bring
    about. Silence proves nothing, and is no failure: else flooding a node's statistics would
    turn its passes against it. Literal addresses were judged by the collector already."""
    if is_ip(slot.rtmp_host):
        return None
    try:
        fetched = await client.get(parse_stats_url(slot.stats_url), at=ip)
        if isinstance(fetched, Failed):
            return Reason.UNKNOWN_ADDRESS
        node_id = parse_stats(fetched.body, slot.stream_id).node_id
    except (AddressRefused, StatsInvalid):
        return Reason.UNKNOWN_ADDRESS
    if node_id is None:
        return Reason.UNKNOWN_ADDRESS
    return None if node_id == slot.node_id else Reason.WRONG_NODE
