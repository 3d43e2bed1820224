"""Calling a node back: real sockets, and what its operator is told within three seconds."""

import asyncio
from dataclasses import replace

import pytest

from api.services.dial_back import (
    EVERY_SECONDS,
    LIMITS,
    REMEMBERED_S,
    RTMP_SECONDS,
    DialBack,
    DialedBack,
    DialTarget,
)
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.records import Measurements
from coordinator.reasons import Reason
from coordinator.strangers.source_bounds import CALL_BACKS, Side
from tests.doubles.memory import MemoryStore
from tests.integration.hostile import (
    Script,
    saying,
    serving,
    sized,
    stats_of,
)
from tests.ports import free_port

PATIENCE_S = 30.0
PEER = "127.0.0.1"
STRANGER = "198.51.101.7"


class _Caller:
    """A coordinator that calls back, and a clock that a test moves."""

    def __init__(self, *, allow_private: bool = True) -> None:
        self.now_s = 0.0
        records = Measurements(MemoryStore())
        self.back = DialBack(Guard(allow_private=allow_private), lambda: self.now_s, records)

    async def dial(
        self, stats: int, rtmp: int, *, host: str = PEER, peer: str = PEER, node_id: str = "n2"
    ) -> DialedBack | None:
        url = f"http://{host}:{stats}/stats.json"
        return await self.back.dial(DialTarget(node_id, "s3", url, rtmp, peer))


def _answering(node_id: str) -> Script:
    return saying(sized(stats_of(node_id)))


