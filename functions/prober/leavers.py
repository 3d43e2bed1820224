"""Whose check failed since it had said goodbye, or had taken another stream.

A roster tells it a sweep later. So the node's own document is read, of those that fail alone.
"""

from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Check
from coordinator.checking.departures import explained, may_have_left
from prober.draw_checks import Made


async def has_left(measurements: Measurements, node_id: str, stream_id: str) -> bool:
    """Whether a node has said goodbye to the stream, and is not back."""
    node = await measurements.node(node_id)
    return node is not None and node.has_left(stream_id)


async def as_explained(measurements: Measurements, found: Check, begins_s: float) -> Made:
    """The check; where it failed since its node has left, it says so.

    Whoever had left before the draw began then is out of it, if rosters will show that."""
    if not may_have_left(found):
        return Made(found)
    node = await measurements.node(found.node_id)
    if node is None or not node.has_left(found.stream_id):
        return Made(found)
    check = explained(found, node.changed_s)
    return Made(check, check.has_left and node.is_heard and node.changed_s < begins_s)
