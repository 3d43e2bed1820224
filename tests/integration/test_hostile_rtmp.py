"""Whatever an RTMP server does to a check: it ends, fails, and leaves nothing behind."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio

from coordinator.adapters.media.media_process import ProcessLimits, ToolEnd, waited_s
from coordinator.adapters.media.rtmp_probe import HONEST_CPU_S, RtmpProbe, late_s
from coordinator.proof.captures import Capture
from coordinator.proof.judging import Proof, ProofParameters, Verdict, judge
from coordinator.reasons import Reason
from rtmp.addresses import RtmpAddress
from tests.e2e.media import children_of_this_process
from tests.integration.hostile_servers import KINDS, Kind, fuzzed, serving
from tests.packet_streams import live
from tests.ports import free_port

SECONDS = 1.0
SEEDS = range(10)
AT_ONCE = 8
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


@asynccontextmanager
async def baited() -> AsyncIterator[Bait]:
    """Open for the length of the block."""
    bait = Bait()
    server = await asyncio.start_server(bait.visit, "127.0.0.1", 0)
    bait.port = server.sockets[0].getsockname()[1]
    try:
        yield bait
    finally:
        server.close()
        await server.wait_closed()


def address(port: int) -> RtmpAddress:
    """A stream on loopback."""
    return RtmpAddress("127.0.0.1", port, "live", "show")


def proof_of(capture: Capture) -> Proof:
    """Held against a sound reference; the machine of these tests may be busy with the others."""
    reference = live(60, fps=60, gop_s=0.2, start_s=capture.started_s - 41)
    return judge(reference, replace(capture, late_s=0.0), ProofParameters(setup_s=0.2))


FAILURES = (
    Reason.NO_STREAM,
    Reason.WRONG_CONTENT,
    Reason.ALTERED,
    Reason.STALLED,
    Reason.TOO_SLOW,
)


@dataclass(slots=True)
class Attacks:
    """What came of all of them, by the name of the kind or by the seed of the changed bytes."""

    captures: dict[str | int, Capture] = field(default_factory=dict)
    lured: list[object] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    """Files, and processes."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacks() -> Attacks:
    """One capture of each, some at once: nearly all of their time is waiting."""
    found, places = Attacks(), asyncio.Semaphore(AT_ONCE)
    before = {*os.listdir("/"), *children_of_this_process()}
    wanted: dict[str | int, tuple[Kind, int]] = {name: (kind, 0) for name, kind in KINDS.items()}
    wanted |= {seed: (fuzzed, seed) for seed in SEEDS}

    async def attack(name: str | int, misbehave: Kind, seed: int, bait: Bait) -> None:
        async with places, serving(misbehave, bait.port, seed) as port, asyncio.timeout(HANG_S):
            capture = await RtmpProbe(now=time.time).capture(address(port), SECONDS)
        found.captures[name] = capture

    async with baited() as bait, asyncio.TaskGroup() as group:
        for name, (misbehave, seed) in wanted.items():
            group.create_task(attack(name, misbehave, seed, bait))
    found.lured = bait.visits
    found.left = {*os.listdir("/"), *children_of_this_process()} - before
    return found


@pytest.mark.parametrize("name", KINDS)
def test_a_hostile_server_fails(name: str, attacks: Attacks) -> None:
    """No hang, no pass, and no excuse."""
    proof = proof_of(attacks.captures[name])
    assert proof.verdict is Verdict.FAIL, proof
    assert proof.reason in FAILURES


@pytest.mark.parametrize("seed", SEEDS)
def test_a_session_with_changed_bytes_fails(seed: int, attacks: Attacks) -> None:
    """Bytes changed at random, the same ones for a seed."""
    assert proof_of(attacks.captures[seed]).verdict is Verdict.FAIL


def test_no_hostile_server_leaves_anything_behind(attacks: Attacks) -> None:
    """No process, no file, no connection elsewhere."""
    assert attacks.left == set()
    assert attacks.lured == []


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


async def test_a_cancelled_capture_leaves_no_process() -> None:
    """A run that is stopped takes its captures with it."""
    children = children_of_this_process()
    connected = asyncio.Event()

    async def hold(peer: object) -> None:
        connected.set()
        await asyncio.sleep(HANG_S)

    async with serving(hold, free_port()) as port, asyncio.timeout(HANG_S):
        probe = RtmpProbe(now=time.time)
        running = asyncio.create_task(probe.capture(address(port), HANG_S))
        await connected.wait()
        assert children_of_this_process() != children
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert children_of_this_process() == children


def test_a_tool_that_was_kept_waiting_is_our_own_fault() -> None:
    """By the kernel's own count, unless what it read kept it busy."""
    assert late_s(ToolEnd(cpu_s=0.1, waited_s=2.5)) == 2.5
    assert late_s(ToolEnd(cpu_s=HONEST_CPU_S + 0.01, waited_s=2.5)) == 0.0
    assert waited_s(os.getpid()) >= 0.0
    assert waited_s(2**30) == 0.0


async def test_a_tool_that_cannot_start_is_our_own_fault() -> None:
    """Too little memory for the tool itself: the node is not to blame."""
    poor = ProcessLimits(memory_bytes=20_000_000)
    capture = await RtmpProbe(now=time.time, limits=poor).capture(address(free_port()), SECONDS)
    assert proof_of(capture).reason is Reason.UNKNOWN_INTERNAL