async def _hangs(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_a_node_that_can_be_reached_has_nothing_to_fix() -> None:
    """Both ports answer, the stats by its own id."""
    async with serving(_answering("n2")) as stats, serving(_hangs) as rtmp:
        found = await _Caller().dial(stats.port, rtmp.port)
    assert found is not None
    assert (found.address, found.stats.open, found.rtmp.open) == (PEER, True, True)
    assert found.wrong is None


async def test_a_closed_port_is_named() -> None:
    """With its address and what to do."""
    closed = free_port()
    async with serving(_answering("n2")) as stats:
        found = await _Caller().dial(stats.port, closed)
        assert found is not None
        assert found.wrong is not None
        assert found.wrong.says == f"Port {closed} of {PEER} is closed: forward it."
        assert found.wrong.reason is Reason.UNREACHABLE
        found = await _Caller().dial(closed, stats.port)
        assert found is not None
        assert found.wrong is not None
        assert found.wrong.says == f"Port {closed} of {PEER} is closed: forward it."
        assert found.wrong.reason is Reason.CONNECT_FAILED


def test_what_hangs_is_left_in_less_than_three_seconds() -> None:
    """Both ports, one after the other."""
    assert LIMITS.total_seconds + RTMP_SECONDS < 3


async def test_an_answer_comes_whatever_hangs() -> None:
    async with serving(_hangs) as stats, serving(_hangs) as rtmp, asyncio.timeout(PATIENCE_S):
        found = await _Caller().dial(stats.port, rtmp.port)
    assert found is not None
    assert (found.stats.open, found.stats.reason) == (False, Reason.STATS_TIMEOUT)
    assert found.rtmp.open


@pytest.mark.parametrize("whose", ["n5", None])
async def test_nothing_is_told_of_somebody_elses_ports(whose: str | None) -> None:
    """Open, closed, or another node's: one and the same answer, and RTMP is not touched."""
    asked = False

    async def notice(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked = True

    stranger = "198.51.101.7"
    async with serving(_answering(whose or "")) as stats, serving(notice) as rtmp:
        port = stats.port if whose else free_port()
        found = await _Caller().dial(port, rtmp.port, peer=stranger)
    assert found is not None
    assert not found.stats.open
    assert found.stats.reason is Reason.WRONG_NODE
    assert "does not answer as this node" in found.stats.says
    assert (found.rtmp.open, asked) == (False, False)


async def test_an_address_that_answers_as_the_caller_is_the_callers() -> None:
    """A node may call from another address than it serves at."""
    async with serving(_answering("n2")) as stats, serving(_hangs) as rtmp:
        found = await _Caller().dial(stats.port, rtmp.port, peer="198.51.101.7")
    assert found is not None
    assert (found.stats.open, found.rtmp.open) == (True, True)


async def test_a_node_is_called_back_at_its_ipv6_address_too() -> None:
    """Whose IPv4 address is behind a carrier's NAT, and which therefore calls from another."""
    async with serving(_answering("n2"), "::1") as stats, serving(_hangs, "::1") as rtmp:
        found = await _Caller().dial(stats.port, rtmp.port, host="[::1]", peer="198.51.101.7")
    assert found is not None
    assert (found.address, found.stats.open, found.rtmp.open) == ("::1", True, True)


@pytest.mark.parametrize(
    ("host", "stats", "rtmp"),
    [("10.0.0.7", 8080, 1935), ("127.0.0.1", 8080, 1935), ("198.51.101.7", 25, 1935)],
)
async def test_what_may_not_be_visited_is_not(host: str, stats: int, rtmp: int) -> None:
    """Private addresses, and ports of other services."""
    found = await _Caller(allow_private=False).dial(stats, rtmp, host=host, peer=host)
    assert found is not None
    assert (found.stats.open, found.rtmp.open) == (False, False)
    assert found.stats.reason in (Reason.ADDRESS_BLOCKED, Reason.PORT_BLOCKED)


@pytest.mark.parametrize("port", [22, 25, 3306, 6379])
async def test_another_service_s_port_is_not_tried_for_rtmp(port: int) -> None:
    """And it is the RTMP port that is told, with what to set."""
    async with serving(_answering("n2")) as stats:
        found = await _Caller().dial(stats.port, port)
    assert found is not None
    assert (found.stats.open, found.rtmp.open) == (True, False)
    assert found.rtmp.reason is Reason.PORT_BLOCKED
    assert "RTMP_PORT" in found.rtmp.says


async def test_a_node_is_called_back_seldom() -> None:
    """However often it asks."""
    caller = _Caller()
    closed = free_port()
    assert await caller.dial(closed, closed) is not None
    assert await caller.dial(closed, closed) is None
    caller.now_s += EVERY_SECONDS
    assert await caller.dial(closed, closed) is not None


async def test_a_refused_call_spends_nothing() -> None:
    """Not of the address, where it was the node that asked again too soon."""
    caller = _Caller()
    closed = free_port()
    most = CALL_BACKS[Side.ADDRESS].burst
    assert await caller.dial(closed, closed, peer=STRANGER, node_id="n1") is not None
    for _ in range(most):
        assert await caller.dial(closed, closed, peer=STRANGER, node_id="n1") is None
    for number in range(2, most + 1):
        assert await caller.dial(closed, closed, peer=STRANGER, node_id=f"n{number}") is not None
    assert await caller.dial(closed, closed, peer=STRANGER, node_id="n0") is None


async def test_what_was_found_last_is_told_where_no_call_is_made() -> None:
    """Of just that target."""
    caller = _Caller()
    closed = free_port()
    target = DialTarget("n2", "s3", f"http://{PEER}:{closed}/stats.json", closed, PEER)
    assert caller.back.last(target) is None
    found = await caller.back.dial(target)
    assert found is not None
    assert await caller.back.dial(target) is None
    assert caller.back.last(target) == found
    assert caller.back.last(replace(target, rtmp_port=1935)) is None
    caller.now_s += REMEMBERED_S
    assert caller.back.last(target) is None


async def test_600_addresses_of_a_household_have_a_few_calls_made() -> None:
    """A /64 of IPv6 holds more addresses than could ever be counted."""
    caller, asked = _Caller(), 0

    async def count(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1

    async with serving(count) as victim:
        found = [
            await caller.dial(
                victim.port, victim.port, peer=f"2a01:4f8:13:17::{n:x}", node_id=f"n{n}"
            )
            for n in range(600)
        ]
    made = sum(one is not None for one in found)
    assert (made, asked) == (CALL_BACKS[Side.ADDRESS].burst, made)
