"""The page at `/`: am I earning, and if not, why and what to do. Works without JavaScript. Pure."""

from html import escape

from agent.client.answers import HeartbeatAnswer
from agent.client.heartbeats import CoordinatorView
from agent.relay.meter import StreamView
from agent.relay.relay_supervisor import RelayView
from agent.shown.stats import AgentView

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{headline}</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="10">
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}}
dt{{font-weight:bold}}dd{{margin:0 0 .5rem}}</style></head>
<body><h1>{headline}</h1>
{sentences}
<dl>{rows}</dl>
</body></html>
"""
_HEADLINES = {
    "healthy": "This node is earning",
    "idle": "This node is ready; nobody is publishing now",
    "pending": "This node is announced and waits for its first check",
    "flagged": "This node's pay is parked while checks are repeated",
    "suspended": "Checks found nobody serving here: nothing is paid until they pass again",
    "fraud": "This node is not paid any more",
    "left": "This node has left",
}


def status_page(
    coordinator: CoordinatorView | None,
    agent: AgentView,
    relay: RelayView,
    stream: StreamView,
    ailment: str = "",
) -> str:
    """The page. `coordinator` is None on an ingest, which earns nothing.

    `ailment`: what keeps the relay from running, if anything does.
    """
    answer = coordinator.answer if coordinator else None
    if coordinator is None:
        headline = "This is an ingest"
    elif answer and ailment:
        headline = "This node is not earning: its relay does not run"
    elif answer is None:
        headline = "This node is not earning yet"
    elif coordinator.trouble:
        headline = "This node goes on relaying, but does not reach the coordinator"
    else:
        headline = _headline(answer)
    sentences = [coordinator.trouble] if coordinator else []
    if ailment not in sentences:
        sentences.insert(0, ailment)
    rows = {"Node": agent.node_id, "Stream": agent.stream_id}
    if answer:
        # From outside a relay that does not run looks like a closed port: that fix would mislead.
        sentences += [] if ailment else [answer.says, answer.fix]
        rows["Earned"] = f"{answer.earned} tokens"
    rows |= {
        "Relay": f"{relay.engine}, {relay.state}, {relay.restarts} restarts",
        "Media": "arriving" if stream.is_live else "none from upstream",
        "Viewers": str(stream.viewers),
        "Sent": f"{stream.bytes_out / 1e6:.1f} MB",
    }
    return _PAGE.format(
        headline=escape(headline),
        sentences="\n".join(f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence),
        rows="".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows.items()),
    )


def _headline(answer: HeartbeatAnswer) -> str:
    if answer.status == "healthy" and answer.reason == "unproven":
        return "This node is well and waits for its first passed check"
    if answer.reason == "check_failed":
        return "This node earns nothing until a check passes"
    if answer.status == "healthy" and answer.stream.status == "exhausted":
        return "This node is well, but the stream's tokens are used up"
    return _HEADLINES.get(answer.status, "This node is not earning")
