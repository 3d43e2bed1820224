"""Routes about streams: registered by sponsors, read by anyone, published through the ingest."""

from typing import Annotated

from fastapi import FastAPI, Request, Response, Security
from fastapi.responses import PlainTextResponse

from api.http.callers import Sponsor
from api.http.content import text_of
from api.http.paging import PageSize, PageToken, page_of
from api.http.problems import Problem, ProblemKind, problems
from api.services.registrar import playlist
from api.services.services import Services
from api.services.snapshots import Snapshot
from api.services.views import stream_out
from api.wire.common import IdempotencyKey
from api.wire.example_names import NODE_ID, RTMP_URL
from api.wire.streams import (
    MediaIn,
    PublishIn,
    RegisteredOut,
    StreamIn,
    StreamOut,
    StreamsOut,
    WarningsOut,
)
from coordinator.keys import matches
from coordinator.ledger.webhooks import secret_of
from coordinator.published_media import PublishedMedia, news_of, warnings_about
from coordinator.streams import Stream

PLAYLIST = text_of("audio/x-mpegurl", f"#EXTM3U\n#EXTINF:-1,Main stage via {NODE_ID}\n{RTMP_URL}\n")


def install(app: FastAPI, services: Services) -> None:
    """Adds them to the application."""
    _registering_route(app, services)
    _publishing_route(app, services)
    _describing_route(app, services)
    _reading_routes(app, services)


def _told(stream: Stream, snapshot: Snapshot, services: Services, request: Request) -> StreamOut:
    base_url = services.base_url(request)
    return stream_out(stream, snapshot, ingest_url=services.ingest_url, base_url=base_url)


def _registering_route(app: FastAPI, services: Services) -> None:
    @app.post(
        "/streams",
        status_code=201,
        tags=["sponsors"],
        responses=problems(ProblemKind.IDEMPOTENCY_CONFLICT, ProblemKind.ADDRESS_REFUSED),
    )
    async def register_a_stream(
        asked: StreamIn,
        request: Request,
        response: Response,
        sponsor: Annotated[Sponsor, Security(services.sponsor_key)],
        idempotency_key: IdempotencyKey = None,
    ) -> RegisteredOut:
        """Register a live stream with a token balance. The publish URL is shown only here."""
        stream, key = await services.registrar.register(asked, sponsor, idempotency_key)
        await services.snapshots.changed(stream.stream_id)
        out = _told(stream, await services.snapshots.now(), services, request)
        location = f"{services.base_url(request)}/streams/{stream.stream_id}"
        response.headers["Location"] = location
        response.headers["Cache-Control"] = "no-store"
        return RegisteredOut(
            **out.model_dump(),
            publish_url=f"{out.ingest_url}?key={key}",
            webhook_secret=secret_of(sponsor.key, stream.stream_id) if asked.webhook_url else None,
        )


def _publishing_route(app: FastAPI, services: Services) -> None:
    @app.post(
        "/ingest/publish",
        status_code=204,
        tags=["ingest"],
        dependencies=[Security(services.ingest_key)],
        responses=problems(ProblemKind.STREAM_KEY_WRONG, ProblemKind.STREAM_CLOSED),
    )
    async def may_it_publish(asked: PublishIn) -> None:
        """The ingest asks whether a stream key is the right one, and says by which key it signs."""
        stream = await services.stream_now(asked.stream_id)
        if stream is None or not matches(asked.stream_key, stream.key_hash):
            raise Problem(
                ProblemKind.STREAM_KEY_WRONG, "Publish with the URL that registration answered."
            )
        if stream.ends_s is not None and services.clock() >= stream.ends_s:
            raise Problem(ProblemKind.STREAM_CLOSED, "The stream has ended; register a new one.")
        if stream.ingest_public_key != asked.ingest_public_key:
            await services.measurements.sign_stream(stream.stream_id, asked.ingest_public_key)
            await services.snapshots.changed(stream.stream_id)


def _describing_route(app: FastAPI, services: Services) -> None:
    @app.post(
        "/ingest/media",
        tags=["ingest"],
        dependencies=[Security(services.ingest_key)],
        responses=problems(ProblemKind.UNKNOWN_STREAM),
    )
    async def say_what_is_published(said: MediaIn) -> WarningsOut:
        """The ingest says which codecs come in. The answer says what viewers cannot play of it."""
        stream = await services.stream_now(said.stream_id)  # another instance may have been told
        if stream is None:
            raise Problem(ProblemKind.UNKNOWN_STREAM, "No stream has this id: see GET /streams.")
        media = PublishedMedia(said.video, said.audio, said.key_interval_ms, services.clock())
        if news_of(stream.media, media) and await services.measurements.describe_stream(
            stream.stream_id, media
        ):
            await services.snapshots.changed(stream.stream_id)
        return WarningsOut(warnings=warnings_about(media))


def _reading_routes(app: FastAPI, services: Services) -> None:
    @app.get("/streams", tags=["streams"])
    async def list_streams(
        request: Request, page_token: PageToken = "", page_size: PageSize = 50
    ) -> StreamsOut:
        """Streams by id, 500 at most: those that run, then the newest of those that ended."""
        snapshot = await services.snapshots.now()
        page, following = page_of(snapshot.streams, lambda s: s.stream_id, page_token, page_size)
        return StreamsOut(
            streams=[_told(stream, snapshot, services, request) for stream in page],
            next_page_token=following,
        )

    @app.get("/streams/{stream_id}", tags=["streams"])
    async def get_a_stream(stream_id: str, request: Request) -> StreamOut:
        """One stream: where nodes pull it, what it pays, what is left."""
        stream = await services.known_stream(stream_id)
        return _told(stream, await services.snapshots.now(), services, request)

    @app.get(
        "/streams/{stream_id}/playlist.m3u",
        tags=["streams"],
        response_class=Response,
        responses=PLAYLIST,
    )
    async def get_a_playlist(stream_id: str) -> PlainTextResponse:
        """The stream's verified nodes, best first, for VLC, mpv and others."""
        stream = await services.known_stream(stream_id)
        return PlainTextResponse(
            playlist(stream, await services.snapshots.now()), media_type="audio/x-mpegurl"
        )
