"""The player says what ffprobe, VLC and mpv say, byte for byte, whatever a server asks of it."""

import asyncio
import contextlib
import hmac
import os
import struct
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from agent.player import PlayError, play
from rtmp.addresses import RtmpAddress
from rtmp.chunks import ChunkReader, ChunkWriter
from rtmp.handshake import PART_BYTES
from rtmp.messages import (
    Message,
    MessageKind,
    UserControl,
    command,
    number_message,
    parse_command,
    user_control,
)
from rtmp.player import PLAYER_LIMITS
from tests.doubles.tcp_server import tcp_server

WAIT_S_MAX = 60.0
SECRET = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")
SERVER = b"Genuine Adobe Flash Media Server 001"
ANSWERS = {
    "connect": [
        number_message(MessageKind.WINDOW, 6_000),
        Message(MessageKind.BANDWIDTH, 0, 0, struct.pack(">IB", 4_000_000, 2)),
        command("onBWDone", 0, None, 8192),
        command("_result", 1, {"fmsVer": "FMS/3,0,1,123"}, {"level": "status"}),
    ],
    "createStream": [command("_result", 3, None, 7)],
}
PINGS = [
    user_control(UserControl.PING_REQUEST, bytes(4))._replace(timestamp_ms=at_ms)
    for at_ms in (40, 40, 83, 126, 169)
]
"""At the same time, and at even steps: the answers' headers leave out what they can."""
SHOWN = [
    command("onStatus", 0, None, {"level": "status", "code": "NetStream.Play.Start"}),
    Message(MessageKind.AUDIO, 7, 0, b"\xaf\x00\x12\x10"),
    *(Message(MessageKind.AUDIO, 7, 23 * n, b"\xaf\x01" + bytes(498)) for n in range(40)),
    command("onBWDone", 0, None),
    *PINGS,
]


def plain(c1: bytes) -> bytes:
    """S0, S1 and S2 of a server without a digest."""
    return b"\x03" + bytes(PART_BYTES) + c1


def with_digest(c1: bytes) -> bytes:
    """Those of a server that has one, as nginx-rtmp and Adobe's."""
    s1 = bytearray(b"\x00\x00\x00\x07\x04\x05\x00\x01" + Random(7).randbytes(PART_BYTES - 8))
    at, theirs = _place(s1), _place(c1)
    s1[at : at + 32] = hmac.digest(SERVER, s1[:at] + s1[at + 32 :], "sha256")
    key = hmac.digest(SERVER + SECRET, c1[theirs : theirs + 32], "sha256")
    said = Random(11).randbytes(PART_BYTES - 32)
    return b"\x03" + bytes(s1) + said + hmac.digest(key, said, "sha256")


def with_wrong_digest(c1: bytes) -> bytes:
    """Those of a server that only says that it has one: players hang up."""
    return with_digest(c1)[:-1] + b"\x00"


def _place(part: bytes | bytearray) -> int:
    return sum(part[8:12]) % 728 + 12


class Listener:
    """Shows a little, asks much, and hangs up; keeps what it heard."""

    def __init__(self, greet: Callable[[bytes], bytes]) -> None:
        self.heard = b""
        self.is_over = asyncio.Event()
        self._greet = greet

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One player."""
        try:
            await self._hear(reader, writer)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.heard += getattr(error, "partial", b"") + b" hung up"
        finally:
            self.is_over.set()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard = await reader.readexactly(1 + PART_BYTES)
        writer.write(self._greet(self.heard[1:]))
        self.heard += await reader.readexactly(PART_BYTES)
        chunks, answers = ChunkReader(PLAYER_LIMITS), ChunkWriter()
        pongs = 0
        while pongs < len(PINGS) and (data := await reader.read(65_536)):
            self.heard += data
            chunks.feed(data)
            for message in iter(chunks.next_message, None):
                said: list[Message] = []
                if message.kind == MessageKind.COMMAND:
                    said = ANSWERS.get(parse_command(message).name, [])
                elif message.body[:2] == UserControl.BUFFER_LENGTH.to_bytes(2, "big"):
                    said = SHOWN
                pongs += message.body[:2] == UserControl.PING_RESPONSE.to_bytes(2, "big")
                writer.write(b"".join(answers.write(3, answer) for answer in said))


async def _run(*argv: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ffprobe(address: RtmpAddress) -> None:
    """As the prober's second reader."""
    await _run("ffprobe", "-v", "quiet", address.url)


async def vlc(address: RtmpAddress) -> None:
    """Without a screen or a sound."""
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/tmp")
    quiet = ("-q", "--no-lua", "--no-video", "--aout=dummy", "--play-and-exit")
    await _run(*(nobody if os.geteuid() == 0 else ()), "cvlc", *quiet, address.url, "vlc://quit")


async def mpv(address: RtmpAddress) -> None:
    """Likewise."""
    await _run("mpv", "--no-config", "--vo=null", "--ao=null", "--quiet", address.url)


async def ours(address: RtmpAddress) -> None:
    """The player of this tree."""
    with contextlib.suppress(PlayError):
        await play(address, WAIT_S_MAX, WAIT_S_MAX)


async def heard_of(
    player: Callable[[RtmpAddress], Awaitable[None]], greet: Callable[[bytes], bytes]
) -> bytes:
    """What a player says, from its first byte on, until the server has nothing more to ask."""
    listener = Listener(greet)
    # The port is a part of what is said.
    async with tcp_server(listener.listen) as port, asyncio.timeout(WAIT_S_MAX):
        await player(RtmpAddress("127.0.0.1", port, "live", "show-1"))
        await listener.is_over.wait()
    return listener.heard.replace(str(port).encode(), b"PORT")


@pytest.mark.parametrize("greet", [plain, with_digest, with_wrong_digest])
async def test_the_player_says_what_ffprobe_says(greet: Callable[[bytes], bytes]) -> None:
    """Handshake, commands and their fields' order, channels, headers, answers and times."""
    theirs = await heard_of(ffprobe, greet)
    assert await heard_of(ours, greet) == theirs
    hung_up = greet is with_wrong_digest
    assert theirs.endswith(b" hung up") is hung_up
    assert hung_up or theirs.count(b"_checkbw") == 2


@pytest.mark.parametrize("player", [vlc, mpv])
async def test_viewers_players_say_the_same(
    player: Callable[[RtmpAddress], Awaitable[None]],
) -> None:
    """They stand on the same library, and change nothing."""
    assert await heard_of(player, plain) == await heard_of(ours, plain)
