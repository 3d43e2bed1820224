"""The reference on a real ingest: one connection per stream, its gaps remembered."""

import asyncio
import os
import resource
import signal
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio

from coordinator.adapters.media.rtmp_reader import RtmpReader
from coordinator.adapters.media.rtmp_reference import Reference, ReferencePool
from coordinator.proof.captures import CapturePlan
from coordinator.proof.judging import Verdict, judge
from coordinator.proof.packets import Part
from tests.e2e.media import Child, Media, at, media

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Media]:
    """A folder and its processes."""
    async with media() as one:
        yield one


def heard(reference: Reference) -> int:
    """How many packets are remembered."""
    return len(reference.packets(0, time.time()))


def begin(stage: Media) -> tuple[Child, int]:
    """An ingest with a publisher."""
    server, port = stage.server(f"ingest-{len(stage.children)}")
    stage.publish(at(port, "show"))
    return server, port


async def test_it_tells_keyframes_and_keeps_order_in_real_time(stage: Media) -> None:
    """Every thirtieth picture begins anew; packets are there as they come."""
    _, port = begin(stage)
    reference = Reference(at(port, "show"), now=time.time)
    assert not reference.is_live(time.time())
    reference.start()
    reference.start()
    await stage.until(lambda: heard(reference) > 400, "6 s of media")
    packets = [p for p in reference.packets(0, time.time()) if p.part is Part.FRAMES]
    assert reference.is_live(time.time())
    assert packets == sorted(packets, key=lambda p: p.arrived_s)
    keys = [p.dts_ms for p in packets if p.is_video and p.is_key]
    assert {b - a for a, b in pairwise(keys)} == {2000}
    since_s = packets[7].arrived_s  # picture and sound may come in the same millisecond
    later = reference.packets(since_s, packets[-1].arrived_s)
    assert [p for p in later if p.part is Part.FRAMES] == [
        p for p in packets if p.arrived_s >= since_s
    ]
    await reference.close()
    await reference.close()
    count = heard(reference)
    await asyncio.sleep(0.3)
    assert heard(reference) == count


async def test_sound_without_picture_can_be_a_reference(stage: Media) -> None:
    """Nobody waits for a picture. A check of such a stream passes as any other."""
    _, port = stage.server(f"ingest-{len(stage.children)}")
    stage.publish(at(port, "radio"), picture=False)
    reference = Reference(at(port, "radio"), now=time.time)
    reference.start()
    await stage.until(lambda: heard(reference) > 0, "the first sound")
    assert not any(p.is_video for p in reference.packets(0, time.time()))
    capture = await RtmpReader(now=time.time).capture(at(port, "radio"), CapturePlan(3))
    await stage.until(lambda: time.time() > capture.ended_s + 1, "the reference to be complete")
    await reference.close()
    proof = judge(reference.packets(0, time.time()), capture)
    assert proof.verdict is Verdict.PASS, proof


async def test_a_lost_connection_is_opened_again_and_the_gap_remembered(stage: Media) -> None:
    """The ingest dies and comes back on its port."""
    server, port = begin(stage)
    reference = Reference(at(port, "show"), now=time.time)
    reference.start()
    await stage.until(lambda: heard(reference) > 0, "the first packet")
    server.stop()
    await stage.until(lambda: not reference.is_live(time.time()), "the silence to be noticed")
    stage.server(f"ingest-{len(stage.children)}", port=port)
    stage.publish(at(port, "show"), seed=3)
    await stage.until(lambda: reference.is_live(time.time()), "the stream to be back")
    packets = reference.packets(0, time.time())
    assert packets[0].connection < packets[-1].connection
    await reference.close()


async def test_only_an_ingest_that_had_nothing_to_serve_is_silent(stage: Media) -> None:
    """One that hangs says nothing about the stream, which goes on."""
    server, port = begin(stage)
    reference = Reference(at(port, "show"), now=time.time)
    reference.start()
    await stage.until(lambda: heard(reference) > 0, "the first packet")
    os.killpg(server.process.pid, signal.SIGSTOP)
    await stage.until(lambda: not reference.is_live(time.time()), "the silence to be noticed")
    os.killpg(server.process.pid, signal.SIGCONT)
    called_silent: list[bool] = []

    def is_back() -> bool:
        called_silent.append(reference.is_silent(time.time()))
        return reference.is_live(time.time())

    await stage.until(is_back, "the stream to be read again")
    assert not any(called_silent)
    await reference.close()
    nobody = Reference(at(port, "nobody"), now=time.time)
    nobody.start()
    await stage.until(lambda: nobody.is_silent(time.time()), "an answer without a stream")
    await nobody.close()


async def test_a_machine_without_a_free_file_costs_the_reference_nothing_but_time(
    stage: Media,
) -> None:
    """No socket is free just then; it is tried again, and nobody restarts the prober."""
    _, port = begin(stage)
    reference = Reference(at(port, "show"), now=time.time)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open("/dev/null", os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        reference.start()
        since_s = time.time()
        await stage.until(lambda: time.time() > since_s + 0.5, "two attempts")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not reference.is_silent(time.time())
    await stage.until(lambda: reference.is_live(time.time()), "the stream")
    await reference.close()


async def test_a_pool_shares_one_connection_and_closes_it_when_idle(stage: Media) -> None:
    """Two runs, one connection; a release by both ends it, and a new run begins anew."""
    _, port = begin(stage)
    pool = ReferencePool(now=time.time, idle_s=0)
    address = at(port, "show")
    one, two = pool.acquire(address), pool.acquire(address)
    assert one is two
    await stage.until(lambda: heard(one) > 0, "the first packet")
    assert pool.is_hearing()
    pool.release(address)
    count = heard(one)
    await stage.until(lambda: heard(one) > count, "more packets, as one run goes on")
    pool.release(address)
    await stage.until(lambda: not one.is_live(time.time()), "the connection to end")
    assert not pool.is_hearing()
    assert pool.acquire(address) is not one
    await pool.close()


async def test_a_pool_that_closes_waits_for_connections_that_are_closing(stage: Media) -> None:
    """Their idle time was over just before."""
    _, port = begin(stage)
    pool = ReferencePool(now=time.time, idle_s=0)
    reference = pool.acquire(at(port, "show"))
    await stage.until(lambda: heard(reference) > 0, "the first packet")
    pool.release(at(port, "show"))
    for _ in range(3):
        await asyncio.sleep(0)  # the idle time is over, and no task ends as fast
    await pool.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("reference")]
