"""Plays a stream for a moment, as a viewer would, and counts what comes. No codec, no ffmpeg."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rtmp.addresses import RtmpAddress
from rtmp.errors import RtmpError
from rtmp.handshake import ClientHandshake
from rtmp.messages import Message, MessageKind
from rtmp.player import PlayEnd, Player, PlayStage

_READ_BYTES = 262_144

Hear = Callable[[bytes], None]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class PlayError(Exception):
    """The stream cannot be played. The message says how far it came."""


@dataclass
class Played:
    """What came."""

    video: int = 0
    audio: int = 0


async def play(
    address: RtmpAddress, seconds: float, seconds_max: float, hear: Hear | None = None
) -> Played:
    """Play a stream until `seconds` of media have come in, as measured here.

    `hear` is given each picture and piece of sound. Raises PlayError when nothing comes within
    `seconds_max`.
    """
    played, player = Played(), Player(address)
    is_connected = False
    try:
        async with asyncio.timeout(seconds_max), connected(address.host, address.port) as streams:
            is_connected = True
            await _count(streams, player, played, seconds, hear)
    except (OSError, EOFError, TimeoutError, RtmpError) as e:
        if not (played.video or played.audio):
            stage = player.stage if is_connected else None
            raise PlayError(f"{_how_far(stage)} ({_why(e)})") from e
    return played


async def greets(host: str, port: int, seconds_max: float) -> bool:
    """Whether a server shakes hands there in time."""
    handshake = ClientHandshake()
    try:
        async with asyncio.timeout(seconds_max), connected(host, port) as (reader, writer):
            writer.write(handshake.greeting)
            while not handshake.is_done:
                handshake.feed(await _read(reader))
    except (OSError, TimeoutError, EOFError, RtmpError):
        return False
    return True


@asynccontextmanager
async def connected(host: str, port: int) -> AsyncIterator[Streams]:
    """A connection that is closed at the end."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def until_asked(streams: Streams, player: Player) -> None:
    """Go on until the stream was asked for; from then on its media come. Raises EOFError.

    Raises RtmpError.
    """
    reader, writer = streams
    while player.stage < PlayStage.PLAYING:
        writer.write(player.answers())
        player.feed(await _read(reader))
        while (event := player.next_event()) is not None:
            _refuse_end(event)
    writer.write(player.answers())
    await writer.drain()


async def _count(
    streams: Streams, player: Player, played: Played, seconds: float, hear: Hear | None
) -> None:
    await until_asked(streams, player)
    reader, writer = streams
    first_s: float | None = None
    while first_s is None or time.monotonic() - first_s < seconds:
        player.feed(await _read(reader))
        while (event := player.next_event()) is not None:
            message = _refuse_end(event)
            if message.kind == MessageKind.DATA:
                continue
            played.video += message.kind == MessageKind.VIDEO
            played.audio += message.kind == MessageKind.AUDIO
            first_s = first_s or time.monotonic()
            if hear:
                hear(message.body)
        writer.write(player.answers())
        await writer.drain()


def _refuse_end(event: Message | PlayEnd) -> Message:
    match event:
        case PlayEnd(code, says):
            raise EOFError(says or code or "the server ended it")
        case Message():
            return event


async def _read(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(_READ_BYTES)
    if not data:
        raise EOFError("it closed the connection")
    return data


def _why(error: Exception) -> str:
    """In one line: a server's own words may hold anything."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = str(error) or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text)


def _how_far(stage: PlayStage | None) -> str:
    if stage is None:
        return "nothing accepts connections"
    if stage is PlayStage.GREETING:
        return "it does not speak RTMP"
    return "it serves no picture or sound under this name"
