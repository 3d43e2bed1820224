"""Every public route, each a few lines over the handlers beside this file."""

from typing import Annotated

from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp

from api import (
    evidence,
    feeds,
    money_routes,
    node_checks,
    node_page,
    openapi,
    pictures,
    problems,
    stream_page,
    webhook_routes,
)
from api.badges import node_badge, stream_badge
from api.edge import Edge
from api.heartbeats import PATH, Repetitions
from api.keys import node_of, require_ingest, sponsor_of
from api.limits import BodyLimit
from api.nodes import peer_of
from api.pages import Pages
from api.problems import Problem
from api.rates import RateLimit
from api.services import Services
from api.streams import playlist
from api.views import node_out, statement_out, stream_out
from api.wire import (
    DialBackIn,
    DialBackOut,
    HeartbeatIn,
    HeartbeatOut,
    IdempotencyKey,
    NodeOut,
    NodesOut,
    PublishIn,
    RegisteredOut,
    StatementOut,
    StatementsOut,
    StreamIn,
    StreamOut,
    StreamsOut,
)
from coordinator.adapters.store import StoreError
from coordinator.keys import matches
from coordinator.streams import Stream
from coordinator.webhooks import secret_of

PAGE_MAX = 200
Authorization = Annotated[str | None, Header()]
PageToken = Annotated[str, Query(max_length=100)]
PageSize = Annotated[int, Query(ge=1, le=PAGE_MAX)]


