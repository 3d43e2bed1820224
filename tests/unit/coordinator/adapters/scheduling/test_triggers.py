"""How the scheduled functions answer."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from coordinator.adapters.log import Log
from coordinator.adapters.scheduling.triggers import DUE, answering

NOW_S = 1_795_305_637.0


async def _call(method: str, path: str = "/", due: str = "") -> tuple[httpx.Response, list[str]]:
    """What a call is answered with, and the shards that were worked on."""
    done: list[str] = []

    async def work(query: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        done.append(query.get("shard", "0"))
        return 503, {"result": "unclear"}

    answer = answering(work, lambda: NOW_S, Log("collector"))
    every = ["GET", "POST", "PUT", "DELETE"]
    app = Starlette(routes=[Route("/", answer, methods=every)])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://function") as client:
        headers = {DUE: due} if due else {}
        return await client.request(method, path, headers=headers), done


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


def _due(seconds: float) -> str:
    """So far from our clock, as Cloud Scheduler writes it."""
    return datetime.fromtimestamp(NOW_S + seconds, UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("due", [_due(0), _due(-600), _due(2), "", "yesterday", "2026-11-22T15:00"])
async def test_a_trigger_that_comes_late_or_does_not_say_when_it_was_due_is_worked_on(
    due: str,
) -> None:
    """It is repeated for minutes, where an answer failed."""
    answer, done = await _call("POST", due=due)
    assert (answer.json(), done) == ({"result": "unclear"}, ["0"])


@pytest.mark.parametrize(("off_s", "says"), [(3_600, "-3600 s"), (-3_600, "3600 s")])
async def test_by_a_clock_that_is_an_hour_off_nothing_is_done(
    off_s: float, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is numbered by it would stand in the place of what the right hour brings."""
    answer, done = await _call("POST", due=_due(off_s))
    assert (answer.status_code, done) == (503, [])
    assert f"our clock is {says} from the trigger's" in answer.json()["error"]
    assert json.loads(capsys.readouterr().out)["message"] == "clock_off"
