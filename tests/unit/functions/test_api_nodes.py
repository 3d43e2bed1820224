"""Nodes announce themselves, and are told how they stand and what to fix."""

from typing import Any

import httpx
import pytest

from collector.sweeper import announced
from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats
from coordinator.strangers.source_bounds import NEW_KEYS, Side
from coordinator.sweeping.polls import outcome_of
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.signing import key_of, node_id_of
from tests.unit.functions.conftest import (
    ADDRESS,
    NODE_ID,
    NODE_KEY,
    NOW_S,
    Coordinator,
    settings,
)
from tests.unit.functions.own_api import own_api


async def _beat(
    coordinator: Coordinator,
    stream_id: str,
    key: str = NODE_KEY,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> httpx.Response:
    place = {"stats_port": 8080, "rtmp_port": 1935, "address": ADDRESS}
    body = {"stream_id": stream_id, **place, **more}
    body = {name: value for name, value in body.items() if value is not None}
    return await coordinator.client.post(
        "/nodes/heartbeat", json=body, headers=headers, auth=coordinator.signed(key)
    )


async def _swept(coordinator: Coordinator, tick: int, stats: RelayStats | Reason) -> None:
    """What a sweep of the collector leaves."""
    measurements = coordinator.measurements
    changed = announced(await measurements.changed_nodes(0.0), Calendar())
    roster = Roster(WHOLE, 1, 0.0).taking_in(changed, tick)
    await measurements.put_roster(roster)
    polls = {
        at: outcome_of(slot, stats, None, stream_is_live=True, tick=tick)
        for at, slot in enumerate(roster.slots)
    }
    await measurements.create_sweep(Sweep(WHOLE, tick, 1, polls), NOW_S)
    coordinator.now_s[0] += 60


async def test_a_node_is_known_by_its_key_and_its_address(coordinator: Coordinator) -> None:
    """An operator never needs to know their public address."""
    stream = await coordinator.registered()
    answer = await _beat(coordinator, stream["stream_id"])
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["node_id"] == NODE_ID
    assert said["stats_url"] == "http://203.0.114.7:8080/stats.json"
    assert said["rtmp_url"] == f"rtmp://203.0.114.7:1935/live/{stream['stream_id']}"
    assert said["ingest_url"] == stream["ingest_url"]
    assert (said["status"], said["reason"]) == ("pending", "not_yet_swept")
    assert said["says"]
    assert said["next_heartbeat_seconds"] == 30


async def test_one_address_brings_few_new_nodes(coordinator: Coordinator) -> None:
    """Keys cost nothing; who is known already, or comes from elsewhere, is not kept out."""
    stream_id = (await coordinator.registered())["stream_id"]
    keys = [key_of(number) for number in range(18)]
    for key in keys[: NEW_KEYS[Side.ADDRESS].burst]:
        assert (await _beat(coordinator, stream_id, key)).status_code == 200
    refused = await _beat(coordinator, stream_id, keys[16])
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "600"
    assert "new nodes from your address (203.0.114.7)" in refused.json()["detail"]
    assert await coordinator.measurements.node(node_id_of(keys[16])) is None
    assert (await _beat(coordinator, stream_id, keys[0])).status_code == 200
    coordinator.now_s[0] += 600
    assert (await _beat(coordinator, stream_id, keys[16])).status_code == 200
    assert (await _beat(coordinator, stream_id, keys[17])).status_code == 429


async def test_an_unchanged_heartbeat_writes_nothing(coordinator: Coordinator) -> None:
    """Polls prove that a node lives; heartbeats only say what is new."""
    stream = await coordinator.registered()
    await _beat(coordinator, stream["stream_id"])
    first = await coordinator.measurements.node(NODE_ID)
    coordinator.now_s[0] += 300
    await _beat(coordinator, stream["stream_id"])
    assert await coordinator.measurements.node(NODE_ID) == first
    await _beat(coordinator, stream["stream_id"], rtmp_port=1936)
    moved = await coordinator.measurements.node(NODE_ID)
    assert moved is not None
    assert (moved.rtmp_port, moved.joined_s, moved.changed_s) == (1936, NOW_S, NOW_S + 300)


async def test_a_node_is_told_what_sweeps_and_checks_found(coordinator: Coordinator) -> None:
    """Healthy and unproven first, then verified and on the playlist."""
    stream = await coordinator.registered()
    await _beat(coordinator, stream["stream_id"])
    await _swept(coordinator, 100, RelayStats(Media.LIVE, 3, 7, 11, NODE_ID))
    said = (await _beat(coordinator, stream["stream_id"])).json()
    assert (said["status"], said["reason"]) == ("healthy", "unproven")
    check = Check(NODE_ID, stream["stream_id"], 7, NOW_S, Verdict.PASS, Reason.PASSED)
    run = Run(7, NOW_S, NOW_S, (), {stream["stream_id"]: IngestState.LIVE}, (check,))
    await coordinator.measurements.record_run(run, NOW_S)
    coordinator.now_s[0] += 60
    said = (await _beat(coordinator, stream["stream_id"])).json()
    assert (said["status"], said["reason"]) == ("healthy", "ok")
    playlist = (await coordinator.client.get(stream["play_url"])).text
    assert playlist.splitlines()[-1] == said["rtmp_url"]
    node = (await coordinator.client.get(f"/nodes/{NODE_ID}")).json()
    assert (node["viewers"], node["minutes_up"], node["checks_passed"]) == (3, 1, 1)


async def test_a_node_that_cannot_be_reached_is_told_what_to_fix(coordinator: Coordinator) -> None:
    """Not just that it is unhealthy."""
    stream = await coordinator.registered()
    await _beat(coordinator, stream["stream_id"])
    await _swept(coordinator, 100, Reason.CONNECT_FAILED)
    said = (await _beat(coordinator, stream["stream_id"])).json()
    assert (said["status"], said["reason"]) == ("unhealthy", "connect_failed")
    assert "Forward the stats port" in said["fix"]


async def test_a_node_that_was_lost_joins_again_by_itself(coordinator: Coordinator) -> None:
    """Its next heartbeat says something new: that it is there."""
    stream = await coordinator.registered()
    await _beat(coordinator, stream["stream_id"])
    roster = Roster(WHOLE, 1, 0.0).taking_in(
        announced(await coordinator.measurements.changed_nodes(0.0), Calendar()), 100
    )
    await coordinator.measurements.put_roster(roster.without([0], 104))
    coordinator.now_s[0] += 600
    before = await coordinator.measurements.node(NODE_ID)
    said = (await _beat(coordinator, stream["stream_id"])).json()
    after = await coordinator.measurements.node(NODE_ID)
    assert said["status"] == "pending"
    assert before is not None
    assert after is not None
    assert after.changed_s == before.changed_s + 600
    coordinator.now_s[0] += 30
    await _beat(coordinator, stream["stream_id"])
    assert await coordinator.measurements.node(NODE_ID) == after  # once is enough


async def test_a_leaving_node_is_remembered_as_such(coordinator: Coordinator) -> None:
    """The collector then stops polling it."""
    stream = await coordinator.registered()
    await _beat(coordinator, stream["stream_id"])
    said = (await _beat(coordinator, stream["stream_id"], state="leaving")).json()
    assert (said["status"], said["reason"]) == ("left", "left")
    node = await coordinator.measurements.node(NODE_ID)
    assert node is not None
    assert node.state == "leaving"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:8080/stats.json", "address_blocked"),
        ("http://10.0.0.7:8080/stats.json", "address_blocked"),
        ("http://192.168.1.7:8080/stats.json", "address_blocked"),
        ("http://169.254.169.254/computeMetadata/v1/", "address_blocked"),
        ("http://[::1]:8080/stats.json", "address_blocked"),
        ("http://[fe80::1]:8080/stats.json", "address_blocked"),
        ("http://[::ffff:10.0.0.1]:8080/stats.json", "address_blocked"),
        ("http://100.64.0.1:8080/stats.json", "address_blocked"),
        ("http://203.0.114.7:25/stats.json", "port_blocked"),
    ],
)
async def test_an_address_that_is_not_public_is_refused_at_once(
    coordinator: Coordinator, url: str, reason: str
) -> None:
    """With its reason and what to do, before anything connects to it."""
    stream = await coordinator.registered()
    answer = await _beat(coordinator, stream["stream_id"], stats_port=None, stats_url=url)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "/problems/address-refused"
    assert answer.json()["reason"] == reason
    assert await coordinator.measurements.node(NODE_ID) is None


