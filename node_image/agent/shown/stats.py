"""The body of /stats.json, as docs/architecture.md fixes it. Pure."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from agent import __version__
from agent.relay.meter import StreamView
from agent.relay.relay_supervisor import RelayView

SCHEMA = "restream-node/1"


@dataclass(frozen=True)
class AgentView:
    """What is said about the agent at one instant."""

    node_id: str
    stream_id: str
    uptime_s: float


def stats_body(
    now: datetime, agent: AgentView, relay: RelayView, stream: StreamView
) -> dict[str, object]:
    """The whole body. `now` is an aware instant."""
    instant = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "schema": SCHEMA,
        "node_id": agent.node_id,
        "generated_at": instant,
        "agent": {"version": __version__, "uptime_s": round(agent.uptime_s, 1)},
        "relay": {
            "engine": relay.engine,
            "state": relay.state,
            "uptime_s": round(relay.uptime_s, 1),
            "restarts": relay.restarts,
            "refused": dict(relay.refused),
        },
        "stream": {
            "id": agent.stream_id,
            "state": "live" if stream.is_live else "waiting",
            "live_s": round(stream.live_s, 1),
            "viewers": stream.viewers,
            "bytes_in": stream.bytes_in,
            "bytes_out": stream.bytes_out,
            "video": asdict(stream.video) if stream.video else None,
            "audio": asdict(stream.audio) if stream.audio else None,
            "delivery": asdict(stream.delivery),
            "marks": asdict(stream.marks) if stream.marks else None,
        },
    }
