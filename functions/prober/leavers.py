"""Who has said goodbye, as a run needs to know it before its checks and after them.

A roster tells it a sweep later. So what the nodes themselves said is read, as far as it is new.
"""

from collections.abc import Iterable

from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Check
from coordinator.checking.departures import explained, may_have_left
from coordinator.sweeping.rosters import CURSOR_OVERLAP_S
from coordinator.sweeping.sweeps import Sweep


async def gone_before(
    measurements: Measurements, sweeps: Iterable[Sweep], begins_s: float
) -> frozenset[str]:
    """Who stands in the sweeps, said goodbye before the draw began then, and is not back."""
    since_s = min((sweep.cursor_s for sweep in sweeps), default=begins_s)
    changed = await measurements.changed_nodes(max(0.0, since_s - CURSOR_OVERLAP_S))
    return frozenset(node.node_id for node in changed if node.is_gone and node.left_s < begins_s)


async def as_explained(measurements: Measurements, made: Check) -> Check:
    """The check; where it failed since its node has left, it says so."""
    if not may_have_left(made):
        return made
    node = await measurements.node(made.node_id)
    return explained(made, node.left_s) if node is not None and node.is_gone else made
