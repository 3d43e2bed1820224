"""The proof on real media: nginx-rtmp and ffmpeg relays pass; recordings, other content, another
encoding and dead ends fail, each for its own reason."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from coordinator.adapters.media.media_process import ProcessLimits
from coordinator.adapters.media.rtmp_probe import PROBE_LIMITS, START_SECONDS_MAX, RtmpProbe
from coordinator.adapters.media.rtmp_reader import RtmpReader
from coordinator.adapters.media.rtmp_reference import Reference, ReferencePool
from coordinator.proof.captures import CapturePlan
from coordinator.proof.judging import (
    Capture,
    Proof,
    ProofParameters,
    Verdict,
    capture_seconds,
    judge,
)
from coordinator.reasons import Reason
from rtmp.addresses import RtmpAddress
from tests.e2e.media import PATIENCE_S, Child, Media, at, descendants, media
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
WARM_S = ProofParameters().window_s + 1


@dataclass(slots=True)
class Stage:
    """An ingest with a live stream, a node that pulls it, and a warm reference."""

    media: Media
    ingest: Child
    source: RtmpAddress
    node_port: int
    reference: Reference
    recording: Path
    recorder: Child

    async def check(self, target: RtmpAddress) -> Proof:
        """One check as a prober makes it."""
        now_s = time.time()
        seconds = capture_seconds(self.reference.packets(0, now_s), now_s)
        return await self.judged(await read(target, seconds))

    async def judged(self, capture: Capture) -> Proof:
        """The verdict, once the reference is complete."""
        ready_s = capture.ended_s + ProofParameters().grace_s
        await self.media.until(lambda: time.time() > ready_s, "the reference to be complete")
        return judge(self.reference.packets(capture.started_s - 120, ready_s), capture)

    async def warm(self) -> None:
        """Wait until the reference is complete for a whole window."""
        await self.media.until(self._is_warm, "the reference to be warm")

    def _is_warm(self) -> bool:
        return bool(self.reference.packets(0, time.time() - WARM_S))

    async def playing(self, target: RtmpAddress) -> None:
        """Wait until a stream has a picture: ffmpeg relays the sound alone until a keyframe."""
        child = self.media.children[-1]
        give_up = time.monotonic() + PATIENCE_S
        while not any(p.is_video for p in (await read(target, 1.5)).packets):
            assert child.is_running, child.output()
            assert time.monotonic() < give_up, child.output()


async def read(target: RtmpAddress, seconds: float) -> Capture:
    """One capture by the prober's own reader."""
    return await RtmpReader(now=time.time).capture(target, CapturePlan(seconds))


async def staged(one: Media, pool: ReferencePool) -> Stage:
    """Start everything and wait for the first live packet."""
    ingest, port = one.server("ingest")
    source = at(port, "show")
    one.publish(source)
    reference = pool.acquire(source)
    await one.until(lambda: reference.is_live(time.time()), "the reference to be live")
    recording = one.folder / "recording.flv"
    recorder = one.record(source, recording)
    _, node_port = one.server("node", pull=source)  # the last: `playing` needs it to run on
    stage = Stage(one, ingest, source, node_port, reference, recording, recorder)
    await stage.playing(at(node_port, source.name))
    return stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    """One stage for all the tests below; each adds only its own cheat."""
    async with media() as one:
        pool = ReferencePool(now=time.time)
        try:
            yield await staged(one, pool)
        finally:
            await pool.close()


async def test_a_relay_that_pulls_passes_every_time(stage: Stage) -> None:
    """nginx-rtmp pulling from the ingest: checks one after another, and four at a time."""
    node = at(stage.node_port, "show")
    alone = [await stage.check(node) for _ in range(2)]
    for proof in [*alone, *await asyncio.gather(*(stage.check(node) for _ in range(4)))]:
        assert proof.verdict is Verdict.PASS, proof
        assert proof.byte_ratio == proof.packet_ratio == 1
        assert proof.offset_span_ms <= 1


async def test_a_relay_made_of_ffmpeg_passes(stage: Stage) -> None:
    """It muxes anew, and leaves every payload as it was."""
    copied = at(stage.node_port, "copied")
    stage.media.copy(stage.source.url, copied)
    await stage.playing(copied)
    for proof in await asyncio.gather(*(stage.check(copied) for _ in range(3))):
        assert proof.verdict is Verdict.PASS, proof


async def test_a_check_by_ffprobe_passes_too(stage: Stage) -> None:
    """One in twenty is made by it, so that no node can serve our own reader alone."""
    node = at(stage.node_port, "show")
    now_s = time.time()
    seconds = capture_seconds(stage.reference.packets(0, now_s), now_s)
    proof = await stage.judged(await RtmpProbe(now=time.time).capture(node, seconds))
    assert proof.verdict is Verdict.PASS, proof


async def test_what_a_check_costs_is_measured(stage: Stage) -> None:
    """CPU time and bytes: those of a child by the kernel, and with the tags' headers our own."""
    node = at(stage.node_port, "show")
    own, tool = await read(node, 3), await RtmpProbe(now=time.time).capture(node, 3)
    assert 0 < own.cpu_s < tool.cpu_s
    assert tool.bytes_received == sum(p.size for p in tool.packets) > 0
    assert own.bytes_received > sum(p.size for p in own.packets) > 0


