"""Routes about tokens: top-ups, closing, statements, the sponsor's delivery, a node's receipt."""

from typing import Annotated

from fastapi import FastAPI, Query, Security

from api.http.callers import Sponsor
from api.http.problems import Problem, ProblemKind, problems
from api.services.row_tokens import OF_A_ROW, OF_A_STATEMENT, place_in, place_of
from api.services.services import Services
from api.wire.common import IdempotencyKey
from api.wire.money import ClosedOut, DeliveryOut, ReceiptOut, TopUpIn, TopUpOut
from api.wire.statements import StatementOut, StatementsOut

EpochToken = Annotated[str, Query(pattern="^[0-9]{0,10}$")]
HoursSize = Annotated[int, Query(ge=1, le=200)]
LinesSize = Annotated[int, Query(ge=1, le=48)]


def install(app: FastAPI, services: Services) -> None:
    """Adds them to the application."""
    _top_up_route(app, services)
    _closing_route(app, services)
    _statement_routes(app, services)
    _report_routes(app, services)


def _top_up_route(app: FastAPI, services: Services) -> None:
    @app.post(
        "/streams/{stream_id}/top-ups",
        status_code=201,
        tags=["sponsors"],
        responses=problems(
            ProblemKind.NOT_YOUR_STREAM,
            ProblemKind.STREAM_CLOSED,
            ProblemKind.IDEMPOTENCY_CONFLICT,
            ProblemKind.TOO_MANY_TOKENS,
        ),
    )
    async def add_tokens(
        stream_id: str,
        asked: TopUpIn,
        sponsor: Annotated[Sponsor, Security(services.sponsor_key)],
        idempotency_key: IdempotencyKey = None,
    ) -> TopUpOut:
        """Add tokens to a stream. Repeating it with the same Idempotency-Key adds them once."""
        stream = await services.own_stream(stream_id, sponsor)
        done = await services.treasurer.top_up(stream, asked, idempotency_key)
        await services.snapshots.changed(stream_id)
        return done


def _closing_route(app: FastAPI, services: Services) -> None:
    @app.post(
        "/streams/{stream_id}/close",
        tags=["sponsors"],
        responses=problems(ProblemKind.NOT_YOUR_STREAM),
    )
    async def close_a_stream(
        stream_id: str,
        sponsor: Annotated[Sponsor, Security(services.sponsor_key)],
        idempotency_key: IdempotencyKey = None,
    ) -> ClosedOut:
        """End a stream with the next epoch; what its last statement leaves is refunded.

        A closed stream stays as it is, so a repetition needs no key."""
        done = await services.treasurer.close(await services.own_stream(stream_id, sponsor))
        await services.snapshots.changed(stream_id)
        return done


def _statement_routes(app: FastAPI, services: Services) -> None:
    @app.get("/streams/{stream_id}/statements", tags=["streams"])
    async def list_statements(
        stream_id: str,
        page_token: Annotated[str, Query(pattern=OF_A_STATEMENT)] = "",
        page_size: HoursSize = 50,
    ) -> StatementsOut:
        """What was paid, for what and why not, epoch by epoch, oldest first.

        The more nodes, the fewer epochs on a page: go on while there is a `next_page_token`. A page
        may end within an epoch: the next one has its other rows, in the same statement."""
        stream = await services.known_stream(stream_id)
        return await services.reports.statements(stream.stream_id, place_of(page_token), page_size)

    @app.get(
        "/streams/{stream_id}/statements/{epoch}",
        tags=["streams"],
        responses=problems(ProblemKind.UNKNOWN_STATEMENT),
    )
    async def get_a_statement(
        stream_id: str,
        epoch: int,
        page_token: Annotated[str, Query(pattern=OF_A_ROW)] = "",
    ) -> StatementOut:
        """One settled epoch. Of many nodes it has the first rows: the others come by its
        `next_row_token` as `page_token`."""
        stream = await services.known_stream(stream_id)
        if not 0 <= epoch < 10**10:
            says = f"Epoch {epoch} of {stream_id} is not settled."
            raise Problem(ProblemKind.UNKNOWN_STATEMENT, says)
        return await services.reports.statement(stream.stream_id, place_in(epoch, page_token))


def _report_routes(app: FastAPI, services: Services) -> None:
    @app.get("/streams/{stream_id}/delivery", tags=["streams"])
    async def get_a_delivery(
        stream_id: str, page_token: EpochToken = "", page_size: HoursSize = 50
    ) -> DeliveryOut:
        """What the tokens bought, hour by hour; what was not paid, returned and refunded."""
        return await services.reports.delivery(
            await services.known_stream(stream_id), int(page_token or 0), page_size
        )

    @app.get("/nodes/{node_id}/receipt", tags=["nodes"])
    async def get_a_receipt(
        node_id: str, page_token: EpochToken = "", page_size: LinesSize = 24
    ) -> ReceiptOut:
        """Every epoch of a node from its first pay on, newest first: each minute's reason.

        A page looks at `page_size` epochs, so it may be short or empty where the node was away: go
        on while there is a `next_page_token`."""
        return await services.reports.receipt(node_id, int(page_token or 10**10), page_size)
