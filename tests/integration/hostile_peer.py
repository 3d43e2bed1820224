"""One connection of a client that may say anything, and hears what it is answered.

It is one class of many short methods: whatever a catalogue's entries have in common.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rtmp.addresses import RtmpAddress
from rtmp.amf import Value
from rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
from rtmp.handshake import PART_BYTES
from rtmp.messages import Message, MessageKind, UserControl, command, parse_command
from tests.integration.hostile_messages import ping
from tests.numbered_media import connecting, number_of

AT_ONCE_S = 8.0
"""For what is answered or closed by the bytes alone; far more than it takes on a busy machine."""
_SERVER_LIMITS = ChunkLimits(8_000_000, 16_000_000, 64)
_GREETING = b"\x03" + bytes(PART_BYTES)
_READ_BYTES = 65_536


@dataclass(slots=True)
class Peer:
    """One connection of a client, and what it was answered. It reads all the time, if it reads."""

    address: RtmpAddress
    local: str = ""
    small_window: bool = False
    chunks: ChunkWriter = field(default_factory=ChunkWriter)
    codes: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """Of the media that came."""
    results: int = 0
    pongs: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    chunk_bytes: int = 128
    """As the relay was told."""
    _reader: asyncio.StreamReader = field(init=False)
    _writer: asyncio.StreamWriter = field(init=False)
    _others: "list[Peer]" = field(default_factory=list)
    _listening: asyncio.Task[None] | None = None

    async def dial(self) -> None:
        """Connect; a refused connection counts as closed."""
        ours = socket.socket()
        ours.setblocking(False)
        if self.small_window:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            if self.local:
                ours.bind((self.local, 0))
            loop = asyncio.get_running_loop()
            await loop.sock_connect(ours, (self.address.host, self.address.port))
        except OSError:
            ours.close()
            raise
        limit = 2048 if self.small_window else 2**16
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=limit)

    async def again(self, local: str = "") -> "Peer":
        """One more connection to the same relay."""
        other = Peer(self.address, local or self.local)
        await other.dial()
        self._others.append(other)
        return other

    def hang_up(self) -> None:
        """End everything."""
        for other in self._others:
            other.hang_up()
        if self._listening:
            self._listening.cancel()
        if hasattr(self, "_writer"):
            self._writer.transport.abort()

    def end_of_file(self) -> None:
        """Say that nothing more comes, and keep listening."""
        self._writer.write_eof()

    @property
    def is_closed(self) -> bool:
        """Whether the relay has ended it, as far as it was noticed."""
        return self.closed.is_set() or self._writer.transport.is_closing()

    async def send(self, data: bytes) -> None:
        """Bytes as they are. What a closed connection does not take is no error."""
        if self._writer.transport.is_closing():
            return
        with contextlib.suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    async def say(self, *messages: Message, channel: int = 3) -> None:
        """Messages as they should be written."""
        await self.send(b"".join(self.chunks.write(channel, each) for each in messages))

    async def pieces(self, data: bytes, size: int, pause_s: float = 0.0) -> None:
        """Bytes in small writes, until the relay has enough."""
        for at in range(0, len(data), size):
            if self.is_closed:
                return
            await self.send(data[at : at + size])
            await asyncio.sleep(pause_s)

    async def greet(self, *, listen: bool = True) -> None:
        """The handshake, to its end."""
        await self.send(_GREETING)
        await self.pass_greeting()
        await self.send(bytes(PART_BYTES))
        if listen:
            self.listen()

    async def pass_greeting(self) -> None:
        """Read over the relay's half of the handshake."""
        with contextlib.suppress(OSError, EOFError):
            await self._reader.readexactly(1 + 2 * PART_BYTES)

    def listen(self) -> None:
        """Read whatever comes from now on."""
        self._listening = asyncio.create_task(self._listen())

    async def connect(self, **fields: Value) -> None:
        """As far as `connect`, and its answer."""
        await self.greet()
        await self.say(connecting(self.address, **fields))
        await self.until(lambda: self.results > 0)

    async def play(self, name: str = "", *, media: bool = True) -> None:
        """As far as the first picture."""
        await self.connect()
        await self.say(command("play", 4.0, None, name or self.address.name, stream_id=1))
        if media:
            await self.until(lambda: bool(self.numbers))

    async def publish(self, name: str, key: str) -> None:
        """As far as the relay takes media."""
        await self.connect()
        await self.say(command("publish", 5.0, None, f"{name}?key={key}", "live", stream_id=1))
        await self.until(lambda: "NetStream.Publish.Start" in self.codes)

    async def publish_asked(self, name: str) -> None:
        """As far as the question, whatever comes of it."""
        await self.connect()
        await self.say(command("publish", 5.0, None, name, "live", stream_id=1))

    async def sip(self, bytes_a_second: int, seconds: int) -> None:
        """Read so little for some time, or until the relay has enough."""
        for _ in range(seconds):
            if self.is_closed:
                return
            with contextlib.suppress(OSError):
                await self._reader.read(bytes_a_second)
            await asyncio.sleep(1)

    async def ping(self) -> bool:
        """Whether the relay still answers; on a channel of its own."""
        before = self.pongs
        await self.send(ping(self.chunk_bytes))
        with contextlib.suppress(TimeoutError, EOFError):
            await self.until(lambda: self.pongs > before)
        return self.pongs > before

    async def until(self, condition: Callable[[], bool], seconds: float = AT_ONCE_S) -> None:
        """Wait for what the relay says. Raises EOFError if it closes, or TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                if self.closed.is_set():
                    raise EOFError(f"closed; it was told {self.codes}")
                await asyncio.sleep(0.01)

    async def until_closed(self, seconds: float) -> bool:
        """Whether the relay ends it in time. Who does not listen notices by what it sends."""
        if self._listening is None:
            self.listen()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.closed.wait()
        return self.closed.is_set()

    async def until_cut_off(self, seconds: float) -> bool:
        """The same for one that never reads: acknowledgements fail once it is cut off."""
        acknowledged = Message(MessageKind.ACKNOWLEDGEMENT, 0, 0, bytes(4))
        began_s = time.monotonic()
        while not self.is_closed and time.monotonic() - began_s < seconds:
            await self.say(acknowledged, channel=2)
            await asyncio.sleep(0.5)
        return self.is_closed

    async def _listen(self) -> None:
        reader = ChunkReader(_SERVER_LIMITS)
        try:
            while data := await self._reader.read(_READ_BYTES):
                reader.feed(data)
                while (message := reader.next_message()) is not None:
                    self._take(message)
        except (OSError, RtmpError):
            pass  # a reset is an end too; what is no RTMP was answered to what is none
        finally:
            self.closed.set()

    def _take(self, message: Message) -> None:
        if message.kind in (MessageKind.AUDIO, MessageKind.VIDEO):
            if (number := number_of(message)) is not None:
                self.numbers.append(number)
        elif message.kind == MessageKind.USER_CONTROL:
            self.pongs += message.body[:2] == UserControl.PING_RESPONSE.to_bytes(2, "big")
        elif message.kind == MessageKind.COMMAND:
            said = parse_command(message)
            self.results += said.name == "_result"
            info = said.argument(1)
            if said.name in ("onStatus", "_error") and isinstance(info, dict):
                self.codes.append(str(info.get("code")))
