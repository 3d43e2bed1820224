"""Plays a stream for a moment, as a viewer would, and counts what comes. No codec, no ffmpeg."""

import asyncio
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.streams import RtmpUrl

_HANDSHAKE = 1536
_MESSAGE_BYTES_MAX = 8_000_000
_SET_CHUNK_SIZE, _AUDIO, _VIDEO, _COMMAND = 1, 8, 9, 20
_HEAD_BYTES = (11, 7, 3, 0)


Hear = Callable[[bytes], None]


class PlayError(Exception):
    """The stream cannot be played. The message says how far it came."""


@dataclass
class Played:
    """What came."""

    video: int = 0
    audio: int = 0


@dataclass
class _Lane:
    """One chunk stream: the header that the next chunk may leave out, and what came of a body."""

    kind: int = 0
    length: int = 0
    is_extended: bool = False
    body: bytearray = field(default_factory=bytearray)


async def play(
    url: RtmpUrl, seconds: float, seconds_max: float, hear: Hear | None = None
) -> Played:
    """Play a stream until `seconds` of media have come in, as measured here.

    `hear` is given each picture and piece of sound. Raises PlayError when nothing comes within
    `seconds_max`.
    """
    played = Played()
    stage = "nothing accepts connections"
    try:
        async with asyncio.timeout(seconds_max):
            reader, writer = await asyncio.open_connection(url.host, url.port)
            try:
                stage = "it does not speak RTMP"
                await shake(reader, writer)
                stage = "it serves no picture or sound under this name"
                await request(writer, url)
                await _count(reader, played, seconds, hear)
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError) as e:
        if not (played.video or played.audio):
            raise PlayError(f"{stage} ({e or type(e).__name__})") from e
    return played


async def shake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The client's side of the simple handshake."""
    writer.write(b"\x03" + bytes(_HANDSHAKE))
    greeting = await reader.readexactly(1 + 2 * _HANDSHAKE)
    writer.write(greeting[1 : 1 + _HANDSHAKE])


async def request(writer: asyncio.StreamWriter, url: RtmpUrl) -> None:
    """All three commands at once: a server answers them in this order, and stream 1 is free."""
    tc_url = f"rtmp://{url.host}:{url.port}/{url.app}"
    fields = _bare("app") + _text(url.app) + _bare("tcUrl") + _text(tc_url)
    connect = _text("connect") + _number(1) + b"\x03" + fields + b"\x00\x00\x09"
    writer.write(_message(0, connect))
    writer.write(_message(0, _text("createStream") + _number(2) + b"\x05"))
    writer.write(_message(1, _text("play") + _number(0) + b"\x05" + _text(url.name)))
    await writer.drain()


async def _count(
    reader: asyncio.StreamReader, played: Played, seconds: float, hear: Hear | None
) -> None:
    lanes: dict[int, _Lane] = {}
    chunk_bytes = 128
    first_s: float | None = None
    while first_s is None or time.monotonic() - first_s < seconds:
        lane = await _chunk(reader, lanes, chunk_bytes)
        if len(lane.body) < lane.length:
            continue
        body, lane.body = bytes(lane.body), bytearray()
        if lane.kind == _SET_CHUNK_SIZE and len(body) == 4:
            chunk_bytes = max(1, int.from_bytes(body, "big"))
        elif lane.kind in (_AUDIO, _VIDEO):
            played.video += lane.kind == _VIDEO
            played.audio += lane.kind == _AUDIO
            first_s = first_s or time.monotonic()
            if hear:
                hear(body)


async def _chunk(reader: asyncio.StreamReader, lanes: dict[int, _Lane], chunk_bytes: int) -> _Lane:
    first = (await reader.readexactly(1))[0]
    head_bytes, number = _HEAD_BYTES[first >> 6], first & 0x3F
    if number < 2:
        number = 64 + int.from_bytes(await reader.readexactly(number + 1), "little")
    lane = lanes.setdefault(number, _Lane())
    head = await reader.readexactly(head_bytes)
    if head_bytes >= 3:
        lane.is_extended = head[:3] == b"\xff\xff\xff"
    if head_bytes >= 7:
        lane.length, lane.kind = int.from_bytes(head[3:6], "big"), head[6]
    if lane.is_extended:
        await reader.readexactly(4)
    if lane.length > _MESSAGE_BYTES_MAX:
        raise EOFError("a message is longer than any picture")
    lane.body += await reader.readexactly(min(chunk_bytes, lane.length - len(lane.body)))
    return lane


def _message(stream: int, body: bytes) -> bytes:
    head = struct.pack(">B3s3sB", 3, bytes(3), len(body).to_bytes(3, "big"), _COMMAND)
    parts = [body[at : at + 128] for at in range(0, len(body), 128)]
    return head + struct.pack("<I", stream) + b"\xc3".join(parts)


def _bare(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")


def _text(text: str) -> bytes:
    return b"\x02" + _bare(text)


def _number(value: float) -> bytes:
    return b"\x00" + struct.pack(">d", value)
