"""Nobody speaks for a node, not even with its own words said again."""

import base64
import hashlib
from typing import Any

import httpx
import pytest

from agent.client.signing import SignedBy, signed_headers
from agent.node_key import secret_of
from collector.sweeper import announced
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats
from coordinator.strangers.signed_requests import CLOCK_SECONDS_MAX
from coordinator.sweeping.polls import Poll, outcome_of
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.doubles.memory import MemoryStore
from tests.signing import key_of
from tests.unit.functions.conftest import (
    ADDRESS,
    NODE_ID,
    NODE_KEY,
    NOW_S,
    Coordinator,
    settings,
)
from tests.unit.functions.own_api import own_api

ELSEWHERE = "203.0.114.99"
URL = "http://api.example/nodes/heartbeat"


def _beat(stream_id: str, **more: Any) -> dict[str, Any]:
    place = {"stats_port": 8080, "rtmp_port": 1935, "address": ADDRESS}
    return {"stream_id": stream_id, **place, **more}


def _signed(
    body: dict[str, Any], created_s: int = int(NOW_S), key: str = NODE_KEY
) -> httpx.Request:
    """A heartbeat as it goes over the wire."""
    request = httpx.Request("POST", URL, json=body)
    secret = secret_of(key)
    path, content = "/nodes/heartbeat", request.content
    request.headers.update(signed_headers(secret, "POST", "api.example", path, content, created_s))
    return request


async def _from(coordinator: Coordinator, address: str, request: httpx.Request) -> httpx.Response:
    """What the api answers to a request that comes from an address."""
    app = own_api(coordinator.measured, coordinator.money, settings(), lambda: coordinator.now_s[0])
    transport = httpx.ASGITransport(app=app, client=(address, 40_000))
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.send(request)


