"""Serves the issuer's public key over HTTP: `/jwks` and `/.well-known/openid-configuration`."""

import asyncio
import json

from emulator.cloud_scheduler.tokens import Issuer

REQUEST_SECONDS_MAX = 5.0


async def serve(issuer: Issuer, host: str, port: int) -> asyncio.Server:
    """Until it is closed. Raises OSError if the port is taken."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_answer(issuer, head.split(b" ")[1].decode("ascii", "replace")))
                await writer.drain()
        except (OSError, TimeoutError, IndexError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port)


def _answer(issuer: Issuer, path: str) -> bytes:
    found = {"/jwks": issuer.jwks, "/.well-known/openid-configuration": issuer.configuration}
    status = "200 OK" if path in found else "404 Not Found"
    body = json.dumps(found[path]() if path in found else {"error": "not found"}).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
