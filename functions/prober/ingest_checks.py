"""The ingest itself, checked like a node: what we cannot judge there is held against nobody.

Once a stream and run it is captured by the code that captures nodes, and decoded. Whether ffprobe
reads the stream whole is found out beside it, where a check is to be made by ffprobe.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.media.packet_lines import CODECS
from coordinator.adapters.media.rtmp_reader import Footage
from coordinator.adapters.media.rtmp_reference import Reference, literal_of
from coordinator.adapters.media.second_reader import reading_of
from coordinator.checking.checks import Verdict
from coordinator.proof.captures import Capture, CapturePlan
from coordinator.proof.judging import Proof, ProofParameters
from coordinator.proof.packets import MediaKind, Part
from coordinator.proof.second_opinion import IngestCheck, opinion_of
from coordinator.proof.spans import judge_capture
from prober.captor import Captor
from prober.draws import Due
from prober.stream_paces import MEMORY_S, StreamPaces
from rtmp.addresses import RtmpAddress

TRIES_MAX = 3
"""Of one stream in one run, until one passes: a publisher may come back at any moment."""


@dataclass
class IngestChecks:
    """Those of one run, each made when it is first asked for."""

    captor: Captor
    paces: StreamPaces
    parameters: ProofParameters
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    log: Log
    _made: dict[str, asyncio.Task[IngestCheck]] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)
    _read: dict[str, asyncio.Task[bool]] = field(default_factory=dict)

    def begin(self, due: Iterable[Due], references: Mapping[str, Reference]) -> None:
        """Has each live stream that is to be checked captured and decoded, whatever comes of it.

        Where ffprobe is to make a connection, it has to have read the stream."""
        drawn = list(due)
        for name in {one.slot.stream_id for one in drawn if one.is_by_ffprobe}:
            self._read[name] = asyncio.create_task(self._is_read(references[name]))
        for name in {one.slot.stream_id for one in drawn}:
            reference = references[name]
            if not reference.is_live(self.clock()):
                continue
            self._tries[name] = 1
            self._made[name] = asyncio.create_task(self._check(reference))

    async def of(self, reference: Reference) -> IngestCheck:
        """The stream's; made again where it did not pass, a few times at most."""
        name = reference.address.name
        task = self._made.get(name)
        if task is not None and not (await asyncio.shield(task)).passes:
            task = self._made[name] if self._made[name] is not task else None
        if task is None and self._tries.get(name, 0) < TRIES_MAX:
            self._tries[name] = self._tries.get(name, 0) + 1
            task = asyncio.create_task(self._check(reference))
            self._made[name] = task
        return await asyncio.shield(task or self._made[name])

    async def anew(self, reference: Reference) -> IngestCheck:
        """One more, whatever the others said: the stream may have changed since."""
        if self._tries.get(reference.address.name, 0) >= TRIES_MAX:
            return await self.of(reference)
        self._made.pop(reference.address.name, None)
        return await self.of(reference)

    def is_read_by_ffprobe(self, name: str) -> bool:
        """Whether ffprobe has read the stream whole in this run; False until that is known."""
        task = self._read.get(name)
        done = task is not None and task.done() and not task.cancelled()
        return done and task is not None and task.exception() is None and task.result()

    async def close(self) -> None:
        """The run is over: nobody waits for what is not made yet."""
        tasks = [*self._made.values(), *self._read.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _check(self, reference: Reference) -> IngestCheck:
        footage = Footage()
        at = await self._at(reference)
        plan = self._plan(reference)
        capture = await self.captor.capture(at, plan, reference, by_ffprobe=False, footage=footage)
        proof = await self._proof(reference, capture)
        try:
            reading = await reading_of(footage.messages)
            opinion = opinion_of(capture.packets[: footage.packets], reading)
        except OSError as error:  # no process was free: then it has no say in this run
            self.log.failure(LogEvent.SECOND_READER_FAILED, error, stream_id=at.name)
            return IngestCheck(proof)
        return IngestCheck(proof, opinion)

    async def _is_read(self, reference: Reference) -> bool:
        """Every track, in codecs that it is given, and none that it would never show."""
        plan = self._plan(reference)
        capture = await self.captor.probed(await self._at(reference), plan.seconds, reference)
        proof = await self._proof(reference, capture)
        frames = [p for p in reference.packets(0, self.clock()) if p.part is Part.FRAMES]
        kinds = {(p.media, p.track, p.codec) for p in frames}
        known = {(MediaKind(media), 0, codec) for media, codec in CODECS.items()}
        shown = {p.media for p in capture.packets}
        whole = kinds <= known and {media for media, _, _ in kinds} == shown
        return whole and proof.verdict is Verdict.PASS

    def _plan(self, reference: Reference) -> CapturePlan:
        return CapturePlan(self.paces.of(reference).capture_s)

    async def _proof(self, reference: Reference, capture: Capture) -> Proof:
        until_s = capture.compared_until_s(self.parameters.grace_s)
        await reference.seen(until_s, self.sleep)
        since_s = capture.started_s - MEMORY_S
        return judge_capture(reference.packets(since_s, until_s), capture, self.parameters)

    async def _at(self, reference: Reference) -> RtmpAddress:
        address = reference.address
        return replace(address, host=await literal_of(address.host))