def _type(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("type", "").removeprefix("/problems/")


async def test_a_node_is_told_which_address_to_sign(coordinator: Coordinator) -> None:
    """Nothing is taken in before; an operator never needs to know it."""
    stream_id = (await coordinator.registered())["stream_id"]
    for wrong in ("", ELSEWHERE):
        answer = await coordinator.client.send(_signed(_beat(stream_id, address=wrong)))
        assert _type(answer) == (409, "address-unsigned")
        assert answer.json()["address"] == ADDRESS
        assert await coordinator.measurements.node(NODE_ID) is None
    answer = await coordinator.client.send(_signed(_beat(stream_id)))
    assert answer.status_code == 200, answer.text


async def test_a_captured_heartbeat_moves_nobody(coordinator: Coordinator) -> None:
    """Sent again as it was, from wherever: the address that it signs is not the sender's."""
    stream_id = (await coordinator.registered())["stream_id"]
    captured = _signed(_beat(stream_id))
    assert (await _from(coordinator, ADDRESS, captured)).status_code == 200
    before = await coordinator.measurements.node(NODE_ID)
    assert _type(await _from(coordinator, ELSEWHERE, captured)) == (409, "address-unsigned")
    assert (await _from(coordinator, ADDRESS, captured)).status_code == 200  # it says the same
    assert await coordinator.measurements.node(NODE_ID) == before


async def test_an_older_heartbeat_changes_nothing(coordinator: Coordinator) -> None:
    """A goodbye that was captured, or came late, does not take a node away that has come back."""
    stream_id = (await coordinator.registered())["stream_id"]
    goodbye = _signed(_beat(stream_id, state="leaving"), int(NOW_S))
    back = _signed(_beat(stream_id, rtmp_port=1936), int(NOW_S) + 1)
    for request in (goodbye, back):
        assert (await coordinator.client.send(request)).status_code == 200
    assert _type(await coordinator.client.send(goodbye)) == (409, "overtaken")
    node = await coordinator.measurements.node(NODE_ID)
    assert node is not None
    assert (node.state, node.rtmp_port, node.signed_s) == ("running", 1936, int(NOW_S) + 1)


@pytest.mark.parametrize("off_s", [-CLOCK_SECONDS_MAX - 1, CLOCK_SECONDS_MAX + 1, 10**9, -(10**9)])
async def test_a_clock_that_is_off_is_told_by_how_much(
    coordinator: Coordinator, off_s: int
) -> None:
    """And nothing else is wrong with the node."""
    stream_id = (await coordinator.registered())["stream_id"]
    answer = await coordinator.client.send(_signed(_beat(stream_id), int(NOW_S) + off_s))
    assert _type(answer) == (401, "clock-off")
    way = "ahead" if off_s > 0 else "behind"
    assert f"Your clock is {abs(off_s)} s {way}" in answer.json()["detail"]
    near = off_s // abs(off_s) * CLOCK_SECONDS_MAX
    answer = await coordinator.client.send(_signed(_beat(stream_id), int(NOW_S) + near))
    assert answer.status_code == 200, answer.text


async def test_what_was_signed_is_what_counts(coordinator: Coordinator) -> None:
    """Another body, host, path, method or query is another request."""
    stream_id = (await coordinator.registered())["stream_id"]
    for wrong in ("body", "host", "path", "method", "query", "digest", "key"):
        request = _signed(_beat(stream_id))
        headers = dict(request.headers)
        body, method, url = request.content, "POST", URL
        if wrong == "body":
            body = body.replace(b"1935", b"1936")
        elif wrong == "host":
            url = URL.replace("api.example", "api.other")
            headers.pop("host")
        elif wrong == "path":
            url = URL.replace("heartbeat", "dial-back")
        elif wrong == "method":
            method = "PUT"
        elif wrong == "query":
            url += "?stream_id=s4"
        elif wrong == "digest":
            body = body.replace(b"1935", b"1936")
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            headers["content-digest"] = f"sha-256=:{digest}:"
        else:
            other = _signed(_beat(stream_id), key=key_of(7)).headers["signature-input"]
            headers["signature-input"] = other
        headers.pop("content-length")
        answer = await coordinator.client.request(method, url, content=body, headers=headers)
        expected = (405, "method-not-allowed") if wrong == "method" else (401, "signature-wrong")
        assert _type(answer) == expected, wrong
        assert await coordinator.measurements.node(NODE_ID) is None


@pytest.mark.parametrize(("host", "status"), [("relays.example", 404), ("other.example", 401)])
async def test_a_proxy_may_tell_the_api_another_host(host: str, status: int) -> None:
    """A node signs the host that it calls, and PUBLIC_URL says that this is us."""
    told = settings(PUBLIC_URL="https://relays.example")
    app = own_api(MemoryStore(), MemoryStore(), told, lambda: NOW_S)
    request = httpx.Request("POST", "http://127.0.0.1:8080/nodes/heartbeat", json=_beat("s404"))
    secret, path = secret_of(NODE_KEY), "/nodes/heartbeat"
    signed = signed_headers(secret, "POST", host, path, request.content, int(NOW_S))
    request.headers.update(signed)
    transport = httpx.ASGITransport(app=app, client=(ADDRESS, 40_000))
    async with httpx.AsyncClient(transport=transport) as client:
        assert (await client.send(request)).status_code == status


async def _swept(coordinator: Coordinator, tick: int, answer: RelayStats | Reason) -> None:
    measurements = coordinator.measurements
    changed = announced(await measurements.changed_nodes(0.0), Calendar())
    roster = Roster(WHOLE, 1, 0.0).taking_in(changed, tick)
    await measurements.put_roster(roster)
    polls: dict[int, Poll] = {
        at: outcome_of(slot, answer, None, stream_is_live=True, tick=tick)
        for at, slot in enumerate(roster.slots)
    }
    await measurements.create_sweep(Sweep(WHOLE, tick, 1, polls), coordinator.now_s[0])
    coordinator.now_s[0] += 60


@pytest.mark.parametrize("state", ["running", "leaving"])
async def test_one_key_on_two_machines_is_the_one_that_is_polled(
    coordinator: Coordinator, state: str
) -> None:
    """The other is told so, and neither moves nor ends the first."""
    stream_id = (await coordinator.registered())["stream_id"]
    first = await _from(coordinator, ADDRESS, _signed(_beat(stream_id)))
    assert first.status_code == 200
    await _swept(coordinator, int(NOW_S) // 60 + 1, RelayStats(Media.LIVE, 3, 7, 11, NODE_ID))
    before = await coordinator.measurements.node(NODE_ID)
    second = _beat(stream_id, address=ELSEWHERE, state=state)
    answer = await _from(coordinator, ELSEWHERE, _signed(second, int(NOW_S) + 60))
    assert answer.status_code == 200, answer.text
    assert answer.json()["reason"] == "key_elsewhere"
    assert "DATA_DIR of its own" in answer.json()["fix"]
    assert await coordinator.measurements.node(NODE_ID) == before
    again = await _from(coordinator, ADDRESS, _signed(_beat(stream_id), int(NOW_S) + 61))
    assert again.json()["reason"] != "key_elsewhere"


async def test_an_agent_whose_clock_is_off_takes_the_coordinators() -> None:
    """From the Date of any answer, so that nobody has to set it first."""
    auth = SignedBy(NODE_KEY, lambda: NOW_S - 4_000)
    created = []

    def answer(request: httpx.Request) -> httpx.Response:
        said = request.headers["signature-input"]
        created.append(int(said.partition("created=")[2].partition(";")[0]))
        return httpx.Response(200, headers={"Date": "Sun, 22 Nov 2026 00:00:37 GMT"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=auth) as client:
        for _ in range(3):
            await client.post(URL, json={})
    first, second, third = created
    assert first == NOW_S - 4_000
    assert (second, third) == (NOW_S, NOW_S + 1)  # in order within a second
