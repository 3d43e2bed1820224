"""Laws of reading: whatever is asked of the api has an answer, and a page's cursor leads on."""

import asyncio
import json
import re
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

from api.wiring import build_on
from tests.fuzz.target import Target
from tests.lived import FIRST_EPOCH, NODES, START_S, STREAM_ID, lived_through
from tests.unit.functions.conftest import settings

_LISTS = ("streams", "nodes", "checks", "statements", "hours", "epochs")
_TARGET = re.compile(rb"/[\x21-\x7e]*")
_HTML = {"html": True}
"""What is said in pages for people, which are not read here."""
_CALLS = count()


def page_law(data: bytes) -> None:
    """A path and its query. No answer is our fault, and no page holds what the one before did."""
    if not _TARGET.fullmatch(data):
        return  # the intake lets no other one by
    path, _, query = data.partition(b"?")
    status, said = _asked(path, query)
    assert 200 <= status < 500
    if status >= 400:
        assert said == _HTML or said["status"] == status
        return
    token = said.get("next_page_token")
    if token is None:
        return
    again = [each for each in query.split(b"&") if not each.startswith(b"page_token=")]
    status, following = _asked(path, b"&".join([*again, b"page_token=" + str(token).encode()]))
    assert status == 200
    assert following.get("next_page_token") != token
    for name in _LISTS:
        shown = [json.dumps(each) for each in said.get(name) or ()]
        assert not set(shown) & {json.dumps(each) for each in following.get(name) or ()}


def _asked(path: bytes, query: bytes) -> tuple[int, dict[str, Any]]:
    return _loop().run_until_complete(_answer(_api(), path, query))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@cache
def _api() -> ASGIApp:
    """The api of a network that has lived for two hours."""
    lived = _loop().run_until_complete(lived_through(2))
    return build_on(lived.measured, lived.money, settings(LOG_LEVEL="ERROR"), lambda: lived.now_s)


def _caller() -> str:
    """An address of another network each time: nobody calls too often."""
    number = next(_CALLS) % 2**22
    return f"{11 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.7"


async def _answer(app: ASGIApp, path: bytes, query: bytes) -> tuple[int, dict[str, Any]]:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"api.example")],
        "client": (_caller(), 40_000),
        "server": ("api.example", 80),
    }
    status, kind, body = 0, b"", bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, kind
        if message["type"] == "http.response.start":
            status, kind = message["status"], dict(message["headers"]).get(b"content-type", b"")
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    said = json.loads(body) if b"json" in kind else _HTML
    return status, said if isinstance(said, dict) else {}


_STREAM, _NODE = f"/streams/{STREAM_ID}".encode(), f"/nodes/{NODES[1]}".encode()
PAGE_TARGETS = (
    Target(
        "pages",
        page_law,
        (
            b"/streams?page_size=1&page_token=",
            b"/nodes?page_size=2&stream_id=s3&page_token=" + NODES[0].encode(),
            _STREAM + b"/statements?page_size=1",
            _STREAM + b"/statements/%d?page_size=1" % FIRST_EPOCH,
            _STREAM + b"/delivery?page_size=2",
            _NODE + b"/checks?page_size=2&page_token=%d" % (START_S // 60 + 30),
            _NODE + b"/receipt?page_size=1",
            b"/runs?from_draw=%d&until_draw=%d" % (START_S // 60, START_S // 60 + 9),
            b"/sweeps?from_tick=%d&until_tick=%d" % (START_S // 60, START_S // 60 + 9),
            b"/rosters/0of1-1?page_size=2",
            b"/schedule/2026-11-22",
            b"/?page=2&sort=uptime&q=n",
        ),
        300,
        (
            b"page_token=",
            b"page_size=",
            b"%00",
            b"%ff",
            b"%2f",
            b"&",
            b"0o1",
            b"-1",
            b"1e9",
            b"/n/",
        ),
    ),
)