class Starved(ProcessLimits):
    """The tool stops before its first step: stopped from outside, it might have made some."""

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """The same, once somebody lets it go on."""
        return ["sh", "-c", 'kill -STOP $$; exec "$@"', "sh", *ProcessLimits.wrap(self, argv)]


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("T")


async def starved(stage: Stage, target: RtmpAddress, seconds: float) -> Capture:
    """A capture whose tool gets no CPU for so long, from its very beginning."""
    before = descendants().keys()
    now_s = time.time()
    planned_s = capture_seconds(stage.reference.packets(0, now_s), now_s)
    probe = RtmpProbe(now=time.time, limits=Starved(cpu_s=PROBE_LIMITS.cpu_s))
    running = asyncio.create_task(probe.capture(target, planned_s))
    await asyncio.sleep(0)
    (tool,) = descendants().keys() - before
    await stage.media.until(lambda: is_stopped(tool), "the tool to stop")
    await stage.media.until(lambda: time.time() > now_s + seconds, "the tool to have starved")
    with contextlib.suppress(ProcessLookupError):
        os.kill(tool, signal.SIGCONT)
    return await running


async def test_a_tool_that_starts_slowly_costs_the_node_nothing(stage: Stage) -> None:
    """A machine that is busy, ours: the time counts from the tool's connect, in whole."""
    await stage.warm()
    begun_s = time.time()
    capture = await starved(stage, at(stage.node_port, "show"), START_SECONDS_MAX / 3)
    proof = await stage.judged(capture)
    assert proof.verdict is Verdict.PASS, proof
    assert capture.started_s > begun_s + START_SECONDS_MAX / 3


async def test_a_machine_too_busy_to_start_its_tool_judges_nobody(stage: Stage) -> None:
    """Whether the node is there is not known."""
    for target in (at(stage.node_port, "show"), at(free_port(), "show")):
        capture = await starved(stage, target, START_SECONDS_MAX + 0.5)
        assert capture.failure is Reason.UNKNOWN_INTERNAL


async def test_a_dead_port_is_unreachable(stage: Stage) -> None:
    """Nobody listens."""
    proof = await stage.check(at(free_port(), "show"))
    assert (proof.verdict, proof.reason) == ("fail", "unreachable")


async def test_a_stream_that_is_not_there_is_no_stream(stage: Stage) -> None:
    """The server answers, and has nothing under that name."""
    proof = await stage.check(at(stage.node_port, "nothing"))
    assert (proof.verdict, proof.reason) == ("fail", "no_stream")


async def test_other_content_fails(stage: Stage) -> None:
    """The same test picture with other noise."""
    other = at(stage.node_port, "other")
    publisher = stage.media.publish(other, seed=7)
    await stage.playing(other)
    await stage.warm()
    proof = await stage.check(other)
    publisher.stop()
    assert (proof.verdict, proof.reason) == ("fail", "wrong_content")


async def test_another_encoding_fails(stage: Stage) -> None:
    """The same picture a moment later, at a lower rate; its sound is the original."""
    encoded = at(stage.node_port, "encoded")
    options = [
        "-c:a",
        "copy",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "30",
        "-b:v",
        "250k",
    ]
    encoder = stage.media.copy(stage.source.url, encoded, *options)
    await stage.playing(encoded)
    await stage.warm()
    proof = await stage.check(encoded)
    encoder.stop()
    assert (proof.verdict, proof.reason) == ("fail", "wrong_content")


async def test_a_loop_of_a_recording_fails(stage: Stage) -> None:
    """Real packets of the ingest, of some time ago."""
    loop = at(stage.node_port, "loop")
    await stage.media.until(lambda: not stage.recorder.is_running, "the recording to end")
    old_s = stage.recording.stat().st_mtime + WARM_S
    await stage.media.until(lambda: time.time() > old_s, "the recording to be old")
    stage.media.copy(str(stage.recording), loop)
    await stage.playing(loop)
    proof = await stage.check(loop)
    assert (proof.verdict, proof.reason) == ("fail", "replayed")


async def test_killing_the_ingest_costs_nobody_anything() -> None:
    """Neither in the middle of a capture nor afterwards, when nodes have nothing to serve."""
    async with media() as one:
        pool = ReferencePool(now=time.time)
        stage = await staged(one, pool)
        node = at(stage.node_port, "show")
        running = asyncio.create_task(read(node, 4))
        begun_s = time.time()
        await one.until(
            lambda: len(stage.reference.packets(begun_s, time.time())) > 60, "a second of media"
        )
        os.killpg(stage.ingest.process.pid, signal.SIGKILL)
        during = await stage.judged(await running)
        after = await stage.check(node)
        await pool.close()
    assert during.verdict is not Verdict.FAIL, during
    assert (after.verdict, after.reason) == ("unknown", "unknown:ingest_down")
