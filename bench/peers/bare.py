"""The peer of a heartbeat: one Starlette route that verifies a signature and reads a JSON body.

What it verifies is always the same: only what that costs counts here.
"""

import functions_framework.aio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

SECRET = Ed25519PrivateKey.generate()
PUBLIC = SECRET.public_key().public_bytes_raw()
SAID = bytes(700)
"""As long as what a node signs."""
SIGNATURE = SECRET.sign(SAID)


async def take(request: Request) -> Response:
    """The body, parsed and written again."""
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(SIGNATURE, SAID)
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
