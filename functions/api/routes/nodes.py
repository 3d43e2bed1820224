"""Routes about nodes: they announce themselves, and anyone may read how they stand."""

from typing import Annotated

from fastapi import FastAPI, Query, Request, Security

from api.http.callers import peer_of
from api.http.node_signature import SentNode
from api.http.paging import PageSize, PageToken, page_of
from api.http.problems import ProblemKind, problems
from api.services.services import Services
from api.services.views import node_out
from api.wire.nodes import DialBackIn, DialBackOut, HeartbeatIn, HeartbeatOut, NodeOut, NodesOut


def install(app: FastAPI, services: Services) -> None:
    """Adds them to the application."""
    _announcing_routes(app, services)
    _reading_routes(app, services)


def _announcing_routes(app: FastAPI, services: Services) -> None:
    @app.post(
        "/nodes/heartbeat",
        tags=["nodes"],
        responses=problems(
            ProblemKind.UNKNOWN_STREAM,
            ProblemKind.ADDRESS_REFUSED,
            ProblemKind.ADDRESS_UNSIGNED,
            ProblemKind.OVERTAKEN,
        ),
    )
    async def announce(
        beat: HeartbeatIn,
        request: Request,
        node: Annotated[SentNode, Security(services.node_signature)],
    ) -> HeartbeatOut:
        """A node says that it is there; the answer says how it stands and what to fix."""
        peer = peer_of(request.scope, services.trusted_proxies)
        return await services.announcements.take(node, beat, peer)

    @app.post("/nodes/dial-back", tags=["nodes"], responses=problems(ProblemKind.ADDRESS_REFUSED))
    async def call_back(
        asked: DialBackIn,
        request: Request,
        node: Annotated[SentNode, Security(services.node_signature)],
    ) -> DialBackOut:
        """Whether the caller's ports can be reached from outside, before it announces itself."""
        peer = peer_of(request.scope, services.trusted_proxies)
        return await services.announcements.call_back(node.node_id, asked, peer)


def _reading_routes(app: FastAPI, services: Services) -> None:
    @app.get("/nodes", tags=["nodes"])
    async def list_nodes(
        stream_id: Annotated[str | None, Query(max_length=64)] = None,
        page_token: PageToken = "",
        page_size: PageSize = 50,
    ) -> NodesOut:
        """All nodes, or those of one stream, by id."""
        nodes = (await services.snapshots.now()).network.nodes.values()
        asked_for = (node for node in nodes if stream_id in (None, node.slot.stream_id))
        page, following = page_of(asked_for, lambda node: node.node_id, page_token, page_size)
        return NodesOut(nodes=[node_out(node) for node in page], next_page_token=following)

    @app.get("/nodes/{node_id}", tags=["nodes"])
    async def get_a_node(node_id: str) -> NodeOut:
        """One node: its status and why, its measured minutes, its checks, its tokens."""
        return node_out(await services.known_node(node_id))
