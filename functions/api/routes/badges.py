"""Routes of badges: how a node or a stream stands, as a small picture."""

from typing import Any

from fastapi import FastAPI, Response

from api.http.content import text_of
from api.services.services import Services
from api.site.badges import Badge, node_badge, stream_badge

_EXAMPLE = '<svg xmlns="http://www.w3.org/2000/svg" width="97" height="20">…</svg>'


class BadgeAnswer(Response):
    """A badge, drawn."""

    media_type = "image/svg+xml"

    def render(self, content: Any) -> bytes:
        """Of a `Badge`."""
        return content.svg().encode() if isinstance(content, Badge) else b""


SVG = text_of(BadgeAnswer.media_type, _EXAMPLE)


def install(app: FastAPI, services: Services) -> None:
    """Adds them to the application."""

    @app.get(
        "/nodes/{node_id}/badge.svg", tags=["nodes"], response_class=BadgeAnswer, responses=SVG
    )
    async def get_a_node_badge(node_id: str) -> BadgeAnswer:
        """The node's status as a small picture."""
        return BadgeAnswer(node_badge(await services.known_node(node_id)))

    @app.get(
        "/streams/{stream_id}/badge.svg",
        tags=["streams"],
        response_class=BadgeAnswer,
        responses=SVG,
    )
    async def get_a_stream_badge(stream_id: str) -> BadgeAnswer:
        """How many verified nodes relay the stream, as a small picture."""
        stream = await services.known_stream(stream_id)
        verified = (await services.snapshots.now()).network.verified(stream.stream_id)
        return BadgeAnswer(stream_badge(stream.name, len(verified)))
