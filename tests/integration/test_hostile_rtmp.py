"""Whatever an RTMP server does to a check: it ends, fails, and leaves nothing behind."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from coordinator.adapters.media.media_process import ProcessLimits
from coordinator.adapters.media.rtmp_probe import RtmpProbe
from coordinator.proof.captures import Capture
from coordinator.proof.judging import Proof, ProofParameters, Verdict, judge
from coordinator.reasons import Reason
from rtmp.addresses import RtmpAddress
from tests.e2e.media import children_of_this_process
from tests.integration.hostile_servers import KINDS, Kind, fuzzed, serving
from tests.packet_streams import live
from tests.ports import free_port

SECONDS = 1.0
HANG_S = 20.0
"""Far beyond any capture: a capture that takes so long would never have ended."""


@dataclass(slots=True)
class Bait:
    """A server that nobody has a reason to call."""

    port: int = 0
    visits: list[object] = field(default_factory=list)

    def visit(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody was lured here."""
        self.visits.append(writer.get_extra_info("peername"))
        writer.close()


@pytest_asyncio.fixture
async def bait() -> AsyncIterator[Bait]:
    """Open during one test."""
    bait = Bait()
    server = await asyncio.start_server(bait.visit, "127.0.0.1", 0)
    bait.port = server.sockets[0].getsockname()[1]
    yield bait
    server.close()
    await server.wait_closed()


def address(port: int) -> RtmpAddress:
    """A stream on loopback."""
    return RtmpAddress("127.0.0.1", port, "live", "show")


def proof_of(capture: Capture) -> Proof:
    """Held against a sound reference."""
    reference = live(60, fps=60, gop_s=0.2, start_s=capture.started_s - 41)
    return judge(reference, capture, ProofParameters(setup_s=0.2))


FAILURES = (
    Reason.NO_STREAM,
    Reason.WRONG_CONTENT,
    Reason.ALTERED,
    Reason.STALLED,
    Reason.TOO_SLOW,
)


async def attack(misbehave: Kind, bait: Bait, seed: int = 0) -> Capture:
    """One capture from a hostile server, with everything that must hold for any of them."""
    before, children = set(os.listdir("/")), children_of_this_process()
    async with serving(misbehave, bait.port, seed) as port, asyncio.timeout(HANG_S):
        capture = await RtmpProbe(now=time.time).capture(address(port), SECONDS)
    assert children_of_this_process() == children
    assert set(os.listdir("/")) == before
    assert bait.visits == []
    return capture


@pytest.mark.parametrize("misbehave", KINDS.values(), ids=KINDS.keys())
async def test_a_hostile_server_fails_and_leaves_nothing_behind(
    misbehave: Kind, bait: Bait
) -> None:
    """No hang, no process, no file, no connection elsewhere, no pass, and no excuse."""
    proof = proof_of(await attack(misbehave, bait))
    assert proof.verdict is Verdict.FAIL, proof
    assert proof.reason in FAILURES


@pytest.mark.parametrize("seed", range(10))
async def test_a_session_with_changed_bytes_fails(seed: int, bait: Bait) -> None:
    """Bytes changed at random, the same ones for a seed."""
    assert proof_of(await attack(fuzzed, bait, seed)).verdict is Verdict.FAIL


def test_there_are_enough_kinds() -> None:
    """So many ways to misbehave are tried at least."""
    assert len(KINDS) >= 30


async def test_a_closed_port_is_unreachable() -> None:
    """Told by the tool's own log, which no server writes."""
    capture = await RtmpProbe(now=time.time).capture(address(free_port()), SECONDS)
    assert proof_of(capture).reason is Reason.UNREACHABLE


async def test_a_host_name_is_refused() -> None:
    """Names are resolved and checked before; the tool must never resolve one by itself."""
    with pytest.raises(ValueError, match="resolve"):
        await RtmpProbe(now=time.time).capture(RtmpAddress("localhost", 1, "live", "show"), 1)


async def test_a_cancelled_capture_leaves_no_process(bait: Bait) -> None:
    """A run that is stopped takes its captures with it."""
    children = children_of_this_process()
    connected = asyncio.Event()

    async def hold(peer: object) -> None:
        connected.set()
        await asyncio.sleep(HANG_S)

    async with serving(hold, bait.port) as port, asyncio.timeout(HANG_S):
        probe = RtmpProbe(now=time.time)
        running = asyncio.create_task(probe.capture(address(port), HANG_S))
        await connected.wait()
        assert children_of_this_process() != children
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert children_of_this_process() == children


async def test_a_tool_that_cannot_start_is_our_own_fault() -> None:
    """Too little memory for the tool itself: the node is not to blame."""
    poor = ProcessLimits(memory_bytes=20_000_000)
    capture = await RtmpProbe(now=time.time, limits=poor).capture(address(free_port()), SECONDS)
    assert proof_of(capture).reason is Reason.UNKNOWN_INTERNAL
