"""A crowd of simulated nodes before the real api, which calls each of them back."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx

from api.http.connection_places import ConnectionLimits
from api.wiring import build_on
from bench.crowd.crowd_process import CrowdProcess, crowd_of
from bench.crowd.members import CrowdMember
from bench.crowd.simulated_node import CrowdSetting
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.records import Measurements
from coordinator.adapters.settings import ApiSettings
from coordinator.keys import sha256_hex
from coordinator.sweeping.nodes import Node
from tests.doubles.memory import MemoryStore
from tests.integration.edge_server import edge_server
from tests.ports import free_port
from tests.sponsors import entered

KEY = "sponsor-key-of-the-tests"
PATIENCE_S = 30.0
MEMBERS = 5
STREAM = {"name": "Main stage", "token_balance": "1000", "reward_per_node_hour": "1.5"}
SETTINGS = {
    "GOOGLE_CLOUD_PROJECT": "tests",
    "INGEST_URL": "rtmp://203.0.113.5:1935/live",
    "INGEST_KEY_HASH": sha256_hex("ingest-key-of-the-tests"),
    "ALLOW_PRIVATE_ADDRESSES": "true",
}


async def _until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if await is_so():
                return
            await asyncio.sleep(0.05)


async def test_members_join_are_reached_leave_and_return() -> None:
    """By signed heartbeats from addresses of their own, which the coordinator keeps."""
    measured = MemoryStore()
    guard = Guard(allow_private=True)
    app = build_on(
        measured, MemoryStore(entered(ada=KEY)), ApiSettings.from_env(SETTINGS), time.time, guard
    )
    async with edge_server(app, ConnectionLimits()) as server:
        url = f"http://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            key = {"Authorization": f"Bearer {KEY}"}
            made = await client.post("/streams", json=STREAM, headers=key)
        setting = CrowdSetting(url, made.json()["stream_id"], free_port(), free_port())
        async with crowd_of(MEMBERS, "seed", setting) as crowd:
            await _live(crowd, measured, setting)


async def _live(crowd: CrowdProcess, measured: MemoryStore, setting: CrowdSetting) -> None:
    members = [CrowdMember("seed", number) for number in range(MEMBERS)]

    async def known() -> list[Node | None]:
        return [await Measurements(measured).node(each.node_id) for each in members]

    async def all_are_in() -> bool:
        return all(runs[-1].accepted_s for runs in (await crowd.runs(range(MEMBERS))).values())

    await crowd.start(range(MEMBERS), 0.1)
    await _until(all_are_in)
    urls = [f"http://{each.host}:{setting.stats_port}/stats.json" for each in members]
    assert [each and each.stats_url for each in await known()] == urls
    async with httpx.AsyncClient(trust_env=False) as client:
        told = (await client.get(urls[3])).json()
    assert (told["node_id"], told["stream"]["id"]) == (members[3].node_id, setting.stream_id)

    await crowd.leave(range(2), 0.1)
    assert [each and each.state for each in await known()] == ["leaving"] * 2 + ["running"] * 3
    async with httpx.AsyncClient(trust_env=False) as client:
        answers = await asyncio.gather(client.get(urls[0]), return_exceptions=True)
    assert isinstance(answers[0], httpx.TransportError)

    async def a_second_has_begun() -> bool:
        return int(time.time()) > left_s

    left_s = int(time.time())
    await _until(a_second_has_begun)  # what is signed in the same second as a goodbye is older
    await crowd.start(range(2), 0.1)
    await _until(all_are_in)
    assert [each and each.state for each in await known()] == ["running"] * MEMBERS
    told = await crowd.tell()
    assert told["answers"]["409"] >= MEMBERS, "each is told its address once, and signs that"
    assert sum(told["standings"].values()) == MEMBERS
    runs = await crowd.runs(range(MEMBERS))
    assert [[run.ended_s is None for run in runs[each.node_id]] for each in members] == [
        *([False, True] for _ in range(2)),
        *([True] for _ in range(3)),
    ]
