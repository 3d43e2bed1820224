"""The route of a node's checks."""

from typing import Annotated

from fastapi import FastAPI, Query

from api.services.node_checks import NodeChecks
from api.services.services import Services
from api.wire.checks import ChecksOut


def install(app: FastAPI, services: Services) -> None:
    """Adds the route."""
    checks = NodeChecks(services)

    @app.get("/nodes/{node_id}/checks", tags=["nodes"], response_model_exclude_unset=True)
    async def list_a_nodes_checks(
        node_id: str,
        page_token: Annotated[str, Query(pattern="^[0-9]{0,12}$")] = "",
        page_size: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> ChecksOut:
        """Every check of a node: verdict, reason, the numbers of each connection, what caused it.

        Newest first. A page looks at a limited stretch of time, so it may be short or empty: go on
        while there is a `next_page_token`."""
        return await checks.page(node_id, int(page_token) if page_token else None, page_size)
