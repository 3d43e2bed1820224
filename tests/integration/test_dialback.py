"""Calling a node back: real sockets, and what its operator is told within three seconds."""

import asyncio
import time

import pytest

from api.dialback import EVERY_SECONDS, LIMITS, Announced, DialBack, DialedBack, Limiter
from coordinator.adapters.outbound import Outbound
from coordinator.reasons import Reason
from tests.integration.test_collector import _hangs, _says, _serving, _stats

PEER = "127.0.0.1"


class _Caller:
    """A coordinator that calls back, and a clock that a test moves."""

    def __init__(self, *, allow_private: bool = True) -> None:
        self.now_s = 0.0
        outbound = Outbound(allow_private=allow_private, limits=LIMITS)
        self.back = DialBack(outbound, lambda: self.now_s)

    async def dial(
        self, stats: int, rtmp: int, *, host: str = PEER, peer: str = PEER
    ) -> DialedBack | None:
        url = f"http://{host}:{stats}/stats.json"
        return await self.back.dial(Announced("n2", "s3", url, rtmp, peer))


async def _closed_port() -> int:
    async with _serving(_hangs) as port:
        return port


async def test_a_node_that_can_be_reached_has_nothing_to_fix() -> None:
    """Both ports answer, the stats by its own id."""
    async with _serving(_says(_stats("n2"))) as stats, _serving(_hangs) as rtmp:
        found = await _Caller().dial(stats, rtmp)
    assert found is not None
    assert (found.address, found.stats.open, found.rtmp.open) == (PEER, True, True)
    assert found.wrong is None


async def test_a_closed_port_is_named() -> None:
    """With its address and what to do."""
    closed = await _closed_port()
    async with _serving(_says(_stats("n2"))) as stats:
        found = await _Caller().dial(stats, closed)
        assert found is not None
        assert found.wrong is not None
        assert found.wrong.says == f"Port {closed} of {PEER} is closed: forward it."
        assert found.wrong.reason is Reason.UNREACHABLE
        found = await _Caller().dial(closed, stats)
        assert found is not None
        assert found.wrong is not None
        assert found.wrong.says == f"Port {closed} of {PEER} is closed: forward it."
        assert found.wrong.reason is Reason.CONNECT_FAILED


async def test_an_answer_comes_within_three_seconds() -> None:
    """Whatever hangs."""
    async with _serving(_hangs) as stats, _serving(_hangs) as rtmp:
        started = time.monotonic()
        async with asyncio.timeout(3):
            found = await _Caller().dial(stats, rtmp)
    assert time.monotonic() > started
    assert found is not None
    assert (found.stats.open, found.stats.reason) == (False, Reason.STATS_TIMEOUT)
    assert found.rtmp.open


@pytest.mark.parametrize("stats_of", ["n5", None])
async def test_nothing_is_told_of_somebody_elses_ports(stats_of: str | None) -> None:
    """Open, closed, or another node's: one and the same answer, and RTMP is not touched."""
    asked = False

    async def notice(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked = True

    stranger = "198.51.101.7"
    async with _serving(_says(_stats(stats_of or ""))) as stats, _serving(notice) as rtmp:
        port = stats if stats_of else await _closed_port()
        found = await _Caller().dial(port, rtmp, peer=stranger)
    assert found is not None
    assert not found.stats.open
    assert found.stats.reason is Reason.WRONG_NODE
    assert "does not answer as this node" in found.stats.says
    assert (found.rtmp.open, asked) == (False, False)


async def test_an_address_that_answers_as_the_caller_is_the_callers() -> None:
    """A node may call from another address than it serves at."""
    async with _serving(_says(_stats("n2"))) as stats, _serving(_hangs) as rtmp:
        found = await _Caller().dial(stats, rtmp, peer="198.51.101.7")
    assert found is not None
    assert (found.stats.open, found.rtmp.open) == (True, True)


@pytest.mark.parametrize(
    ("host", "stats", "rtmp"),
    [("10.0.0.7", 8080, 1935), ("127.0.0.1", 8080, 1935), ("198.51.101.7", 8080, 25)],
)
async def test_what_may_not_be_visited_is_not(host: str, stats: int, rtmp: int) -> None:
    """Private addresses, and ports of other services."""
    found = await _Caller(allow_private=False).dial(stats, rtmp, host=host, peer=host)
    assert found is not None
    assert (found.stats.open, found.rtmp.open) == (False, False)
    assert found.stats.reason in (Reason.ADDRESS_BLOCKED, Reason.PORT_BLOCKED)


async def test_a_node_is_called_back_seldom() -> None:
    """However often it asks."""
    caller = _Caller()
    closed = await _closed_port()
    assert await caller.dial(closed, closed) is not None
    assert await caller.dial(closed, closed) is None
    caller.now_s += EVERY_SECONDS
    assert await caller.dial(closed, closed) is not None


def test_a_limiter_remembers_a_bounded_number_of_names() -> None:
    """Who makes new names gains nothing but to have old ones forgotten."""
    limiter = Limiter(lambda: 0.0, 10.0, names_max=3)
    assert [limiter.may(name) for name in ("a", "b", "a", "c")] == [True, True, False, True]
    assert limiter.may("d")
    assert limiter.may("a")  # forgotten by now
    assert not limiter.may("d")
