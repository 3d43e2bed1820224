"""Whether a node that stands on no roster could have a place, as the projections show rosters."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from coordinator.projections.network_document import NetworkDocument
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.roster_room import RosterRoom
from coordinator.sweeping.shards import Shard


@dataclass(frozen=True)
class RosterRooms:
    """The rosters of one instant; each is counted at the first question."""

    documents: Sequence[NetworkDocument] = ()
    _rooms: dict[Shard, RosterRoom] = field(default_factory=dict)

    def refusal(self, node: Node) -> Reason | None:
        """Why a node would get no slot; None if there is one. Who left makes room."""
        for document in self.documents:
            if document.shard.holds(node.node_id):
                room = self._rooms.get(document.shard)
                if room is None:
                    polled = (slot for slot in document.slots if slot.left_tick is None)
                    room = self._rooms[document.shard] = RosterRoom.taken_by(polled)
                return room.refusal(node.rtmp_host, node.characters)
        return None
