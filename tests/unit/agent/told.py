"""What a node that earns was told, and what it sees of itself: for its pages and notices."""

from dataclasses import replace
from typing import Any

from agent.client.answers import HeartbeatAnswer, RelayedStream, ToldFacts
from agent.client.heartbeats import CoordinatorView
from agent.relay.meter import StreamView
from agent.relay.relay_supervisor import RelayView
from agent.shown.page_facts import PageFacts
from agent.shown.stats import AgentView
from agent.shown.traffic import Traffic
from rtmp.addresses import RtmpAddress

AGENT = AgentView("n4w7d2", "k3v9m2x7q4ab", 123.42)
RELAY = RelayView("restream", "running", 120.2, 3)
STREAM = StreamView(True, 100.1, 2, 5_000_000, 7_100_000, None, None)
ANSWER = HeartbeatAnswer(
    stream=RelayedStream("k3v9m2x7q4ab", "active", RtmpAddress("203.0.113.5", 1935, "live", "s")),
    status="healthy",
    reason="ok",
    says="Everything is as it should be.",
    fix="",
    earned="12.25",
    next_heartbeat_s=30.0,
    polled_every_s=60.0,
    told=ToldFacts(
        stream_name="Main stage",
        newest_agent="0.1.0",
        pending="1.475",
        available="10.775",
        release_s=1_795_446_120.0,
        checked_s=1_795_359_127.0,
        check_reason="passed",
    ),
)
PAGE_S = 50_000.0
"""When the page is shown, by the monotonic clock."""


def page_facts(coordinator: CoordinatorView | None, **facts: Any) -> PageFacts:
    """What the page of this node is made of; None for an ingest."""
    url = "https://api.example.org"
    plain = PageFacts(PAGE_S, url, coordinator, AGENT, RELAY, STREAM, Traffic())
    return replace(plain, **facts)
