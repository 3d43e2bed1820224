"""Routes about webhooks."""

from typing import Annotated

from fastapi import FastAPI, Header, Response

from api.keys import sponsor_of
from api.problems import Problem
from api.services import Services
from api.webhook_wire import WebhookIn, WebhookOut, WebhookSetOut
from coordinator.streams import Stream

Authorization = Annotated[str | None, Header()]


def install(app: FastAPI, services: Services) -> None:
    """Adds them to the application."""

    async def known(stream_id: str) -> Stream:
        stream = await services.stream(stream_id)
        if stream is None:
            raise Problem("unknown-stream", f"No stream is called {stream_id}: see GET /streams.")
        return stream

    @app.get("/streams/{stream_id}/webhook", tags=["sponsors"])
    async def get_a_webhook(
        stream_id: str, response: Response, authorization: Authorization = None
    ) -> WebhookOut:
        """Where the sponsor is told of settlements, and whether that works."""
        sponsor, _ = sponsor_of(authorization, services.sponsors)
        response.headers["Cache-Control"] = "no-store"
        return await services.subscriptions.of(await known(stream_id), sponsor)

    @app.post("/streams/{stream_id}/webhook", tags=["sponsors"])
    async def set_a_webhook(
        stream_id: str, asked: WebhookIn, authorization: Authorization = None
    ) -> WebhookSetOut:
        """Another URL, or none. What was not delivered yet goes to the new one."""
        sponsor = sponsor_of(authorization, services.sponsors)
        return await services.subscriptions.set(await known(stream_id), asked, sponsor)