@pytest.mark.parametrize("path", ["/nodes/heartbeat", "/nodes/dial-back"])
@pytest.mark.parametrize("port", [22, 25, 53, 3306, 6379, 11211])
@pytest.mark.parametrize("name", ["rtmp_port", "stats_port"])
async def test_a_port_of_another_service_is_refused_by_its_name(
    coordinator: Coordinator, path: str, port: int, name: str
) -> None:
    """Whichever it is: nothing connects to it, now or later."""
    asked: dict[str, object] = {"stats_port": 8080, "rtmp_port": 1935, name: port}
    if path == "/nodes/heartbeat":
        asked |= {"stream_id": (await coordinator.registered())["stream_id"], "address": ADDRESS}
    answer = await coordinator.client.post(path, json=asked, auth=coordinator.signed())
    told = answer.json()
    assert (answer.status_code, told["reason"]) == (422, "port_blocked")
    assert told["detail"].startswith("rtmp_port: " if name == "rtmp_port" else "http://")
    assert ("RTMP_PORT" in told["detail"]) is (name == "rtmp_port")
    assert await coordinator.measurements.node(NODE_ID) is None


async def test_an_address_that_is_not_known_refuses_only_who_needs_it(
    coordinator: Coordinator,
) -> None:
    """With what to do; a node that announces its own address needs nobody's word."""
    stream = await coordinator.registered()
    app = own_api(
        coordinator.measured, coordinator.money, settings(TRUSTED_PROXIES="1"), lambda: NOW_S
    )
    beat = {"stream_id": stream["stream_id"], "rtmp_port": 1935}
    headers = {"X-Forwarded-For": "unknown"}
    transport, auth = httpx.ASGITransport(app=app), coordinator.signed()
    base_url = "http://api.example"
    async with httpx.AsyncClient(transport=transport, base_url=base_url, auth=auth) as client:
        ports = {**beat, "stats_port": 8080, "address": ADDRESS}
        told = await client.post("/nodes/heartbeat", json=ports, headers=headers)
        assert (told.status_code, "PUBLIC_STATS_URL" in told.json()["detail"]) == (422, True)
        url = {**beat, "stats_url": "http://203.0.114.9:8080/stats.json"}
        assert (await client.post("/nodes/heartbeat", json=url, headers=headers)).is_success
        headers["X-Forwarded-For"] = "[::ffff:203.0.114.7]:4711"
        named = await client.post("/nodes/heartbeat", json=ports, headers=headers)
        assert named.json()["stats_url"] == "http://203.0.114.7:8080/stats.json"


