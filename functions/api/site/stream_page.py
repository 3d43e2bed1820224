"""`/s/{stream_id}`: a sponsor's page. What the tokens bought, what came back, how to go on."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api.http.problems import ProblemKind
from api.services.services import Services, if_possible
from api.services.snapshots import Snapshot
from api.services.views import stream_out
from api.site.charts import BARS_PX, LINE_PX, charts_of
from api.site.check_lines import fit_picture
from api.site.rendering import Renderer
from coordinator.checking.last_run import UNVERIFIED_SAYS
from coordinator.epochs import Calendar
from coordinator.ledger.balances import lasts_sentence
from coordinator.projections.stream_projection import StreamProjection
from coordinator.streams import Stream

NODES_A_PAGE = 25
HOURS_OPEN = 12
"""So many are shown at once; the rest of the week unfolds."""
PAGES_MAX = 10_000


def install(app: FastAPI, services: Services) -> None:
    """Adds the page."""
    renderer = Renderer(services)

    @app.get("/s/{stream_id}", include_in_schema=False)
    async def stream_page(
        stream_id: str,
        request: Request,
        nodes: Annotated[int, Query(ge=1, le=PAGES_MAX)] = 1,
    ) -> Response:
        page = await if_possible(services.projections.stream(stream_id)) or StreamProjection()
        snapshot = await _snapshot_of(services, stream_id, page)
        stream = snapshot.stream(stream_id) if snapshot else None
        if snapshot is None or stream is None:
            says = "No stream has this id. A sponsor registers one with POST /streams."
            return renderer.missing(request, ProblemKind.UNKNOWN_STREAM, says)
        base_url = services.base_url(request)
        values = {
            **_money(services.calendar, services.clock(), snapshot, stream, page),
            **_nodes(snapshot, stream, nodes),
            "out": stream_out(stream, snapshot, ingest_url=services.ingest_url, base_url=base_url),
            "base_url": base_url,
            "ingest_url": services.ingest_url,
        }
        return renderer.page(request, "stream.html", stream=stream, **values)


async def _snapshot_of(
    services: Services, stream_id: str, page: StreamProjection
) -> Snapshot | None:
    """The snapshot with this stream; None if there is no such stream. One read, with the page two.

    Where the page carries nothing yet, it is looked for."""
    if page.money is not None:
        return await services.snapshots.with_money(page.money, lists=True)
    stream = await services.stream_now(stream_id)
    if stream is None:
        return None
    snapshot = await services.snapshots.now()
    known = snapshot.stream(stream_id)
    return snapshot if known else replace(snapshot, streams=(stream, *snapshot.streams))


def _money(
    calendar: Calendar, now_s: float, snapshot: Snapshot, stream: Stream, page: StreamProjection
) -> dict[str, Any]:
    lasts = snapshot.balance_lasts_seconds(stream, now_s, calendar)
    return {
        "balance": snapshot.balances.get(stream.stream_id),
        "lasts_says": lasts_sentence(lasts),
        "unverified_says": UNVERIFIED_SAYS,
        "hours": page.hours,
        "hours_open": HOURS_OPEN,
        "reasons": sorted({reason for hour in page.hours for reason in hour.unpaid}),
        "charts": charts_of(page.hours),
        "bars_px": BARS_PX,
        "line_px": LINE_PX,
        "through_s": page.through_s,
        "picture": fit_picture(page.thumbnail),
        "voided": sum(hour.minutes_voided for hour in page.hours),
        "delivered": sum(hour.minutes_paid for hour in page.hours),
    }


def _nodes(snapshot: Snapshot, stream: Stream, number: int) -> dict[str, Any]:
    """One page of the nodes, best first."""
    ranked = snapshot.network.of_stream(stream.stream_id)
    pages = max(1, -(-len(ranked) // NODES_A_PAGE))
    number = min(number, pages)
    first = (number - 1) * NODES_A_PAGE
    listed = snapshot.network.listed(stream.stream_id)
    return {
        "nodes": ranked[first : first + NODES_A_PAGE],
        "nodes_all": len(ranked),
        "first": first,
        "page_number": number,
        "pages": pages,
        "best": listed[0] if listed else None,
    }
