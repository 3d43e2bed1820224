"""The peer of a cold start: the smallest function that there is."""

import functions_framework.aio
from starlette.requests import Request


@functions_framework.aio.http
async def hello(request: Request) -> str:
    """One word."""
    return "hello"
