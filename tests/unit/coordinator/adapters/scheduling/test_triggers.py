"""How the scheduled functions answer."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from coordinator.adapters.scheduling.triggers import answering


async def _call(method: str, path: str = "/") -> tuple[httpx.Response, list[str]]:
    """What a call is answered with, and the shards that were worked on."""
    done: list[str] = []

    async def work(query: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        done.append(query.get("shard", "0"))
        return 503, {"result": "unclear"}

    every = ["GET", "POST", "PUT", "DELETE"]
    app = Starlette(routes=[Route("/", answering(work), methods=every)])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://function") as client:
        return await client.request(method, path), done


async def test_a_post_does_the_work_and_tells_what_came_of_it() -> None:
    """With its own status, by which the scheduler knows whether to call again."""
    answer, done = await _call("POST", "/?shard=7")
    assert (answer.status_code, answer.json()) == (503, {"result": "unclear"})
    assert done == ["7"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_any_other_method_does_nothing(method: str) -> None:
    """A browser that looks at the URL starts no sweep."""
    answer, done = await _call(method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert done == []
