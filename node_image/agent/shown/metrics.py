"""The body of /metrics, in Prometheus's text format. Pure."""

from collections.abc import Mapping

from agent.relay.engines.engine import Marks
from agent.relay.meter import StreamView
from agent.relay.relay_supervisor import RelayView
from agent.shown.stats import AgentView

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics_text(agent: AgentView, relay: RelayView, stream: StreamView) -> str:
    """The same facts as /stats.json, for an operator's own monitoring."""
    delivery = stream.delivery
    rows: tuple[tuple[str, str, str, float], ...] = (
        ("relay_up", "gauge", "1 while the relay runs", int(relay.state == "running")),
        ("relay_restarts_total", "counter", "Restarts of the relay", relay.restarts),
        ("stream_live", "gauge", "1 while media arrives", int(stream.is_live)),
        ("viewers", "gauge", "Clients that play", stream.viewers),
        ("bytes_in_total", "counter", "Bytes from upstream since its start", stream.bytes_in),
        ("bytes_out_total", "counter", "Bytes to viewers since its start", stream.bytes_out),
        (
            "key_interval_seconds",
            "gauge",
            "Between key frames; 0 if unknown",
            (delivery.key_interval_ms or 0) / 1000,
        ),
        ("gop_bytes", "gauge", "Kept so that newcomers see a picture at once", delivery.gop_bytes),
        ("dropped_writes", "gauge", "Writes that slow viewers did not get", delivery.dropped),
        (
            "upstream_verified",
            "gauge",
            "1 while what comes is what the ingest signed",
            int(stream.marks is not None and stream.marks.state == "verified"),
        ),
        ("agent_uptime_seconds", "gauge", "Age of the agent", round(agent.uptime_s, 1)),
    )
    # Ids have letters, digits, - and _ only, so nothing has to be escaped in a label.
    label = f'node_id="{agent.node_id}",stream_id="{agent.stream_id}"'
    lines = [
        _head(name, kind, says) + f"restream_{name}{{{label}}} {value}\n"
        for name, kind, says, value in rows
    ]
    left = (stream.marks or Marks()).left
    lines += _counts(f"upstream_left_total{{{label},finding=", "Upstreams left by a mark", left)
    lines += _counts(f"refused_total{{{label},reason=", "Connections refused", relay.refused)
    return "".join(lines)


def _counts(begin: str, says: str, counts: Mapping[str, int]) -> list[str]:
    """One counter for each cause; `begin` is what goes before the cause."""
    head = _head(begin.partition("{")[0], "counter", f"{says}, by cause")
    return [head, *(f'restream_{begin}"{cause}"}} {n}\n' for cause, n in sorted(counts.items()))]


def _head(name: str, kind: str, says: str) -> str:
    return f"# HELP restream_{name} {says}\n# TYPE restream_{name} {kind}\n"
