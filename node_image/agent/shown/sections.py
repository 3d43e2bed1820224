"""The parts of the page at `/`, each a piece of HTML. Pure."""

from collections.abc import Mapping
from urllib.parse import quote

from agent import __version__
from agent.client.answers import HeartbeatAnswer
from agent.relay.meter import StreamView
from agent.relay.relay_supervisor import RelayView
from agent.shown.area_charts import chart
from agent.shown.figures import amount, instant, lasting, words
from agent.shown.markup import fact_list, link, quiet, text
from agent.shown.page_facts import PageFacts
from agent.shown.traffic import Ring
from agent.versions import UPDATE, says_old

REFUSALS = {
    "address_full": "too many connections from one address",
    "network_full": "too many connections from one network",
    "forwarded": "a player that came through somebody else's forwarder",
    "full": "the relay was full",
    "memory": "the relay's memory was full",
    "no_stream": "a stream that is not relayed here",
    "protocol": "what was sent is not RTMP",
    "publish": "a publisher without the right to publish",
    "publish_twice": "a publisher while another one is live",
    "silent_publisher": "a publisher that fell silent",
    "slow_viewer": "a viewer whose line was too slow",
    "too_often": "too many connections a second from one address",
    "too_slow": "a handshake or a question that took too long",
}
"""What the engine's codes mean; another one is told as it is."""
MARK_STATES = {
    "not_signed": "none: this stream's ingest signs nothing",
    "waiting": "not verified yet",
    "verified": "verified: what comes is what the ingest signed",
}
MARK_FINDINGS = {
    "differs": "something came that the ingest did not send",
    "missing": "something of the ingest's was left out",
    "out_of_order": "something came in another order, or once more",
    "not_signed": "a signature was not the ingest's",
    "no_marks": "the signatures were missing",
}
"""What the engine's codes mean; another one is told as it is."""
_REFUSALS_SHOWN_MAX = 20


def newer_version(answer: HeartbeatAnswer | None) -> str:
    """What to do about an agent that is not the newest; empty for any other."""
    says = says_old(answer.told.newest_agent if answer else "")
    if not says:
        return ""
    return (
        f'<p class="notice">{text(says)} In the folder of its repository type '
        f"<code>{text(UPDATE)}</code>, and start the node again with the same /data.</p>"
    )


def told_facts(facts: PageFacts, answer: HeartbeatAnswer) -> str:
    """Tokens, the last check and the stream, with how old that is."""
    told = answer.told
    name = told.stream_name or answer.stream.stream_id
    stream = link(name, f"{facts.coordinator_url}/s/{quote(answer.stream.stream_id)}")
    rows = {"Stream": f"{stream} {quiet(answer.stream.status)}"}
    tokens = {"Pending": told.pending, "Available": told.available, "Earned": answer.earned}
    rows |= {name: f"{text(has)} {quiet('tokens')}" for name, has in tokens.items() if has}
    if told.release_s is not None:
        rows["Next release"] = instant(told.release_s)
    elif told.pending == "0":
        rows["Next release"] = quiet("nothing is pending")
    if told.checked_s is not None:
        found = text(words(told.check_reason))
        rows["Last check"] = f"{found} {quiet('at')} {instant(told.checked_s)}"
    elif told.pending:  # a coordinator that tells of tokens tells of checks, too
        rows["Last check"] = "none yet"
    return (
        '<section aria-labelledby="told"><h2 id="told">What the coordinator says '
        f'<span class="tag">{text(facts.age)} ago</span></h2>\n{fact_list(rows)}\n'
        f"<p>{link('Receipt, checks and the day, minute by minute', facts.public_url)}</p>"
        "</section>"
    )


