"""What a stream pays, and by which published rules; part of every statement."""

from dataclasses import dataclass

from coordinator.money import earned_micros

UNKNOWN_MINUTES_MAX = 5
"""By default: a resolver of ours that fails, or an instance that starts anew, is back by then."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of one epoch."""

    rate_micros_per_hour: int
    """For one node and hour of verified relaying."""
    max_paid_nodes: int
    minute_seconds: int
    """Length of a minute: one sweep interval."""
    holding_epochs: int = 24
    """Earnings of an epoch are held until so many more epochs are settled."""
    network_percent: int = 20
    """Of all paid nodes, at most so many stand in one network (/24, IPv6 /48); 100 turns the
    rules about networks and addresses off."""
    network_nodes_free: int = 3
    """So many nodes of one network are paid whatever their share."""
    unknown_minutes_max: int = UNKNOWN_MINUTES_MAX
    """So many minutes that were unknown of one node, while others were measured, a passed check
    pays. A minute of ours that goes wrong is rare; many in a row are somebody's doing."""

    def __post_init__(self) -> None:
        if self.rate_micros_per_hour < 1:
            raise ValueError("a stream pays at least one micro-token an hour")
        if self.max_paid_nodes < 1 or self.minute_seconds < 1 or self.network_nodes_free < 1:
            raise ValueError("paid nodes, minute length and free nodes are at least one")
        if min(self.holding_epochs, self.unknown_minutes_max) < 0:
            raise ValueError("holding epochs and unknown minutes are not negative")
        if not 0 <= self.network_percent <= 100:
            raise ValueError("a share is 0 to 100 percent: not negative, and not more than all")

    def owed_micros(self, minutes: int) -> int:
        """Pay for so many minutes."""
        return earned_micros(self.rate_micros_per_hour, minutes, self.minute_seconds)

    def minutes_in(self, micros: int) -> int:
        """Whole minutes that an amount pays for."""
        return micros * 3600 // (self.rate_micros_per_hour * self.minute_seconds)
