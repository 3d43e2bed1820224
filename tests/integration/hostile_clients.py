"""RTMP clients that misbehave, one entry each: what strangers may do to a relay.

An entry does its worst over one connection or several, and says what has to come of it: it is
closed, refused with a code, or tolerated, which a ping shows that is answered behind it. The set
`MISBEHAVIOURS` is filled by the catalogues; a new one is one function or one line of bytes there.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from rtmp.addresses import RtmpAddress
from rtmp.amf import Value, encode
from rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter, whole_chunks
from rtmp.errors import RtmpError
from rtmp.handshake import PART_BYTES
from rtmp.messages import Message, MessageKind, UserControl, command, parse_command, user_control
from tests.numbered_media import connecting, number_of

ROLES = ("ingest", "node")
DEADLINE_S = 13.0
"""The relay's own deadline for `play` or `publish`, and its pace of looking."""
AT_ONCE_S = 8.0
"""For what is closed by the bytes alone; far more than it takes, on a busy machine too."""
LOST_S = 45.0
"""For a viewer that reads nothing: its queue has to fill first."""
_PING = b"ping"
_SERVER_LIMITS = ChunkLimits(8_000_000, 16_000_000, 64)
_GREETING = b"\x03" + bytes(PART_BYTES)
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Expectation:
    """`what` is closed, refused or tolerated; a refusal has a code."""

    what: str
    within_s: float = AT_ONCE_S
    code: str = ""


CLOSED = Expectation("closed")
CLOSED_LATE = Expectation("closed", DEADLINE_S)
CLOSED_AS_LOST = Expectation("closed", LOST_S)
TOLERATED = Expectation("tolerated")


def refused(code: str) -> Expectation:
    """A status or an error of this code, and then the end."""
    return Expectation("refused", code=code)


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
        with contextlib.suppress(OSError, EOFError):
            await self._reader.readexactly(1 + 2 * PART_BYTES)
        await self.send(bytes(PART_BYTES))
        if listen:
            self.listen()

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


Act = Callable[[Peer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What is done, and what has to come of it, at these roles."""

    act: Act
    expected: Expectation
    roles: tuple[str, ...]
    small_window: bool = False


MISBEHAVIOURS: dict[str, Misbehaviour] = {}


def misbehaviour(
    expected: Expectation, *roles: str, small_window: bool = False
) -> Callable[[Act], Act]:
    """Enters a function into the catalogue, under its own name."""

    def enter(act: Act) -> Act:
        name = getattr(act, "__name__", "")
        _enter(name, Misbehaviour(act, expected, roles or ROLES, small_window))
        return act

    return enter


def bytes_behind_greeting(name: str, expected: Expectation, data: bytes) -> None:
    """Enters bytes that follow a right handshake."""

    async def act(peer: Peer) -> None:
        await peer.greet()
        await peer.send(data)

    _enter(name, Misbehaviour(act, expected, ROLES))


def _enter(name: str, entry: Misbehaviour) -> None:
    if name in MISBEHAVIOURS:
        raise ValueError(f"two misbehaviours are called {name}")
    MISBEHAVIOURS[name] = entry


async def happened(entry: Misbehaviour, address: RtmpAddress) -> str:
    """Misbehave once; empty if that came of it which was expected, else what did."""
    peer, expected = Peer(address, small_window=entry.small_window), entry.expected
    try:
        await peer.dial()
        await entry.act(peer)
        return await _judge(peer, expected)
    except (OSError, EOFError, TimeoutError) as error:
        return f"{type(error).__name__} in mid-act: {error}; told {peer.codes}"
    finally:
        peer.hang_up()


async def _judge(peer: Peer, expected: Expectation) -> str:
    if expected.what == "tolerated":
        return "" if await peer.ping() else f"no answer behind it; told {peer.codes}"
    if expected is CLOSED_AS_LOST:
        return "" if await peer.until_cut_off(expected.within_s) else "it was never cut off"
    if not await peer.until_closed(expected.within_s):
        return f"it is open after {expected.within_s:g} s; told {peer.codes}"
    if expected.what == "refused" and expected.code not in peer.codes:
        return f"closed, but told {peer.codes}"
    return ""


# -- bytes -----------------------------------------------------------------------------------


def chunk(
    kind: int,
    body: bytes,
    *,
    length: int | None = None,
    channel: int = 3,
    time: bytes = b"\0\0\0",
    form: int = 0,
) -> bytes:
    """A chunk of any header and body, in which nothing has to be right."""
    first = bytes([form << 6 | channel]) if channel < 64 else _long_channel(form, channel)
    size = (len(body) if length is None else length).to_bytes(3, "big")
    return first + (time + size + bytes([kind, 0, 0, 0, 0]))[: (11, 7, 3, 0)[form]] + body


def _long_channel(form: int, channel: int) -> bytes:
    if channel < 320:
        return bytes([form << 6, channel - 64])
    return bytes([form << 6 | 1]) + (channel - 64).to_bytes(2, "little")


def written(*messages: Message, channel: int = 3, chunk_bytes: int = 128) -> bytes:
    """Messages as they should be written, each independent of all before."""
    return b"".join(whole_chunks(channel, message, chunk_bytes) for message in messages)


def ping(chunk_bytes: int = 128) -> bytes:
    """A ping request, on a channel that nothing else uses."""
    return written(
        user_control(UserControl.PING_REQUEST, _PING), channel=63, chunk_bytes=chunk_bytes
    )


def said(*values: Value, kind: int = MessageKind.COMMAND) -> bytes:
    """A message of AMF values."""
    return written(Message(kind, 0, 0, encode(*values)))


def raw(body: bytes, kind: int = MessageKind.COMMAND) -> bytes:
    """A message of these bytes."""
    return written(Message(kind, 0, 0, body))
