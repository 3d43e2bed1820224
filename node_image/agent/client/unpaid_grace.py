"""For how long a node goes on relaying a stream whose tokens are used up. Pure."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class UnpaidGrace:
    """The time since the coordinator first called the stream exhausted, and no other since."""

    seconds: float
    since_s: float | None = None
    """By the monotonic clock; None while the stream pays."""

    def after(self, status: str, now_s: float) -> "UnpaidGrace":
        """Once a stream's status was told."""
        if status != "exhausted":
            return replace(self, since_s=None)
        return self if self.since_s is not None else replace(self, since_s=now_s)

    def is_over(self, now_s: float) -> bool:
        """Whether the node stops: its operator is not to serve for nothing without knowing it."""
        return self.since_s is not None and now_s >= self.since_s + self.seconds
