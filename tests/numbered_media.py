"""RTMP clients of the tests' own: one connection, a publisher of numbered media, a viewer of it.

Each message of the media says its number, and the rest of it follows from that number. So a viewer
knows of every message whether it was missed, came twice or was changed on its way. Both ends are
in one module: they have to agree on every byte.
"""

import asyncio
import contextlib
import hashlib
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agent.player import connected, until_asked
from rtmp.addresses import RtmpAddress
from rtmp.amf import Value, encode
from rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter
from rtmp.handshake import ClientHandshake
from rtmp.messages import Message, MessageKind, command, parse_command
from rtmp.player import PlayEnd, Player

STEP_MS = 20
"""Between two messages: pictures and sounds take turns."""
MESSAGES_A_GOP = 100
"""Two seconds."""
VIDEO_BYTES = 12_000
AUDIO_BYTES = 200
STREAM = 1
_CHUNK_BYTES = 4096
_READ_BYTES = 262_144
_SERVER_LIMITS = ChunkLimits(8_000_000, 16_000_000, 64)
_DIAL_S_MAX = 20.0
_CHANNELS = {MessageKind.AUDIO: 4, MessageKind.VIDEO: 6, MessageKind.DATA: 5}
_VIDEO_HEADER = b"\x17\x00\x00\x00\x00\x01\x64\x00\x1e\xff\xe1\x00\x04\x67\x64\x00\x1e"
_AUDIO_HEADER = b"\xaf\x00\x12\x10"


def numbered(number: int) -> Message:
    """The media message of a number: even ones are pictures, odd ones sounds."""
    filler = hashlib.sha256(number.to_bytes(8, "big")).digest()
    if number % 2:
        kind, head, size = MessageKind.AUDIO, b"\xaf\x01", AUDIO_BYTES
    else:
        frame = b"\x27" if number % MESSAGES_A_GOP else b"\x17"
        kind, head, size = MessageKind.VIDEO, frame + b"\x01\x00\x00\x00", VIDEO_BYTES
    body = head + struct.pack(">Q", number) + filler * (size // len(filler))
    return Message(kind, STREAM, number * STEP_MS, body)


def number_of(message: Message) -> int | None:
    """The number that a message says; None for a codec header."""
    if message.body[1:2] != b"\x01":
        return None
    at = 2 if message.kind == MessageKind.AUDIO else 5
    return int.from_bytes(message.body[at : at + 8], "big")


class Wire:
    """One connection behind its handshake: messages out, messages in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.chunks = ChunkWriter()
        self._in = ChunkReader(_SERVER_LIMITS)

    async def greet(self) -> None:
        """The handshake, to its end. Raises EOFError."""
        handshake = ClientHandshake()
        self.writer.write(handshake.greeting)
        while not handshake.is_done:
            self.writer.write(handshake.feed(await self._read()))
        self._in.feed(handshake.rest)

    async def say(self, *messages: Message, channel: int = 3) -> None:
        """Send them."""
        self.writer.write(b"".join(self.chunks.write(channel, each) for each in messages))
        await self.writer.drain()

    async def hear(self) -> Message:
        """The next message. Raises EOFError."""
        while (message := self._in.next_message()) is None:
            self._in.feed(await self._read())
        return message

    async def hear_command(self, name: str) -> list[Value]:
        """The arguments of the next command of this name. Raises EOFError."""
        while True:
            message = await self.hear()
            if message.kind == MessageKind.COMMAND:
                said = parse_command(message)
                if said.name == name:
                    return said.arguments

    async def _read(self) -> bytes:
        data = await self.reader.read(_READ_BYTES)
        if not data:
            raise EOFError("it closed the connection")
        return data


@asynccontextmanager
async def wire(address: RtmpAddress) -> AsyncIterator[Wire]:
    """A connection that is closed at the end."""
    async with connected(address.host, address.port) as streams:
        yield Wire(*streams)


def connecting(address: RtmpAddress, **fields: Value) -> Message:
    """`connect` as OBS says it."""
    tc_url = f"rtmp://{address.host}:{address.port}/{address.app}"
    said: dict[str, Value] = {"app": address.app, "type": "nonprivate", "tcUrl": tc_url}
    return command("connect", 1.0, {**said, "flashVer": "FMLE/3.0 (compatible)", **fields})


async def publish_as_obs(to: Wire, address: RtmpAddress, key: str) -> str:
    """The commands of OBS, in its order; gives the code of the server's last answer."""
    to.writer.write(to.chunks.resize(_CHUNK_BYTES))
    name = f"{address.name}?key={key}"
    await to.say(connecting(address))
    await to.hear_command("_result")
    await to.say(command("releaseStream", 2.0, None, name), command("FCPublish", 3.0, None, name))
    await to.say(command("createStream", 4.0, None))
    while (await to.hear_command("_result"))[1:] != [float(STREAM)]:
        pass
    await to.say(command("publish", 5.0, None, name, "live", stream_id=STREAM), channel=4)
    status = (await to.hear_command("onStatus"))[1]
    assert isinstance(status, dict)
    return str(status["code"])


async def unpublish(to: Wire, address: RtmpAddress) -> None:
    """How OBS ends."""
    await to.say(
        command("FCUnpublish", 6.0, None, address.name),
        command("deleteStream", 7.0, None, float(STREAM)),
    )


def headers() -> list[Message]:
    """Metadata and codec headers of the numbered media."""
    said: dict[str, Value] = {"width": 640.0, "height": 360.0, "framerate": 25.0}
    metadata = encode("@setDataFrame", "onMetaData", said)
    return [
        Message(MessageKind.DATA, STREAM, 0, metadata),
        Message(MessageKind.VIDEO, STREAM, 0, _VIDEO_HEADER),
        Message(MessageKind.AUDIO, STREAM, 0, _AUDIO_HEADER),
    ]


async def send_media(to: Wire, first: int = 0, until: Callable[[int], bool] | None = None) -> None:
    """Numbered media in real time, until cancelled or `until` a number is reached."""
    for message in headers():
        await to.say(message, channel=_CHANNELS[MessageKind(message.kind)])
    began_s, number = time.monotonic(), first
    while until is None or not until(number):
        message = numbered(number)
        await to.say(message, channel=_CHANNELS[MessageKind(message.kind)])
        number += 1
        due_s = began_s + (number - first) * STEP_MS / 1000
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))


