"""The page at `/`: am I earning, and if not, why and what to do. Works without JavaScript. Pure.

Everything on it was said by somebody else, names of streams and reasons by strangers: whatever is
put into it is escaped. One answer is the whole page; its policy names the hashes of its own style
and script, and lets nothing else in.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from urllib.parse import quote

from agent.client.answers import HeartbeatAnswer
from agent.shown.earning import Earning, earning_of
from agent.shown.markup import link, text
from agent.shown.page_facts import PageFacts
from agent.shown.sections import newer_version, own_facts, refusals, told_facts, traffic_charts

_STYLE, _SCRIPT = (
    Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
)
_HASHES = [b64encode(sha256(part.encode()).digest()).decode() for part in (_STYLE, _SCRIPT)]
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASHES[0]}'; script-src 'sha256-{_HASHES[1]}'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ICON = "data:image/svg+xml," + quote(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" '
    'rx="7" fill="#0550ae"/><path d="M8 16h9m0 0-4-4m4 4-4 4" fill="none" stroke="#fff" '
    'stroke-width="3"/><circle cx="23" cy="9" r="3" fill="#fff"/><circle cx="23" cy="23" r="3" '
    'fill="#fff"/></svg>'
)
_MARKS = {"yes": "●", "waits": "○", "no": "▲"}


def status_page(facts: PageFacts) -> str:
    """The whole document."""
    earning = earning_of(facts.coordinator, facts.ailment)
    answer = facts.coordinator.answer if facts.coordinator else None
    parts = (
        _title(facts, answer),
        _answer(earning, facts.age),
        newer_version(answer),
        told_facts(facts, answer) if answer else "",
        own_facts(facts),
        traffic_charts(facts),
        refusals(facts.relay.refused),
    )
    main = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(earning.title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="{escape(_ICON)}"><style>{_STYLE}</style>'
        f"<script>{_SCRIPT}</script></head>\n<body>\n{_header(facts)}\n<main>\n{main}\n"
        "</main>\n</body></html>\n"
    )


def _header(facts: PageFacts) -> str:
    links = {"Statistics": "/stats.json", "Metrics": "/metrics"}
    if facts.coordinator:
        links = {"Public page": facts.public_url, "Network": facts.coordinator_url, **links}
    shown = " ".join(link(name, url) for name, url in links.items())
    return (
        '<header><a class="brand" href="/">Restream node</a>\n'
        f'<nav aria-label="Pages">{shown}</nav></header>'
    )


def _title(facts: PageFacts, answer: HeartbeatAnswer | None) -> str:
    is_known = answer and facts.coordinator and not facts.coordinator.trouble
    tag = f' <span class="tag">{text(answer.status)}</span>' if answer and is_known else ""
    kind = "Node" if facts.coordinator else "Ingest"
    return f"<h1>{kind} <code>{text(facts.agent.node_id)}</code>{tag}</h1>"


def _answer(earning: Earning, age: str) -> str:
    says = [text(sentence) for sentence in earning.says]
    if earning.said_before:
        says.append(f"{text(age)} ago it said: {text(earning.said_before)}")
    if earning.fix:
        says.append(f"<strong>To do:</strong> {text(earning.fix)}")
    told = "\n".join(f"<p>{sentence}</p>" for sentence in says)
    return (
        f'<section class="answer {earning.kind}" aria-labelledby="answer">\n<h2 id="answer">'
        f'<span aria-hidden="true">{_MARKS[earning.kind]}</span> {text(earning.title)}</h2>\n'
        f"{told}\n</section>"
    )