@pytest.mark.parametrize(
    "change",
    [
        {"stats_url": "http://203.0.114.9:8080/" + "x" * 105, "stats_port": None},
        {"stats_port": None},
        {"stats_url": "http://203.0.114.9:8080/stats.json"},
        {"stats_port": 0},
        {"stats_port": 65_536},
        {"stats_port": "8080"},
        {"rtmp_port": None},
        {"rtmp_port": -1},
        {"state": "asleep"},
        {"agent": "x" * 41},
        {"stream_id": "../etc"},
        {"stream_id": 7},
        {"tokens": "1000"},
    ],
)
async def test_a_wrong_heartbeat_says_what_is_wrong(
    coordinator: Coordinator, change: dict[str, Any]
) -> None:
    """And changes nothing."""
    stream = await coordinator.registered()
    answer = await _beat(coordinator, **{"stream_id": stream["stream_id"], **change})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]
    assert await coordinator.measurements.node(NODE_ID) is None


@pytest.mark.parametrize(
    "url", ["https://203.0.114.9/", "http://user@203.0.114.9:8080/", "ftp://x", "http://", "x"]
)
async def test_an_address_in_another_form_is_refused(coordinator: Coordinator, url: str) -> None:
    """Plain http with a host, nothing else."""
    stream = await coordinator.registered()
    answer = await _beat(coordinator, stream["stream_id"], stats_port=None, stats_url=url)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/address-refused")


