"""`/n/{node_id}`: an operator's page. Is the node earning, and if not, why and what to fix."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.http.problems import ProblemKind
from api.services.services import Services
from api.services.snapshots import Snapshot
from api.site.check_lines import views_of
from api.site.rendering import Renderer
from api.site.strips import HEIGHTS_PX, MEANINGS, VERDICTS, outcomes_in, strip_of, verdicts_in
from coordinator.epochs import Calendar
from coordinator.projections.earnings import EarningAnswer, Earns, answer_of
from coordinator.projections.history import NO_HISTORY
from coordinator.projections.money_projection import MoneyProjection
from coordinator.projections.network_view import NodeView
from coordinator.projections.node_buckets import NodeEpoch, is_known
from coordinator.projections.releases import Release, next_release, pending_until
from coordinator.reasons import Reason

CHECKS_OPEN = 8
RECEIPT_OPEN = 12
"""So many are shown at once; the rest of the day unfolds."""


def install(app: FastAPI, services: Services) -> None:
    """Adds the page."""
    renderer = Renderer(services)

    @app.get("/n/{node_id}", include_in_schema=False)
    async def node_page(node_id: str, request: Request) -> Response:
        snapshot, epochs = await _known_of(services, node_id)
        view = snapshot.network.nodes.get(node_id)
        if view is None and not is_known(epochs):
            says = "A new node appears here with its first sweep, within two minutes of its start."
            return renderer.missing(request, ProblemKind.UNKNOWN_NODE, says)
        values = node_values(services.calendar, services.clock(), snapshot, view, epochs)
        base_url = services.base_url(request)
        return renderer.page(
            request, "node.html", node_id=node_id, view=view, base_url=base_url, **values
        )


async def _known_of(services: Services, node_id: str) -> tuple[Snapshot, list[NodeEpoch]]:
    """The snapshot, and the node's settled epochs: two reads, however large the network is.

    What the page shows of tokens comes with the epochs; with the snapshot for a node that cannot
    have any yet, and where no page was written since pages carry them."""
    view = (await services.snapshots.network()).nodes.get(node_id)
    calendar, now_s = services.calendar, services.clock()
    if view is not None and is_new(view, calendar, now_s):
        return await services.snapshots.swept(), []
    page = await services.projections.bucket(node_id)
    # At ten thousand nodes a bucket is two megabytes of JSON: others are answered meanwhile.
    epochs = await asyncio.to_thread(page.epochs_of, node_id)
    if page.money is None and view is not None:
        return await services.snapshots.swept(), epochs
    return await services.snapshots.with_money(page.money or MoneyProjection(), lists=False), epochs


def is_new(view: NodeView, calendar: Calendar, now_s: float) -> bool:
    """Whether nothing of the node can be settled: it was nowhere before the first open epoch."""
    open_from_s, _ = calendar.epoch_bounds_s(_first_open(calendar, now_s))
    joined_s = view.slot.joined_tick * calendar.sweep_seconds
    return joined_s >= open_from_s and view.history == NO_HISTORY


def _first_open(calendar: Calendar, now_s: float) -> int:
    """The first epoch that is not due to be settled yet."""
    return calendar.epoch_at(now_s - calendar.grace_seconds)


def node_values(
    calendar: Calendar,
    now_s: float,
    snapshot: Snapshot,
    view: NodeView | None,
    epochs: Sequence[NodeEpoch],
) -> dict[str, Any]:
    """What the template shows."""
    rows = strip_of(epochs, view.poll if view else None, calendar, now_s)
    lines = [line for each in epochs for line in each.lines]
    voided = {one.draw: one.minutes for line in lines for one in line.row.voided_by}
    settled_epochs = _settled_epochs(snapshot, epochs)
    checks = views_of((check for each in epochs for check in each.checks), voided)
    settled = next((each for each in epochs if each.lines), None)
    return {
        "answer": _answer(snapshot, now_s, view, settled),
        "earns": Earns,
        "rows": rows,
        "heights": HEIGHTS_PX,
        "meanings": MEANINGS,
        "verdicts": VERDICTS,
        "outcomes_shown": outcomes_in(rows),
        "verdicts_shown": verdicts_in(rows),
        "receipt": _receipt(epochs, settled_epochs, calendar),
        "receipt_open": RECEIPT_OPEN,
        "reasons": sorted({why for line in lines for why, _ in line.row.unpaid}),
        "checks": checks,
        "checks_open": CHECKS_OPEN,
        "has_all_checks": all(each.has_all_checks for each in epochs),
        "settled_until_s": max((each.ends_s for each in epochs), default=None),
        "next_settled_s": _next_settled(epochs, calendar, now_s),
        "release": _release_at(next_release(epochs, settled_epochs), calendar),
        "is_there": view is not None and view.slot.left_tick is None,
        "stream": snapshot.stream(view.slot.stream_id) if view else None,
        "sweep_seconds": calendar.sweep_seconds,
        "picture": next((each.picture for each in checks if each.picture and each.served), None),
    }


def _answer(
    snapshot: Snapshot, now_s: float, view: NodeView | None, settled: NodeEpoch | None
) -> EarningAnswer:
    if view is None:
        gone = Reason.LEFT
        return EarningAnswer(Earns.NO, "It earns nothing now.", gone.says, gone.fix)
    stream = snapshot.stream(view.slot.stream_id)
    status = snapshot.status_of(stream, now_s) if stream else None
    mine = [line.row for line in settled.lines] if settled else []
    return answer_of(view, status, mine)


def _settled_epochs(snapshot: Snapshot, epochs: Sequence[NodeEpoch]) -> dict[str, int]:
    """The last settled epoch by stream id, as the newer of balance and page knows it."""
    found: dict[str, int] = {}
    for each in epochs:
        for line in each.lines:
            balance = snapshot.balances.get(line.stream_id)
            known = balance.next_epoch - 1 if balance else each.epoch
            found[line.stream_id] = max(known, each.epoch, found.get(line.stream_id, 0))
    return found


def _receipt(
    epochs: Sequence[NodeEpoch], settled: Mapping[str, int], calendar: Calendar
) -> list[dict[str, Any]]:
    """A line for each epoch and stream, with when its tokens are released."""
    return [
        {
            "epoch": each,
            "line": line,
            "row": line.row,
            "pending_until_s": _released_s(
                pending_until(each.epoch, line, settled[line.stream_id]), calendar
            ),
        }
        for each in epochs
        for line in each.lines
    ]


def _release_at(release: Release | None, calendar: Calendar) -> tuple[float, int] | None:
    """(when, how many micros)."""
    if release is None:
        return None
    return calendar.settled_s(release.with_epoch), release.micros


def _released_s(epoch: int | None, calendar: Calendar) -> float | None:
    return None if epoch is None else calendar.settled_s(epoch)


def _next_settled(epochs: Sequence[NodeEpoch], calendar: Calendar, now_s: float) -> float:
    """When the next epoch may be settled: a page cannot be newer before."""
    through = max((each.epoch for each in epochs), default=_first_open(calendar, now_s) - 1)
    return calendar.settled_s(through + 1)
