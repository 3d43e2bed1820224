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

from coordinator.adapters.media.rtmp_probe import RtmpProbe
from coordinator.adapters.media.rtmp_reference import Reference, ReferencePool
from coordinator.proof.judging import Verdict, judge
from tests.e2e.media import Child, Media, at, children_of_this_process, descendants, media

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
    packets = reference.packets(0, time.time())
    assert reference.is_live(time.time())
    assert packets == sorted(packets, key=lambda p: p.arrived_s)
    keys = [p.dts_ms for p in packets if p.is_video and p.is_key]
    assert {b - a for a, b in pairwise(keys)} == {2000}
    since_s = packets[7].arrived_s  # picture and sound may come in the same millisecond
    assert reference.packets(since_s, packets[-1].arrived_s) == [
        p for p in packets if p.arrived_s >= since_s
    ]
    await reference.close()
    await reference.close()
    assert "ffprobe" not in children_of_this_process()


async def test_sound_without_picture_can_be_a_reference(stage: Media) -> None:
    """The tool waits for a picture first; what it held back is dated to when it was live.

    A check of such a stream passes as any other.
    """
    _, port = stage.server(f"ingest-{len(stage.children)}")
    stage.publish(at(port, "radio"), picture=False)
    reference = Reference(at(port, "radio"), now=time.time)
    reference.start()
    await stage.until(lambda: heard(reference) > 0, "the first sound")
    packets = reference.packets(0, time.time())
    assert not any(p.is_video for p in packets)
    span_s = packets[-1].arrived_s - packets[0].arrived_s
    # Dated as it was read, all that was held back would have come at once.
    assert abs(span_s - (packets[-1].dts_ms - packets[0].dts_ms) / 1000) < 0.5
    capture = await RtmpProbe(now=time.time).capture(at(port, "radio"), 3)
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
    """A tool of ours that hangs and dies says nothing about the stream, which goes on."""
    _, port = begin(stage)
    reference = Reference(at(port, "show"), now=time.time)
    reference.start()
    await stage.until(lambda: heard(reference) > 0, "the first packet")
    (tool,) = (pid for pid, name in descendants().items() if name == "ffprobe")
    os.kill(tool, signal.SIGSTOP)
    await stage.until(lambda: not reference.is_live(time.time()), "the silence to be noticed")
    os.kill(tool, signal.SIGKILL)
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
    """The tool cannot be started just then; it is tried again, and nobody restarts the prober."""
    _, port = begin(stage)
    reference = Reference(at(port, "show"), now=time.time)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, hard))
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
    """Two runs, one process; a release by both ends it, and a new run begins anew."""
    _, port = begin(stage)
    pool = ReferencePool(now=time.time, idle_s=0)
    address = at(port, "show")
    one, two = pool.acquire(address), pool.acquire(address)
    assert one is two
    await stage.until(lambda: heard(one) > 0, "the first packet")
    pool.release(address)
    count = heard(one)
    await stage.until(lambda: heard(one) > count, "more packets, as one run goes on")
    pool.release(address)
    await stage.until(lambda: "ffprobe" not in children_of_this_process(), "the process to end")
    assert pool.acquire(address) is not one
    await pool.close()
    assert "ffprobe" not in children_of_this_process()


async def test_a_pool_that_closes_waits_for_connections_that_are_closing(stage: Media) -> None:
    """Their idle time was over just before."""
    _, port = begin(stage)
    pool = ReferencePool(now=time.time, idle_s=0)
    reference = pool.acquire(at(port, "show"))
    await stage.until(lambda: heard(reference) > 0, "the first packet")
    pool.release(at(port, "show"))
    for _ in range(3):
        await asyncio.sleep(0)  # the idle time is over, and no process ends as fast
    await pool.close()
    assert "ffprobe" not in children_of_this_process()
