"""The prober's own reader: one connection to a node or the ingest, and what each message hashes to.

It sees every track and every codec at its true arrival. Its connection is a viewer's to the byte.
"""

import asyncio
from dataclasses import dataclass, field, replace

from coordinator.adapters.clock import Clock
from coordinator.adapters.loop_lateness import LoopLateness
from coordinator.adapters.media.message_packets import packets_of
from coordinator.adapters.media.play_connection import Allowed, PlayConnection, Room
from coordinator.proof.captures import Capture, CapturePlan, Count, Ending, Span
from coordinator.proof.packets import Packet
from coordinator.reasons import Reason
from rtmp.addresses import RtmpAddress
from rtmp.errors import RtmpError
from rtmp.flv import PayloadKind, payload_of
from rtmp.messages import Message, MessageKind

ROOM = Room(96 * 1024 * 1024, 12_000)
"""Where nobody says how much the stream has: 14 s of 50 Mbit/s, and of 240 pictures and six sounds
a second; a server's cache comes at once."""
REST_S = 0.25
"""A node's batches come twenty times a second, and each costs as much as what is in it."""
LATE_S_MAX = 3.0
"""A capture that ends so long after its time was made on a machine too busy to judge anybody. Less
excuses nobody: the reference is read by the same machine, as late."""
FOOTAGE_MAX = Room(8_000_000, 12_000)
"""Of a footage that is kept for the second reader: a key frame of any picture fits in."""
_FAILURES = {Ending.UNREACHABLE: Reason.UNREACHABLE, Ending.FAULT: Reason.UNKNOWN_INTERNAL}


@dataclass(slots=True)
class Footage:
    """The first messages of a connection as they came, for whoever decodes them."""

    messages: list[Message] = field(default_factory=list)
    size: int = 0
    packets: int = 0
    """How many of the capture's packets they brought, which are its first ones."""

    @property
    def is_full(self) -> bool:
        """From here on nothing is kept: what is missing in the middle would be no footage."""
        return self.size > FOOTAGE_MAX.size or len(self.messages) >= FOOTAGE_MAX.messages

    def keep(self, message: Message, packets: int) -> None:
        """One more, and what it brought."""
        self.messages.append(message)
        self.size += len(message.body)
        self.packets += packets


class RtmpReader:
    """Captures what an address serves. `now` gives Unix seconds."""

    def __init__(self, *, now: Clock) -> None:
        self._now = now

    async def capture(
        self,
        address: RtmpAddress,
        plan: CapturePlan,
        *,
        allowed: Allowed = lambda: ROOM,
        footage: Footage | None = None,
    ) -> Capture:
        """Receive the stream as planned; raises ValueError for a host name.

        The planned seconds count from the moment in which the connection is begun. `allowed`
        says what any viewer could have been sent by then: more is a flood, and not read.
        """
        take = _Intake(plan, self._now(), footage)
        line = PlayConnection(address, self._now, take, allowed, take.rests_s)
        ends_s = take.started_s + plan.seconds
        with LoopLateness() as late:
            try:
                async with asyncio.timeout(plan.seconds):
                    await line.open(address.host)
                    await line.over
            except TimeoutError:
                pass
            finally:
                line.close()
        return replace(self._captured(take, line, ends_s), late_s=late.worst_s)

    def _captured(self, take: "_Intake", line: PlayConnection, ends_s: float) -> Capture:
        now_s = self._now()
        ending = line.ending
        if now_s > ends_s + LATE_S_MAX:
            ending = Ending.FAULT
        if line.steps.connected_s is None and ending is Ending.PLANNED:
            ending = Ending.UNREACHABLE
        failure = _FAILURES.get(ending)
        if failure is None and line.steps.media_s is None:
            failure = Reason.NO_STREAM
        return Capture(
            started_s=take.started_s,
            ended_s=now_s if failure is Reason.UNREACHABLE else ends_s,
            packets=tuple(take.packets),
            failure=failure,
            cpu_s=line.cpu_s,
            bytes_received=take.size,
            ending=ending,
            stopped_s=None if ending is Ending.PLANNED else now_s,
            says=line.says,
            steps=line.steps,
            read=take.spans,
            counts=take.counts,
        )


class _Intake:
    """What becomes of the messages of one capture."""

    def __init__(self, plan: CapturePlan, started_s: float, footage: Footage | None) -> None:
        self.started_s = started_s
        self.spans = tuple(
            Span(started_s + span.since_s, started_s + span.until_s) for span in plan.read
        )
        self.packets: list[Packet] = []
        self.size = 0
        self._footage = footage
        self._counted: dict[float, list[int]] = {}
        """Packets and bytes between spans, by the second in which they came."""
        self._looked_s, self._is_in_span = 0.0, False
        """What was found of the instant before: a batch comes at one."""

    @property
    def counts(self) -> tuple[Count, ...]:
        """What was not read."""
        return tuple(Count(at_s, *numbers) for at_s, numbers in self._counted.items())

    def __call__(self, message: Message, now_s: float) -> None:
        """Take one; there are never too many: chunks are counted already."""
        self.size += len(message.body)
        footage = self._footage
        is_kept = footage is not None and not footage.is_full
        is_read = not self.spans or self._is_read(message, now_s)
        if not is_read:
            self._count(message, now_s)
        if is_read or is_kept:  # what is decoded is hashed as well, or nobody could compare it
            brought = packets_of(message, now_s)
            self.packets += brought
            if footage is not None and is_kept:
                footage.keep(message, len(brought))

    def rests_s(self, now_s: float) -> float:
        """Between spans what comes is only counted, by the second: it may wait for a moment.

        Not shortly before one: in a span each packet has its true time."""
        ahead = [span for span in self.spans if span.until_s > now_s]
        is_far = bool(ahead) and min(span.since_s for span in ahead) > now_s + 2 * REST_S
        return REST_S if is_far else 0.0

    def _is_read(self, message: Message, now_s: float) -> bool:
        if now_s != self._looked_s:
            self._looked_s = now_s
            self._is_in_span = any(span.holds(now_s) for span in self.spans)
        if self._is_in_span or message.kind == MessageKind.DATA:
            return True
        try:
            payload = payload_of(message)
        except RtmpError:
            return False
        return payload is not None and payload.kind is PayloadKind.HEADER

    def _count(self, message: Message, now_s: float) -> None:
        numbers = self._counted.setdefault(self.started_s + (now_s - self.started_s) // 1, [0, 0])
        numbers[0] += 1
        numbers[1] += len(message.body)
