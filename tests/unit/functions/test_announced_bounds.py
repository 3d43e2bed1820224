"""Who announces too much waits; whoever finds no room is told, and comes in by itself."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.services.roster_news import TAKEN_IN_SECONDS_MAX
from collector.sweeper import announced
from coordinator.epochs import Calendar
from coordinator.strangers.source_bounds import ELSEWHERE, NEW_KEYS, SLOTS, WRITES, Side
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.roster_room import NETWORK_SLOTS_MAX, SLOTS_MAX
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.signing import key_of
from tests.unit.functions.conftest import ADDRESS, NODE_ID, NODE_KEY, NOW_S, Coordinator


async def _beat(
    coordinator: Coordinator, stream_id: str, key: str = NODE_KEY, **more: Any
) -> httpx.Response:
    """Ten seconds after the last one."""
    coordinator.now_s[0] += 10
    place = {"stats_port": 8080, "rtmp_port": 1935, "address": ADDRESS}
    return await coordinator.client.post(
        "/nodes/heartbeat",
        json={"stream_id": stream_id, **place, **more},
        auth=coordinator.signed(key),
    )


async def _known(coordinator: Coordinator) -> Node:
    node = await coordinator.measurements.node(NODE_ID)
    assert node is not None
    return node


async def test_a_node_that_restarts_in_a_loop_waits(coordinator: Coordinator) -> None:
    """Each time costs a slot. It is told so, and its goodbyes are heard all the same."""
    stream_id = (await coordinator.registered())["stream_id"]
    for _ in range(SLOTS[Side.NODE].burst):
        assert (await _beat(coordinator, stream_id)).status_code == 200
        assert (await _beat(coordinator, stream_id, state="leaving")).status_code == 200
    refused = await _beat(coordinator, stream_id)
    assert refused.status_code == 429
    assert f"starts and changes of stream by this node ({NODE_ID})" in refused.json()["detail"]
    assert (await _known(coordinator)).state == "leaving"
    coordinator.now_s[0] += int(refused.headers["Retry-After"])
    assert (await _beat(coordinator, stream_id)).status_code == 200


async def test_a_node_that_changes_its_stream_all_the_time_waits(coordinator: Coordinator) -> None:
    """Sixteen of them filled a roster. It stays where it was taken in last."""
    streams = [(await coordinator.registered())["stream_id"] for _ in range(2)]
    for n in range(SLOTS[Side.NODE].burst):
        assert (await _beat(coordinator, streams[n % 2])).status_code == 200
    stays, other = (await _known(coordinator)).stream_id, streams[n % 2 - 1]
    assert stays != other
    assert [(await _beat(coordinator, other)).status_code for _ in range(3)] == [429] * 3
    assert (await _beat(coordinator, stays)).status_code == 200
    assert (await _known(coordinator)).stream_id == stays


async def test_a_node_that_says_something_new_all_the_time_waits(coordinator: Coordinator) -> None:
    """Each time is a write."""
    stream_id = (await coordinator.registered())["stream_id"]
    taken = 0
    while (answer := await _beat(coordinator, stream_id, rtmp_port=2000 + taken)).is_success:
        taken += 1
    assert WRITES[Side.NODE].burst < taken <= WRITES[Side.NODE].burst + 7
    assert answer.status_code == 429
    assert "Too many changes by this node" in answer.json()["detail"]
    assert (await _known(coordinator)).rtmp_port == 2000 + taken - 1


async def test_whoever_serves_elsewhere_than_it_calls_from_is_one_of_a_few(
    coordinator: Coordinator,
) -> None:
    """Whether it comes so or moves there: whose address that is nobody knows yet."""
    stream_id = (await coordinator.registered())["stream_id"]
    keys = [key_of(number) for number in range(1, 9)]
    most, taken = ELSEWHERE[Side.ADDRESS].burst, 0
    while taken < 40:
        elsewhere = {"stats_url": f"http://h{taken}.example.org:8080/s", "stats_port": None}
        answer = await _beat(coordinator, stream_id, keys[taken % 8], **elsewhere)
        if answer.status_code == 429:
            break
        taken += 1
    assert most <= taken <= most + 4
    assert (
        f"at another address: the next may come in {answer.headers['Retry-After']} s"
        in (answer.json()["detail"])
    )
    assert (await _beat(coordinator, stream_id, keys[0])).is_success


async def test_a_network_of_many_addresses_brings_few_new_nodes(coordinator: Coordinator) -> None:
    """Each household of a /48 would bring sixteen."""
    stream_id = (await coordinator.registered())["stream_id"]
    bounds, most = [], NEW_KEYS[Side.NETWORK].burst
    for number in range(1, most + 3):
        address = f"2a01:4f8:13:{number:x}::1"
        transport = httpx.ASGITransport(
            app=coordinator.client._transport.app,  # type: ignore[attr-defined]  # the same one
            client=(address, 40_000),
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
            beat = {"stats_port": 8080, "rtmp_port": 1935, "address": address}
            key = coordinator.signed(key_of(number))
            body = {"stream_id": stream_id, **beat}
            bounds.append(await client.post("/nodes/heartbeat", json=body, auth=key))
    assert [answer.status_code for answer in bounds] == [200] * most + [429] * 2
    assert "your network (2a01:4f8:13::/48)" in bounds[-1].json()["detail"]


async def test_a_node_that_was_turned_away_comes_in_by_itself(coordinator: Coordinator) -> None:
    """It restarted while the roster was full, and its old slot was all that anybody saw."""
    stream_id = (await coordinator.registered())["stream_id"]
    await _beat(coordinator, stream_id)
    known = announced(await coordinator.measurements.changed_nodes(0.0), Calendar())
    roster = Roster(WHOLE, 1, 0.0).taking_in(known, 100)
    await coordinator.measurements.put_roster(roster.without([0], 104))
    await _beat(coordinator, stream_id, state="leaving")
    await _beat(coordinator, stream_id)  # which no sweep takes in
    returned_s = (await _known(coordinator)).changed_s
    assert returned_s > roster.slots[0].changed_s
    await _beat(coordinator, stream_id)
    assert (await _known(coordinator)).changed_s == returned_s
    coordinator.now_s[0] += TAKEN_IN_SECONDS_MAX
    await _beat(coordinator, stream_id)
    assert (await _known(coordinator)).changed_s > returned_s + TAKEN_IN_SECONDS_MAX


@pytest.mark.parametrize(
    ("address", "polled", "reason"),
    [
        ("51.{}.{}.9", SLOTS_MAX, "roster_full"),
        ("51.{}.{}.9", SLOTS_MAX - 1, "not_yet_swept"),
        ("203.0.114.9", NETWORK_SLOTS_MAX, "network_full"),
        ("203.0.114.9", NETWORK_SLOTS_MAX - 1, "not_yet_swept"),
    ],
)
async def test_whoever_finds_no_room_is_told_so(
    coordinator: Coordinator, address: str, polled: int, reason: str
) -> None:
    """With what to do; slots that were left count towards nothing."""
    stream_id = (await coordinator.registered())["stream_id"]
    slots = [
        Slot(f"n{n}", "s3", "http://a/", address.format(n // 250, n % 250), 1935, 5, 1.0)
        for n in range(SLOTS_MAX)
    ]
    gone = [replace(slot, left_tick=7, left_reason="left") for slot in slots[polled:]]
    roster = Roster(WHOLE, 1, 0.0, (*slots[:polled], *gone))
    await coordinator.measurements.put_roster(roster)
    await coordinator.measurements.create_sweep(Sweep(WHOLE, 100, 1, {}), NOW_S)
    told = (await _beat(coordinator, stream_id)).json()
    assert (told["status"], told["reason"]) == ("pending", reason)
    assert ("comes in by itself" in told["fix"]) is (reason != "not_yet_swept")
