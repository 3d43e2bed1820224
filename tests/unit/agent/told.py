"""What a node that earns was told, and what it sees of itself: for its pages and notices."""

from agent.client.answers import HeartbeatAnswer, RelayedStream
from agent.relay.meter import StreamView
from agent.relay.relay_supervisor import RelayView
from agent.shown.stats import AgentView
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
)
