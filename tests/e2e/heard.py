"""What a stream's messages are, byte for byte, as a player of this tree hears them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from agent.player import Streams, connected, until_asked
from rtmp.addresses import RtmpAddress
from rtmp.flv import PayloadKind, payload_of
from rtmp.messages import Message, MessageKind
from rtmp.player import Player

_READ_BYTES = 262_144
_PATIENCE_S = 40.0
_TAG_BYTES = 11
_TAIL_BYTES = 4
_FILE_BYTES = 9 + _TAIL_BYTES


async def hear(address: RtmpAddress, seconds: float) -> list[Message]:
    """Sounds and pictures of so many seconds, codec headers too. Raises EOFError."""
    player, found = Player(address), list[Message]()
    async with connected(address.host, address.port) as streams:
        await until_asked(streams, player)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await _hear_on(streams, player, found)
    return found


@asynccontextmanager
async def hearing(address: RtmpAddress) -> AsyncIterator[list[Message]]:
    """The same from now on and to the end of the block, as it comes."""
    player, found = Player(address), list[Message]()
    async with connected(address.host, address.port) as streams:
        await until_asked(streams, player)
        listening = asyncio.create_task(_hear_on(streams, player, found))
        try:
            yield found
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def _hear_on(streams: Streams, player: Player, found: list[Message]) -> None:
    reader, writer = streams
    while data := await reader.read(_READ_BYTES):
        player.feed(data)
        found += _media(player)
        writer.write(player.answers())
    raise EOFError("the server closed the connection")


async def until_heard(address: RtmpAddress, wanted: Callable[[Message], bool]) -> None:
    """Until such a message comes; a stream that is not there yet is asked for again."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            with contextlib.suppress(EOFError, OSError):
                if any(map(wanted, await hear(address, 1.0))):
                    return
            await asyncio.sleep(0.1)


def _media(player: Player) -> list[Message]:
    found = list[Message]()
    while isinstance(event := player.next_event(), Message):
        if event.kind != MessageKind.DATA:
            found.append(event)
    return found


def codecs(messages: list[Message]) -> set[str]:
    """By FourCC."""
    payloads = (payload_of(message) for message in messages)
    return {payload.codec for payload in payloads if payload}


def bodies(messages: list[Message]) -> list[bytes]:
    """Of frames alone: headers come to newcomers at any time."""
    kinds = ((message, payload_of(message)) for message in messages)
    return [m.body for m, payload in kinds if payload and payload.kind is PayloadKind.FRAMES]


def of_file(path: Path) -> list[Message]:
    """The whole tags of an FLV file that a player wrote."""
    data, at, found = path.read_bytes(), _FILE_BYTES, list[Message]()
    while at + _TAG_BYTES <= len(data):
        length = int.from_bytes(data[at + 1 : at + 4], "big")
        body = data[at + _TAG_BYTES : at + _TAG_BYTES + length]
        if data[at] in (MessageKind.AUDIO, MessageKind.VIDEO) and len(body) == length:
            found.append(Message(data[at], 1, 0, body))
        at += _TAG_BYTES + length + _TAIL_BYTES
    return found


def is_part(part: list[bytes], whole: list[bytes]) -> bool:
    """Whether one is heard within the other, without a gap and byte for byte."""
    if not part or part[0] not in whole:
        return False
    at = whole.index(part[0])
    return whole[at : at + len(part)] == part


async def is_heard_in(part: list[bytes], whole: list[Message]) -> bool:
    """The same of one that is still being heard, and may be a little behind."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            while not is_part(part, bodies(whole)):  # noqa: ASYNC110 - media set no event
                await asyncio.sleep(0.1)
    return is_part(part, bodies(whole))
