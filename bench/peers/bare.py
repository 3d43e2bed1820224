"""The peer of a heartbeat: one Starlette route that reads a JSON body and sends it back."""

import functions_framework.aio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


async def take(request: Request) -> Response:
    """The body, parsed and written again."""
    return JSONResponse(await request.json())


async def ready(_: Request) -> Response:
    """Whether it is there."""
    return PlainTextResponse("ready")


app = Starlette(
    routes=[Route("/nodes/heartbeat", take, methods=["POST"]), Route("/", ready, methods=["GET"])]
)


@functions_framework.aio.http  # type: ignore[arg-type]  # it also runs a returned application
async def bare(request: Request) -> Starlette:
    """Served as the api is."""
    return app
