"""What the page at `/` is made of, at one instant."""

from dataclasses import dataclass
from urllib.parse import quote

from agent.client.heartbeats import CoordinatorView
from agent.relay.meter import StreamView
from agent.relay.relay_supervisor import RelayView
from agent.shown.figures import lasting
from agent.shown.stats import AgentView
from agent.shown.traffic import Traffic


@dataclass(frozen=True)
class PageFacts:
    """All that the page shows, at `now_s` of the monotonic clock."""

    now_s: float
    coordinator_url: str
    coordinator: CoordinatorView | None
    """None on an ingest, which earns nothing."""
    agent: AgentView
    relay: RelayView
    stream: StreamView
    traffic: Traffic
    ailment: str = ""
    """What keeps the relay from running, if anything does."""

    @property
    def age(self) -> str:
        """How old is what the coordinator said last."""
        answered_s = self.coordinator.answered_s if self.coordinator else None
        return lasting(self.now_s - answered_s) if answered_s is not None else "some time"

    @property
    def public_url(self) -> str:
        """The node's page at the coordinator."""
        return f"{self.coordinator_url}/n/{quote(self.agent.node_id)}"