def create_app(services: Services) -> FastAPI:
    """The application over its services."""
    app = FastAPI(
        title="Restreaming as support",
        summary="Fans relay a live stream, sponsors pay for relaying that was really done.",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    openapi.install(app, services.public_url)
    problems.install(app)
    app.add_exception_handler(StoreError, _unavailable)
    _sponsor_routes(app, services)
    _stream_routes(app, services)
    _node_routes(app, services)
    _other_routes(app, services)
    app.middleware_stack = _layers(app, services)
    return app


def _layers(app: FastAPI, services: Services) -> ASGIApp:
    """What each request goes through on its way to the framework's own layers and the routes.

    Outside of them and not among them, so that a repeated heartbeat never gets so far."""
    proxies, clock = services.trusted_proxies, services.clock
    whole = BodyLimit(app.build_middleware_stack())
    limited = RateLimit(whole, services.requests_per_second, proxies, clock)
    edge = Edge(limited, app.routes, services.log)
    return Repetitions(edge, services.announcements, limited, proxies)


async def _unavailable(_: Request, __: Exception) -> JSONResponse:
    return Problem("unavailable", "The database did not answer; try again shortly.").response()


def _sponsor_routes(app: FastAPI, services: Services) -> None:
    @app.post("/streams", status_code=201, tags=["sponsors"])
    async def register_a_stream(
        asked: StreamIn,
        request: Request,
        response: Response,
        authorization: Authorization = None,
        idempotency_key: IdempotencyKey = None,
    ) -> RegisteredOut:
        """Register a live stream with a token balance. The publish URL is shown only here."""
        sponsor = sponsor_of(authorization, services.sponsors)
        stream, key = await services.registrar.register(asked, sponsor, idempotency_key)
        await services.snapshots.changed(stream.stream_id)
        snapshot = await services.snapshots.now()
        base_url = services.base_url(request)
        out = stream_out(stream, snapshot, ingest_url=services.ingest_url, base_url=base_url)
        response.headers["Location"] = f"{base_url}/streams/{stream.stream_id}"
        response.headers["Cache-Control"] = "no-store"
        return RegisteredOut(
            **out.model_dump(),
            publish_url=f"{out.ingest_url}?key={key}",
            webhook_secret=secret_of(sponsor[1], stream.stream_id) if asked.webhook_url else None,
        )

    @app.post("/ingest/publish", status_code=204, tags=["ingest"])
    async def may_it_publish(asked: PublishIn, authorization: Authorization = None) -> None:
        """The ingest asks whether a stream key is the right one for a stream."""
        require_ingest(authorization, services.ingest_key_hash)
        stream = await services.stream_now(asked.stream_id)
        if stream is None or not matches(asked.stream_key, stream.key_hash):
            raise Problem("stream-key-wrong", "Publish with the URL that registration answered.")
        if stream.ends_s is not None and services.clock() >= stream.ends_s:
            raise Problem("stream-closed", "The stream has ended; register a new one.")


def _stream_routes(app: FastAPI, services: Services) -> None:
    async def known(stream_id: str) -> Stream:
        stream = await services.stream(stream_id)
        if stream is None:
            raise Problem("unknown-stream", f"No stream is called {stream_id}: see GET /streams.")
        return stream

    @app.get("/streams", tags=["streams"])
    async def list_streams(
        request: Request, page_token: PageToken = "", page_size: PageSize = 50
    ) -> StreamsOut:
        """All streams, by id."""
        snapshot = await services.snapshots.now()
        base_url = services.base_url(request)
        ordered = sorted(snapshot.streams, key=lambda stream: stream.stream_id)
        page = [s for s in ordered if s.stream_id > page_token][: page_size + 1]
        return StreamsOut(
            streams=[
                stream_out(s, snapshot, ingest_url=services.ingest_url, base_url=base_url)
                for s in page[:page_size]
            ],
            next_page_token=page[page_size - 1].stream_id if len(page) > page_size else None,
        )

    @app.get("/streams/{stream_id}", tags=["streams"])
    async def get_a_stream(stream_id: str, request: Request) -> StreamOut:
        """One stream: where nodes pull it, what it pays, what is left."""
        stream = await known(stream_id)
        return stream_out(
            stream,
            await services.snapshots.now(),
            ingest_url=services.ingest_url,
            base_url=services.base_url(request),
        )

    @app.get(
        "/streams/{stream_id}/playlist.m3u",
        tags=["streams"],
        response_class=Response,
        responses={200: {"content": {"audio/x-mpegurl": {"schema": {"type": "string"}}}}},
    )
    async def get_a_playlist(stream_id: str) -> PlainTextResponse:
        """The stream's verified nodes, best first, for VLC, mpv and others."""
        stream = await known(stream_id)
        return PlainTextResponse(
            playlist(stream, await services.snapshots.now()), media_type="audio/x-mpegurl"
        )

    @app.get(
        "/streams/{stream_id}/badge.svg",
        tags=["streams"],
        response_class=Response,
        responses=openapi.SVG,
    )
    async def get_a_stream_badge(stream_id: str) -> Response:
        """How many verified nodes relay the stream, as a small picture."""
        stream = await known(stream_id)
        verified = (await services.snapshots.now()).network.verified(stream.stream_id)
        badge = stream_badge(stream.name, len(verified))
        return Response(badge.svg(), media_type="image/svg+xml")

    @app.get("/streams/{stream_id}/statements", tags=["streams"])
    async def list_statements(
        stream_id: str,
        page_token: Annotated[str, Query(pattern="^[0-9]{0,10}$")] = "",
        page_size: PageSize = 50,
    ) -> StatementsOut:
        """What was paid, for what and why not, epoch by epoch, oldest first."""
        stream = await known(stream_id)
        first = int(page_token or 0)
        found = await services.ledger.statements(stream.stream_id, first, page_size + 1)
        more = found[page_size].epoch if len(found) > page_size else None
        return StatementsOut(
            statements=[statement_out(statement) for statement in found[:page_size]],
            next_page_token=str(more) if more is not None else None,
        )

    @app.get("/streams/{stream_id}/statements/{epoch}", tags=["streams"])
    async def get_a_statement(stream_id: str, epoch: int) -> StatementOut:
        """One settled epoch."""
        stream = await known(stream_id)
        found = None
        if 0 <= epoch < 10**10:
            found = await services.ledger.statement(stream.stream_id, epoch)
        if found is None:
            raise Problem("unknown-statement", f"Epoch {epoch} of {stream_id} is not settled.")
        return statement_out(found)


def _node_routes(app: FastAPI, services: Services) -> None:
    @app.post(PATH, tags=["nodes"])
    async def announce(
        beat: HeartbeatIn,
        request: Request,
        authorization: Authorization = None,
        x_forwarded_for: Annotated[str | None, Header()] = None,
    ) -> HeartbeatOut:
        """A node says that it is there; the answer says how it stands and what to fix."""
        node_id = node_of(authorization)
        client = request.client.host if request.client else ""
        peer = peer_of(client, x_forwarded_for, services.trusted_proxies)
        return await services.announcements.take(node_id, beat, peer)

    @app.post("/nodes/dial-back", tags=["nodes"])
    async def call_back(
        asked: DialBackIn,
        request: Request,
        authorization: Authorization = None,
        x_forwarded_for: Annotated[str | None, Header()] = None,
    ) -> DialBackOut:
        """Whether the caller's ports can be reached from outside, before it announces itself."""
        node_id = node_of(authorization)
        client = request.client.host if request.client else ""
        peer = peer_of(client, x_forwarded_for, services.trusted_proxies)
        return await services.announcements.call_back(node_id, asked, peer)

    @app.get("/nodes", tags=["nodes"])
    async def list_nodes(
        stream_id: Annotated[str | None, Query(max_length=64)] = None,
        page_token: PageToken = "",
        page_size: PageSize = 50,
    ) -> NodesOut:
        """All nodes, or those of one stream, by id."""
        snapshot = await services.snapshots.now()
        ordered = sorted(snapshot.network.nodes.values(), key=lambda node: node.node_id)
        page = [
            node
            for node in ordered
            if node.node_id > page_token and stream_id in (None, node.slot.stream_id)
        ][: page_size + 1]
        return NodesOut(
            nodes=[node_out(node) for node in page[:page_size]],
            next_page_token=page[page_size - 1].node_id if len(page) > page_size else None,
        )

    @app.get(
        "/nodes/{node_id}/badge.svg",
        tags=["nodes"],
        response_class=Response,
        responses=openapi.SVG,
    )
    async def get_a_node_badge(node_id: str) -> Response:
        """The node's status as a small picture."""
        node = (await services.snapshots.now()).network.nodes.get(node_id)
        if node is None:
            raise Problem("unknown-node", f"No node is called {node_id}.")
        return Response(node_badge(node).svg(), media_type="image/svg+xml")

    @app.get("/nodes/{node_id}", tags=["nodes"])
    async def get_a_node(node_id: str) -> NodeOut:
        """One node: its status and why, its measured minutes, its checks, its tokens."""
        node = (await services.snapshots.now()).network.nodes.get(node_id)
        if node is None:
            raise Problem(
                "unknown-node",
                f"No node is called {node_id}; a new one appears with its first sweep.",
            )
        return node_out(node)


def _other_routes(app: FastAPI, services: Services) -> None:
    @app.get("/healthz", tags=["ops"])
    async def health() -> dict[str, str]:
        """200 while the api can read its database, 503 otherwise."""
        await services.snapshots.now()
        return {"status": "ok"}

    evidence.install(app, services)
    pictures.install(app, services)
    money_routes.install(app, services)
    webhook_routes.install(app, services)
    for pages in (node_page, stream_page, feeds, node_checks):
        pages.install(app, services)
    Pages(app, services).install()
