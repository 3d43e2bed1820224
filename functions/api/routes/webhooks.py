"""Routes about webhooks."""

from fastapi import FastAPI, Response

from api.http.keys import Authorization, sponsor_of
from api.services import Services
from api.wire.common import IdempotencyKey
from api.wire.webhooks import WebhookIn, WebhookOut, WebhookSetOut


def install(app: FastAPI, services: Services) -> None:
    """Adds them to the application."""

    @app.get("/streams/{stream_id}/webhook", tags=["sponsors"])
    async def get_a_webhook(
        stream_id: str, response: Response, authorization: Authorization = None
    ) -> WebhookOut:
        """Where the sponsor is told of settlements, and whether that works."""
        sponsor, _ = sponsor_of(authorization, services.sponsors)
        response.headers["Cache-Control"] = "no-store"
        return await services.subscriptions.of(await services.known_stream(stream_id), sponsor)

    @app.post("/streams/{stream_id}/webhook", tags=["sponsors"])
    async def set_a_webhook(
        stream_id: str,
        asked: WebhookIn,
        authorization: Authorization = None,
        idempotency_key: IdempotencyKey = None,
    ) -> WebhookSetOut:
        """Another URL, or none. What was not delivered yet goes to the new one."""
        sponsor = sponsor_of(authorization, services.sponsors)
        stream = await services.known_stream(stream_id)
        return await services.subscriptions.set(stream, asked, sponsor, idempotency_key)