async def test_an_unknown_stream_is_named(coordinator: Coordinator) -> None:
    """With where to find the known ones."""
    answer = await _beat(coordinator, "s404")
    assert answer.status_code == 404
    assert "GET /streams" in answer.json()["detail"]


async def test_nobody_speaks_for_another_node(coordinator: Coordinator) -> None:
    """Another key is another node, whatever address it claims."""
    stream = await coordinator.registered()
    await _beat(coordinator, stream["stream_id"])
    other_key = key_of(7)
    said = (await _beat(coordinator, stream["stream_id"], other_key)).json()
    assert said["node_id"] == node_id_of(other_key) != NODE_ID


async def test_a_forwarded_address_counts_only_behind_a_proxy_of_ours(
    coordinator: Coordinator,
) -> None:
    """Without one, anybody could claim any address by a header."""
    stream = await coordinator.registered()
    answer = await _beat(
        coordinator, stream["stream_id"], headers={"X-Forwarded-For": "203.0.114.99"}
    )
    assert "203.0.114.7" in answer.json()["stats_url"]


async def test_nodes_come_in_pages_and_by_stream(coordinator: Coordinator) -> None:
    """Each once."""
    stream = await coordinator.registered()
    for number in range(5):
        await _beat(coordinator, stream["stream_id"], key_of(number))
    await _swept(coordinator, 100, Reason.CONNECT_FAILED)
    first = (await coordinator.client.get("/nodes", params={"page_size": 3})).json()
    rest = (
        await coordinator.client.get("/nodes", params={"page_token": first["next_page_token"]})
    ).json()
    assert len({node["node_id"] for node in first["nodes"] + rest["nodes"]}) == 5
    none = (await coordinator.client.get("/nodes", params={"stream_id": "s404"})).json()
    assert none == {"nodes": [], "next_page_token": None}


async def test_an_unknown_node_is_not_found(coordinator: Coordinator) -> None:
    """As a problem."""
    answer = await coordinator.client.get("/nodes/n404")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-node")


async def test_the_dashboard_shows_streams_nodes_uptime_and_reasons(
    coordinator: Coordinator,
) -> None:
    """And a name stays text, whatever is in it."""
    stream = await coordinator.registered(name="<script>alert(1)</script>")
    await _beat(coordinator, stream["stream_id"])
    await _swept(coordinator, 100, RelayStats(Media.LIVE, 3, 7, 11, NODE_ID))
    assert "100.0 %" not in (await coordinator.client.get("/")).text  # so far it is a claim
    check = Check(NODE_ID, stream["stream_id"], 7, NOW_S, Verdict.PASS, Reason.PASSED)
    run = Run(7, NOW_S, NOW_S, (), {stream["stream_id"]: IngestState.LIVE}, (check,))
    await coordinator.measurements.record_run(run, NOW_S)
    coordinator.now_s[0] += 60
    page = await coordinator.client.get("/")
    assert page.status_code == 200
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>" not in page.text
    assert NODE_ID in page.text
    assert "100.0 %" in page.text
    assert "</span> healthy</span>" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_api_documents_itself(coordinator: Coordinator) -> None:
    """Every route of the OpenAPI is on the page."""
    page = (await coordinator.client.get("/docs")).text
    paths = (await coordinator.client.get("/openapi.json")).json()["paths"]
    assert {"/streams", "/nodes/heartbeat", "/healthz"} <= paths.keys()
    for path in paths:
        assert path in page
