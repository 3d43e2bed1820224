"""Who is watched because of a neighbour: of nodes behind one address one is paid.

Who holds that place and cuts viewers early keeps it until a very long check sees it. Meanwhile it
takes from its neighbours what it does not give to viewers. So whoever stands beside a node that
keeps its word is watched as if it had nothing to lose. A neighbour that keeps none changes nothing:
else whoever claims to be there would have others watched. Pure.
"""

from collections.abc import Iterable, Mapping

from coordinator.checking.lengths import Length
from coordinator.checking.stakes import VOIDS_AT_LEAST_S
from coordinator.checking.suspicion import TrustState
from coordinator.reasons import Reason

KEPT_S = VOIDS_AT_LEAST_S[Length.VERY_LONG]
"""A neighbour's last check is not older than this. Nobody has a stake from before either."""


def keeps_its_word(state: TrustState, at_s: float) -> bool:
    """Whether the node's last check passed at the first connection, and is not old."""
    return state.last_reason == Reason.PASSED and (state.last_check_s or 0.0) > at_s - KEPT_S


def watched(
    streams: Mapping[str, str], states: Mapping[str, TrustState], at_s: float
) -> frozenset[str]:
    """Those of some nodes, whose `streams` these are, that share their place on a stream with one
    that keeps its word."""
    behind: dict[tuple[str, int], list[str]] = {}
    for node_id, stream_id in streams.items():
        if place := states[node_id].place:
            behind.setdefault((stream_id, place), []).append(node_id)
    shared = [group for group in behind.values() if len(group) > 1]
    return frozenset(node_id for group in shared for node_id in _beside(group, states, at_s))


def _beside(group: Iterable[str], states: Mapping[str, TrustState], at_s: float) -> Iterable[str]:
    keeping = {node_id for node_id in group if keeps_its_word(states[node_id], at_s)}
    return [node_id for node_id in group if keeping - {node_id}]
