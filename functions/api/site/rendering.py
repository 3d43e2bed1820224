"""Templates into HTML: autoescaped, under a policy that allows no inline script or style."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.http.problems import ProblemKind
from api.services.services import Services
from api.wire.common import timestamp
from coordinator.money import format_tokens
from coordinator.projections.past_shares import percent

TEMPLATES = Path(__file__).parent / "templates"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Renderer:
    """Renders the templates beside this file.

    Filters for instants in Unix seconds: `when` (to the second, live.js says how long ago),
    `instant` (to the minute, for prose), `moment` (short, for tables), `clock` (for rows of a
    day); `tokens` for micros, `percent` for shares, `words` for codes, `prose` for sentences with
    code in backticks."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def page(self, request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        """One page; every template is told its own public address as `page_url`."""
        page_url = self._services.base_url(request) + request.url.path
        text = _templates().get_template(name).render(page_url=page_url, **values)
        return HTMLResponse(text, status_code=status, headers=HEADERS)

    def missing(self, request: Request, kind: ProblemKind, detail: str) -> HTMLResponse:
        """A problem as a page, for who followed an old link."""
        return self.page(request, "missing.html", kind.status, kind=kind, detail=detail)


@cache
def _templates() -> Environment:
    """One for the process: each template is compiled once, whichever page asks for it first."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "when": when,
        "instant": instant,
        "moment": moment,
        "clock": clock,
        "tokens": format_tokens,
        "percent": percent,
        "words": words,
        "prose": prose,
    }
    return templates


def when(at_s: float) -> Markup:
    """`2026-11-22 14:00:05 UTC`, in a `<time>`."""
    return _time(at_s, f"{_at(at_s):%Y-%m-%d %H:%M:%S} UTC", "ago")


def instant(at_s: float) -> Markup:
    """`22 Nov 14:00 UTC`, in a `<time>`."""
    return _time(at_s, f"{_at(at_s):%d %b %H:%M} UTC")


def moment(at_s: float) -> Markup:
    """`22 Nov 14:00:05`, without seconds on the minute, in a `<time>`."""
    at = _at(int(at_s))
    return _time(at_s, f"{at:%d %b %H:%M:%S}" if at.second else f"{at:%d %b %H:%M}")


def clock(at_s: float) -> Markup:
    """`14:00`, at midnight `22 Nov`, in a `<time>`."""
    at = _at(at_s)
    return _time(at_s, f"{at:%d %b}" if (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}")


def words(code: str) -> str:
    """`awaiting check` for `awaiting_check`."""
    return code.replace("_", " ").replace(":", ": ")


def prose(text: str) -> Markup:
    """Escaped, and what stands in backticks as code."""
    code = Markup("<code>{}</code>")
    parts = enumerate(text.split("`"))
    return Markup("").join(code.format(part) if at % 2 else part for at, part in parts)


def _at(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _time(at_s: float, text: str, name: str = "") -> Markup:
    """In whole seconds: a browser cannot do anything with more."""
    attributes = Markup(' class="{}"').format(name) if name else ""
    return Markup('<time datetime="{}"{}>{}</time>').format(timestamp(int(at_s)), attributes, text)
