"""The ingest's own packets: one long-lived connection per stream, shared by all its checks."""

import asyncio
import socket
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace

from coordinator.adapters.media.message_packets import packets_of
from coordinator.adapters.media.play_connection import PlayConnection
from coordinator.proof.packets import MediaKind, Packet, Part, dts_difference_ms
from rtmp.addresses import RtmpAddress
from rtmp.messages import Message
from rtmp.player import PLAYER_LIMITS

MEMORY_S = 160.0
"""The longest check, and what was served before it."""
PACKETS_MAX = 60_000
"""160 s of 375 packets a second; the oldest go first."""
INGEST_SILENCE_S = 10.0
SETTLE_S = 0.25
SILENCE_S = 2.0
BACKOFF_S = (0.25, 0.5, 1.0, 2.0, 4.0)


class Reference:
    """A window of what the ingest serves, kept fresh by one connection.

    Use inside a running event loop: `start()`, later `await close()`. When the connection ends it
    is opened again, and the packets after the gap carry the next `connection` number.
    """

    def __init__(self, address: RtmpAddress, *, now: Callable[[], float]) -> None:
        self.address = address
        self._now = now
        self._packets: list[Packet] = []
        self._headers: dict[tuple[MediaKind, int], Packet] = {}
        """The newest of each track."""
        self._burst: list[Packet] = []
        self._connection = 0
        self._read_s = self._live_s = 0.0
        self._found_silent = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen; a second call does nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen(), name=f"reference {self.address.name}")

    async def close(self) -> None:
        """End the connection; the window stays readable."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def packets(self, since_s: float, until_s: float) -> list[Packet]:
        """The packets that arrived in [since_s, until_s], in order of arrival.

        Before them the codec headers in force then: whoever comes is given these first."""
        low = bisect_left(self._packets, since_s, key=lambda p: p.arrived_s)
        headers = [p for p in self._headers.values() if p.arrived_s < since_s]
        return [*headers, *(p for p in self._packets[low:] if p.arrived_s <= until_s)]

    def is_live(self, now_s: float) -> bool:
        """True if a picture or a sound came within the last two seconds."""
        return self._live_s > now_s - SILENCE_S

    def is_silent(self, now_s: float) -> bool:
        """True if the ingest answered, and had no such stream: nobody is publishing it.

        False while it cannot be told, as when the ingest itself did not answer."""
        return self._found_silent and not self.is_live(now_s)

    async def _listen(self) -> None:
        failures = 0
        while True:
            self._connection += 1
            heard_s = self._read_s
            line = PlayConnection(self.address, PLAYER_LIMITS, self._now, self._take)
            try:
                await line.open(await literal_of(self.address.host))
                await self._hear(line)
            except OSError:  # its name does not resolve just now
                pass
            finally:
                line.close()
            self._settle()
            # What ended after packets may have ended by our own fault: the next one will tell.
            heard = self._read_s != heard_s
            self._found_silent = not heard and line.steps.asked_s is not None
            failures = 0 if self.is_live(self._now()) else failures + 1
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])

    async def _hear(self, line: PlayConnection) -> None:
        """Until the ingest ends it, or is silent for too long."""
        while not line.over.done() and self._now() - line.read_s < INGEST_SILENCE_S:
            await asyncio.wait((line.over,), timeout=INGEST_SILENCE_S / 4)

    def _take(self, message: Message, now_s: float) -> None:
        for packet in packets_of(message, now_s, self._connection):
            if self._burst or now_s - self._read_s > SILENCE_S:
                self._burst.append(packet)
                if now_s - self._burst[0].arrived_s > SETTLE_S:
                    self._settle()
            else:
                self._keep(packet)
        self._read_s = now_s
        self._found_silent = False

    def _settle(self) -> None:
        """Date the packets of a burst back to when they were live, by their timestamps.

        A connection begins with a burst (the server's cache), and so does life after this process
        was frozen. Dated as read, they would make a delay look short.
        """
        burst, self._burst = self._burst, []
        for packet in back_dated(burst):
            self._keep(packet)

    def _keep(self, packet: Packet) -> None:
        kept = self._packets
        if kept and kept[-1].arrived_s > packet.arrived_s:
            packet = replace(packet, arrived_s=kept[-1].arrived_s)  # keep the order of arrival
        kept.append(packet)
        if packet.part is Part.HEADER:
            self._headers[packet.media, packet.track] = packet
        if packet.part is Part.FRAMES:
            self._live_s = packet.arrived_s
        if len(kept) > PACKETS_MAX or kept[0].arrived_s < packet.arrived_s - 1.25 * MEMORY_S:
            oldest_s = packet.arrived_s - MEMORY_S
            del kept[: max(bisect_left(kept, oldest_s, key=lambda p: p.arrived_s), len(kept) // 8)]


def back_dated(burst: list[Packet]) -> list[Packet]:
    """Packets of one burst, each arriving as long before the last as its timestamp says.

    Headers and script data are dated anew for whoever comes, so their timestamps say nothing."""
    frames = [packet for packet in burst if packet.part is Part.FRAMES]
    if not frames:
        return burst
    newest = max(frames, key=lambda p: dts_difference_ms(p.dts_ms, frames[0].dts_ms))
    last_s = burst[-1].arrived_s

    def dated(packet: Packet) -> Packet:
        if packet.part is not Part.FRAMES:
            return packet
        live_s = last_s - dts_difference_ms(newest.dts_ms, packet.dts_ms) / 1000
        return replace(packet, arrived_s=min(packet.arrived_s, live_s))

    return sorted(map(dated, burst), key=lambda p: p.arrived_s)


async def literal_of(host: str) -> str:
    """An address of the ingest, which is ours: nobody else chooses its name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(found[0][4][0])


@dataclass(slots=True)
class _Shared:
    reference: Reference
    users: int = 0
    closing: asyncio.TimerHandle | None = None


class ReferencePool:
    """One `Reference` per stream, shared by overlapping runs and closed after an idle time."""

    def __init__(self, *, now: Callable[[], float], idle_s: float = 300.0) -> None:
        self._now = now
        self._idle_s = idle_s
        self._shared: dict[RtmpAddress, _Shared] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def acquire(self, address: RtmpAddress) -> Reference:
        """The stream's reference, started if need be; give it back with `release`."""
        shared = self._shared.get(address)
        if shared is None:
            shared = self._shared[address] = _Shared(Reference(address, now=self._now))
            shared.reference.start()
        if shared.closing is not None:
            shared.closing.cancel()
            shared.closing = None
        shared.users += 1
        return shared.reference

    def release(self, address: RtmpAddress) -> None:
        """Give a reference back; it stays warm for the idle time, and then closes."""
        shared = self._shared[address]
        shared.users -= 1
        if shared.users == 0:
            loop = asyncio.get_running_loop()
            shared.closing = loop.call_later(self._idle_s, self._close_idle, address)

    async def close(self) -> None:
        """Close every reference, whoever uses it."""
        shared, self._shared = list(self._shared.values()), {}
        for one in shared:
            if one.closing is not None:
                one.closing.cancel()
        await asyncio.gather(*(one.reference.close() for one in shared), *self._closing)

    def _close_idle(self, address: RtmpAddress) -> None:
        task = asyncio.create_task(self._shared.pop(address).reference.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
