"""Whether a roster shows what a node says of itself, so that nothing has to be written."""

from coordinator.projections.network_view import NetworkView, NodeView
from coordinator.sweeping.nodes import Node

TAKEN_IN_SECONDS_MAX = 600
"""A node that no roster shows so long after it was written is written again."""


def stands(view: NodeView | None, said: Node) -> bool:
    """Whether a running node stands on its roster with exactly what it says."""
    if view is None or view.slot.left_tick is not None or said.state != "running":
        return False
    slot = view.slot
    shown = (slot.stream_id, slot.stats_url, slot.rtmp_host, slot.rtmp_port)
    return shown == (said.stream_id, said.stats_url, said.rtmp_host, said.rtmp_port)


def is_missing(network: NetworkView, changed_s: float, said: Node) -> bool:
    """Whether a node that said this at `changed_s` ought to be on a roster and is on none."""
    if said.state != "running":
        return False
    has_waited = said.changed_s >= changed_s + TAKEN_IN_SECONDS_MAX
    view = network.nodes.get(said.node_id)
    if view is None:
        return network.is_whole and has_waited
    # Its old slot is older than what it said since where a full roster has turned it away.
    return view.slot.left_tick is not None and (view.slot.changed_s >= changed_s or has_waited)
