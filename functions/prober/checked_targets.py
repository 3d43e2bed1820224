"""How often a name may lead checks to an address that is not known to be the node's own.

The collector judges a name at the address that it polls. For the prober the same name may lead
elsewhere, to somebody who never asked for it. So a node's address is known by a pass that its own
statistics confirmed there, and checks of all others at one address are few.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from math import ceil

from coordinator.adapters.clock import Clock, steady
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, is_ip
from coordinator.strangers.networks import places_of
from coordinator.strangers.source_bounds import CHECKED, Allowance, Bounds, Side
from coordinator.sweeping.rosters import Slot

KNOWN_MAX = 16_384
"""Nodes with a name, those that were confirmed latest: more than a roster has slots."""
BEGINS_S = 3_600.0
"""So long after its start the prober holds nothing against whom it does not know yet."""


@dataclass
class CheckedTargets:
    """Which address is which node's, and how often others were led there; in memory."""

    clock: Clock
    parts: int = 1
    """Of the prober, each of which counts for itself."""
    _bounds: Bounds = field(init=False)
    _began_s: float = field(init=False)
    _known: OrderedDict[str, str] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._began_s = steady(self.clock)()
        limits = {side: _shared(limit, self.parts) for side, limit in CHECKED.items()}
        self._bounds = Bounds(limits)

    def require(self, slot: Slot, address: str, *, has_passed: bool) -> None:
        """AddressRefused if the node's name leads where too many others have led.

        Who has passed before loses by it what an absence costs, or it could have its checks spared
        whenever it serves nothing. Who has not is paid nothing yet, and may be a neighbour of
        whoever names that address on purpose: nothing is held against it."""
        place, _ = places_of(address)
        if place is None or is_ip(slot.rtmp_host) or self._known.get(slot.node_id) == place:
            return
        now_s = steady(self.clock)()
        if self._bounds.wait_s({Side.TARGET: place}, now_s)[0]:
            is_held = has_passed and now_s >= self._began_s + BEGINS_S
            reason = Reason.TARGET_CROWDED if is_held else Reason.UNKNOWN_ADDRESS
            raise AddressRefused(reason, f"too many names lead to {place}")

    def confirmed(self, slot: Slot, address: str) -> None:
        """The node's own statistics have answered there, after a pass."""
        place, _ = places_of(address)
        if place is None or is_ip(slot.rtmp_host):
            return
        self._known[slot.node_id] = place
        self._known.move_to_end(slot.node_id)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)


def _shared(limit: Allowance, parts: int) -> Allowance:
    """So that all parts together do no more; each may do something."""
    return Allowance(ceil(limit.burst / parts), limit.every_s * parts)
