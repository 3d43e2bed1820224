"""Routes about webhooks."""

from typing import Annotated

from fastapi import FastAPI, Response, Security

from api.http.callers import Sponsor
from api.http.problems import ProblemKind, problems
from api.services.services import Services
from api.wire.common import IdempotencyKey
from api.wire.webhooks import WebhookIn, WebhookOut, WebhookSetOut


def install(app: FastAPI, services: Services) -> None:
    """Adds them to the application."""

    @app.get(
        "/streams/{stream_id}/webhook",
        tags=["sponsors"],
        responses=problems(ProblemKind.NOT_YOUR_STREAM, ProblemKind.UNKNOWN_WEBHOOK),
    )
    async def get_a_webhook(
        stream_id: str,
        response: Response,
        sponsor: Annotated[Sponsor, Security(services.sponsor_key)],
    ) -> WebhookOut:
        """Where the sponsor is told of settlements, and whether that works."""
        response.headers["Cache-Control"] = "no-store"
        return await services.subscriptions.of(await services.own_stream(stream_id, sponsor))

    @app.post(
        "/streams/{stream_id}/webhook",
        tags=["sponsors"],
        responses=problems(
            ProblemKind.NOT_YOUR_STREAM,
            ProblemKind.IDEMPOTENCY_CONFLICT,
            ProblemKind.ADDRESS_REFUSED,
        ),
    )
    async def set_a_webhook(
        stream_id: str,
        asked: WebhookIn,
        sponsor: Annotated[Sponsor, Security(services.sponsor_key)],
        idempotency_key: IdempotencyKey = None,
    ) -> WebhookSetOut:
        """Another URL, or none. What was not delivered yet goes to the new one."""
        stream = await services.own_stream(stream_id, sponsor)
        return await services.subscriptions.set(stream, asked, sponsor.key, idempotency_key)