def own_facts(facts: PageFacts) -> str:
    """What the agent sees of itself."""
    relay, stream = facts.relay, facts.stream
    codecs = [track.codec for track in (stream.video, stream.audio) if track and track.codec]
    media = " ".join(["arriving", quiet(", ".join(codecs))]) if stream.is_live else "none"
    is_ingest = facts.coordinator is None
    source = "Media from publishers" if is_ingest else "Media from upstream"
    rows = {
        "Viewers": str(stream.viewers),
        "Sent": f"{amount(stream.bytes_out, 'B')} {quiet('since the relay began')}",
        source: f"{media}{_key_interval(stream)}",
        **_signature(stream),
        "Relay": f"{text(relay.engine)}, {text(relay.state)} {quiet(_restarts(relay))}",
        "Agent": f"{text(__version__)} {quiet(f'for {lasting(facts.agent.uptime_s)}')}",
    }
    if not (facts.coordinator and facts.coordinator.answer):
        rows = {"Stream": f"<code>{text(facts.agent.stream_id or 'not known yet')}</code>"} | rows
    return (
        f'<section aria-labelledby="own"><h2 id="own">This '
        f"{'ingest' if is_ingest else 'node'}</h2>\n{fact_list(rows)}</section>"
    )


def _signature(stream: StreamView) -> dict[str, str]:
    """Whether the ingest has signed what is relayed; nothing of an ingest's own."""
    marks = stream.marks
    if marks is None:
        return {}
    shown = text(MARK_STATES.get(marks.state, marks.state))
    left = [
        f"{count} × {text(MARK_FINDINGS.get(finding, finding))}"
        for finding, count in sorted(marks.left.items())
    ]
    if left:
        shown += f" {quiet('the upstream was left: ' + '; '.join(left))}"
    return {"Signature": shown}


def _key_interval(stream: StreamView) -> str:
    between_ms = stream.delivery.key_interval_ms
    return quiet(f", a key frame every {between_ms / 1000:.1f} s") if between_ms else ""


def _restarts(relay: RelayView) -> str:
    return f"{relay.restarts} restart{'' if relay.restarts == 1 else 's'}"


def traffic_charts(facts: PageFacts) -> str:
    """The last hour and the last day."""
    traffic, uptime_s = facts.traffic, facts.agent.uptime_s
    figures = [
        drawn
        for ring in (traffic.hour, traffic.day)
        for drawn in _charts_of(ring, facts.now_s, facts.stream.viewers)
    ]
    begun = f"; they begin with the agent's start, {lasting(uptime_s)} ago"
    return (
        '<section aria-labelledby="traffic"><h2 id="traffic">Viewers and upload</h2>\n'
        f'<div class="charts">{"".join(figures)}</div>\n'
        '<p class="quiet">These figures are kept in memory, and end with the agent'
        f"{begun if uptime_s < traffic.day.span_s else ''}.</p></section>"
    )


def _charts_of(ring: Ring, now_s: float, viewers_now: int) -> tuple[str, str]:
    seen = ring.latest(now_s)
    name, unit = ("hour", "minute") if ring.span_s == 3600 else ("day", "15 minutes")
    most = max((each.viewers for each in seen if each), default=0)
    sent = sum(each.sent_bytes for each in seen if each)
    rates = [each.bits_per_s if each and each.seen_s else None for each in seen]
    peak = amount(max((rate or 0.0 for rate in rates), default=0.0), "bit/s")
    return (
        chart(
            f"Viewers, last {name}",
            [float(each.viewers) if each else None for each in seen],
            lasting(ring.span_s),
            f"At most {most} at once, {viewers_now} now.",
        ),
        chart(
            f"Upload, last {name}",
            rates,
            lasting(ring.span_s),
            f"{amount(sent, 'B')} sent; {peak} in the busiest {unit}.",
        ),
    )


def refusals(refused: Mapping[str, int]) -> str:
    """The most frequent first."""
    if not refused:
        return ""
    most = sorted(refused.items(), key=lambda each: (-each[1], each[0]))[:_REFUSALS_SHOWN_MAX]
    rows = "\n".join(
        f'<tr><th scope="row">{text(REFUSALS.get(reason, words(reason)))}</th>'
        f'<td class="number">{count:,}</td></tr>'
        for reason, count in most
    )
    return (
        '<section aria-labelledby="refused"><h2 id="refused">Turned away by the relay</h2>\n'
        '<table class="refusals"><thead><tr><th scope="col">Why</th>'
        '<th scope="col" class="number">How often</th></tr></thead>\n'
        f"<tbody>{rows}</tbody></table>\n"
        '<p class="quiet">Since the relay began. It is how the relay protects those who watch: '
        "nothing has to be done.</p></section>"
    )