@asynccontextmanager
async def publishing(address: RtmpAddress, key: str) -> AsyncIterator[asyncio.Task[None]]:
    """Numbered media of an honest publisher, until the end of the block.

    It has to last until then; the task is for those who attack the relay that it goes to."""
    async with wire(address) as to:
        await to.greet()
        code = await publish_as_obs(to, address, key)
        assert code == "NetStream.Publish.Start", code
        sending, listening = asyncio.create_task(send_media(to)), asyncio.create_task(_drain(to))
        try:
            yield sending
            assert not sending.done(), sending
        finally:
            for task in (sending, listening):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError, EOFError):
                    await task


async def _drain(to: Wire) -> None:
    while True:
        await to.hear()


@dataclass(slots=True)
class Seen:
    """What an honest viewer saw."""

    first: int | None = None
    last: int = -1
    missed: int = 0
    repeated: int = 0
    changed: int = 0
    """Other bytes than the publisher's, or another time on the line."""
    longest_wait_s: float = 0.0
    ended: str = ""
    _shift_ms: int = 0
    _came_s: float = field(default_factory=time.monotonic)

    @property
    def faults(self) -> dict[str, int | str]:
        """All that an honest viewer must not see; empty at best."""
        told: dict[str, int | str] = {
            "missed": self.missed,
            "repeated": self.repeated,
            "changed": self.changed,
            "ended": self.ended,
        }
        return {name: value for name, value in told.items() if value}

    def take(self, message: Message) -> None:
        """One message of the relay."""
        if message.kind == MessageKind.DATA or (number := number_of(message)) is None:
            return
        now_s = time.monotonic()
        if self.first is None:
            if number % MESSAGES_A_GOP:
                return  # nginx-rtmp sends newcomers sounds before their first key frame
            self.first, self.last = number, number - 1
            self._shift_ms = message.timestamp_ms - number * STEP_MS
        else:
            self.longest_wait_s = max(self.longest_wait_s, now_s - self._came_s)
        self._came_s = now_s
        if number <= self.last:
            self.repeated += 1
            return
        self.missed += number - self.last - 1
        self.last = number
        was = numbered(number)
        is_same = (message.kind, message.body) == (was.kind, was.body)
        self.changed += not is_same or message.timestamp_ms != was.timestamp_ms + self._shift_ms


async def watch(address: RtmpAddress, seen: Seen) -> None:
    """Play the numbered media until cancelled; tells in `seen` if the relay ends it."""
    player = Player(address)
    try:
        async with connected(address.host, address.port) as streams:
            reader, writer = streams
            async with asyncio.timeout(_DIAL_S_MAX):
                await until_asked(streams, player)
            while True:
                while (event := player.next_event()) is not None:
                    if isinstance(event, PlayEnd):
                        seen.ended = event.code
                        return
                    seen.take(event)
                writer.write(player.answers())
                data = await reader.read(_READ_BYTES)
                if not data:
                    seen.ended = "it closed the connection"
                    return
                player.feed(data)
    except (OSError, EOFError, TimeoutError) as error:
        seen.ended = str(error) or type(error).__name__


@asynccontextmanager
async def watched(*addresses: RtmpAddress) -> AsyncIterator[list[Seen]]:
    """Honest viewers for the length of the block; each has seen media when it begins."""
    seen = [Seen() for _ in addresses]
    tasks = [asyncio.create_task(watch(a, s)) for a, s in zip(addresses, seen, strict=True)]
    try:
        await until_seen(seen, 1)
        yield seen
        await until_seen(seen, MESSAGES_A_GOP)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_seen(seen: list[Seen], more: int) -> None:
    """Until each has `more` new messages, or was thrown out."""
    aims = [(each, each.last + more) for each in seen]
    async with asyncio.timeout(_DIAL_S_MAX):
        while any(each.last < aim and not each.ended for each, aim in aims):  # noqa: ASYNC110 -- nobody is woken
            await asyncio.sleep(0.02)
