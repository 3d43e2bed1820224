"""The ingest's own packets: one long-lived connection per stream, shared by all its checks."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from coordinator.adapters.media.message_packets import packets_of
from coordinator.adapters.media.play_connection import PlayConnection
from coordinator.adapters.media.reference_window import ReferenceWindow
from coordinator.proof.packets import Packet
from coordinator.proof.remembered import Remembered
from rtmp.addresses import RtmpAddress
from rtmp.errors import RtmpError
from rtmp.flv import payload_of
from rtmp.mark_follower import MarkFinding, MarkFollower
from rtmp.messages import Message

INGEST_SILENCE_S = 10.0
BACKOFF_S = (0.25, 0.5, 1.0, 2.0, 4.0)


class Reference:
    """A window of what the ingest serves, kept fresh by one connection.

    Use inside a running event loop: `start()`, later `await close()`. When the connection ends it
    is opened again, and the packets after the gap carry the next `connection` number. So do those
    behind a mark that tells of packets which did not come: an ingest leaves some out for whoever
    reads too slowly, and nodes may have got them.
    """

    def __init__(self, address: RtmpAddress, *, now: Callable[[], float]) -> None:
        self.address = address
        self._now = now
        self.window = ReferenceWindow()
        self._connection = 0
        self._marks = self._follower()
        self._found_silent = False
        self._ended_s = 0.0
        """When the last connection ended."""
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
        """The window's packets of that time, and before them the headers in force then."""
        return self.window.packets(since_s, until_s)

    def remembered(self, since_s: float, recent_s: float, until_s: float) -> Remembered:
        """The same, for a capture that is held against what arrived from `recent_s` on."""
        return self.window.remembered(since_s, recent_s, until_s)

    async def seen(self, until_s: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Returns when it remembers what came until then.

        Where this process stood still, what came meanwhile is not dated at once. Whoever judged
        before that would take a node's packets for strangers."""
        await sleep(max(0.0, until_s - self._now()))
        await sleep(max(0.0, self.window.settles_s - self._now()))
        if self.window.settles_s:
            self.window.settle()

    def is_live(self, now_s: float) -> bool:
        """True if a picture or a sound came within the last two seconds."""
        return self.window.is_live(now_s)

    def was_live(self, since_s: float, now_s: float) -> bool:
        """True if it was live all the time since then, over one connection, and is.

        An ingest that ended ours ended those of nodes too, and they come back in turns."""
        return self.is_live(now_s) and max(self.window.resumed_s, self._ended_s) < since_s

    def is_silent(self, now_s: float) -> bool:
        """True if the ingest answered, and had no such stream: nobody is publishing it.

        False while it cannot be told, as when the ingest itself did not answer."""
        return self._found_silent and not self.is_live(now_s)

    async def _listen(self) -> None:
        failures = 0
        while True:
            self._connection += 1
            self._marks = self._follower()
            heard_s = self.window.read_s
            line = PlayConnection(self.address, self._now, self.take)
            try:
                await line.open(await literal_of(self.address.host))
                await self._hear(line)
            except OSError:  # its name does not resolve just now
                pass
            finally:
                line.close()
            self._ended_s = self._now()
            self.window.settle()
            # What ended after packets may have ended by our own fault: the next one will tell.
            heard = self.window.read_s != heard_s
            self._found_silent = not heard and line.steps.asked_s is not None
            failures = 0 if self.is_live(self._now()) else failures + 1
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])

    async def _hear(self, line: PlayConnection) -> None:
        """Until the ingest ends it, or is silent for too long."""
        while not line.over.done() and self._now() - line.read_s < INGEST_SILENCE_S:
            await asyncio.wait((line.over,), timeout=INGEST_SILENCE_S / 4)

    def take(self, message: Message, now_s: float) -> None:
        """The next message of the connection, read at `now_s`."""
        try:
            payload = payload_of(message)
        except RtmpError:  # an ingest of ours sends no such thing
            payload = None
        verdict = self._marks.take(message, payload, now_s)
        if verdict is not None and verdict.finding is MarkFinding.MISSING:
            self._connection += 1
        for packet in packets_of(message, now_s, self._connection):
            self.window.take(packet)
        self._found_silent = False

    def _follower(self) -> MarkFollower:
        """Of one connection. The ingest is ours and is asked directly: nothing is to verify."""
        return MarkFollower(self.address.name, b"", lambda _, __: True, is_newcomer=False)


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

    def is_hearing(self) -> bool:
        """True while one of them gets a picture or a sound, whether or not anybody uses it."""
        now_s = self._now()
        return any(shared.reference.is_live(now_s) for shared in self._shared.values())

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
