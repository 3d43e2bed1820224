"""Atom feeds of the network's incidents and of one node: what is settled, and what is known since.

What the snapshot knows already is told under the key that it will have once it is settled.
"""

from collections.abc import Iterable, Iterator, Sequence

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.http.problems import Problem, ProblemKind
from api.services.services import Services
from api.site.atom import MEDIA_TYPE, AtomEntry, Feed, feed_xml, newest
from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.suspicion import Trust
from coordinator.projections.incidents import Incident, node_found_out
from coordinator.projections.network_view import NodeView
from coordinator.projections.node_buckets import NodeEpoch, is_known
from coordinator.reasons import Reason
from coordinator.sweeping.goodbyes import said_goodbye

ENTRIES_MAX = 100
CACHED_SECONDS = 60
_GOOD = (Reason.PASSED.value, Reason.DEGRADED.value, Reason.CUT.value)
_EVENTS = {
    TrustChange.FLAGGED: ("Flagged", Reason.SUSPECTED.says),
    TrustChange.CLEARED: ("Cleared", "Its retests passed: what was parked is paid."),
    TrustChange.SUSPENDED: ("Suspended", Reason.SUSPENDED.says),
    TrustChange.CONFIRMED: ("Confirmed as a fraud", Reason.FRAUD.says),
}


def install(app: FastAPI, services: Services) -> None:
    """`/feed.atom` and `/n/{node_id}/feed.atom`."""

    @app.get("/feed.atom", include_in_schema=False)
    async def network_feed(request: Request) -> Response:
        network = await services.snapshots.network()
        settled = (await services.projections.incidents()).known
        known = [*settled, *_found_out_since(network.nodes.values())]
        entries = newest(map(_entry_of, known), ENTRIES_MAX)
        feed = Feed("Incidents of the network", "/feed.atom", "/", entries)
        return _answer(feed, services.base_url(request))

    @app.get("/n/{node_id}/feed.atom", include_in_schema=False)
    async def node_feed(node_id: str, request: Request) -> Response:
        view = (await services.snapshots.network()).nodes.get(node_id)
        epochs = (await services.projections.bucket(node_id)).epochs_of(node_id)
        if view is None and not is_known(epochs):
            raise Problem(ProblemKind.UNKNOWN_NODE, f"No node is called {node_id[:64]}.")
        seconds = services.calendar.sweep_seconds
        since_s = view.slot.joined_tick * seconds if view else epochs[-1].starts_s
        path = f"/n/{node_id}"
        entries = newest(node_entries(node_id, epochs, view, seconds), ENTRIES_MAX)
        feed = Feed(f"Node {node_id}", f"{path}/feed.atom", path, entries, since_s)
        return _answer(feed, services.base_url(request))


def node_entries(
    node_id: str, epochs: Sequence[NodeEpoch], view: NodeView | None, sweep_seconds: int
) -> Iterator[AtomEntry]:
    """Flags and what became of them, failed checks, and the times that it was given up."""
    for each in epochs:
        for check in each.checks:
            yield from _entries_of(check)
        for at_s in each.offline_s:
            yield _offline(node_id, at_s)
    if view is not None:
        yield from _entries_since(view, sweep_seconds)


def _entries_since(view: NodeView, sweep_seconds: int) -> Iterator[AtomEntry]:
    trust, node_id = view.trust, view.node_id
    if trust.last_check_s is not None and trust.last_reason not in (None, *_GOOD):
        yield _failed(node_id, Reason(trust.last_reason), trust.last_check_s)
    if trust.trust is Trust.FLAGGED and trust.flagged_s is not None:
        yield _event(node_id, TrustChange.FLAGGED, trust.flagged_s)
    if trust.trust is Trust.FRAUD and trust.last_check_s is not None:
        yield _event(node_id, TrustChange.CONFIRMED, trust.last_check_s)
    if view.slot.left_tick is not None and not said_goodbye(view.slot):
        yield _offline(node_id, view.slot.left_tick * sweep_seconds)


def _entries_of(check: Check) -> Iterator[AtomEntry]:
    if check.verdict is Verdict.FAIL:
        yield _failed(check.node_id, check.reason, check.due_s)
    if check.event is not None:
        yield _event(check.node_id, check.event, check.due_s)


def _failed(node_id: str, reason: Reason, due_s: float) -> AtomEntry:
    says = f"{reason.says} {reason.fix}".strip()
    key = f"failed/{node_id}/{int(due_s)}"
    return AtomEntry(key, due_s, f"Check failed: {reason.value}", says, f"/n/{node_id}")


def _event(node_id: str, event: TrustChange, due_s: float) -> AtomEntry:
    title, says = _EVENTS[event]
    return AtomEntry(f"{event.value}/{node_id}/{int(due_s)}", due_s, title, says, f"/n/{node_id}")


def _offline(node_id: str, at_s: float) -> AtomEntry:
    says = f"{Reason.OFFLINE.says} {Reason.OFFLINE.fix}"
    return AtomEntry(f"offline/{node_id}/{int(at_s)}", at_s, "Offline", says, f"/n/{node_id}")


def _found_out_since(nodes: Iterable[NodeView]) -> Iterator[Incident]:
    for node in nodes:
        if node.trust.trust is Trust.FRAUD and node.trust.last_check_s is not None:
            yield node_found_out(node.node_id, Reason.FRAUD, node.trust.last_check_s)


def _entry_of(incident: Incident) -> AtomEntry:
    return AtomEntry(incident.key, incident.at_s, incident.title, incident.says, incident.path)


def _answer(feed: Feed, base_url: str) -> Response:
    headers = {"Cache-Control": f"public, max-age={CACHED_SECONDS}"}
    return Response(feed_xml(feed, base_url), media_type=MEDIA_TYPE, headers=headers)
