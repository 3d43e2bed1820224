"""The player says what ffprobe says, byte for byte behind the handshake."""

import asyncio
import struct

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
)
from rtmp.player import PLAYER_LIMITS

WAIT_S_MAX = 30.0
ANSWERS = {
    "connect": [
        number_message(MessageKind.WINDOW, 5_000_000),
        Message(MessageKind.BANDWIDTH, 0, 0, struct.pack(">IB", 4_000_000, 2)),
        command("_result", 1, {"fmsVer": "FMS/3,0,1,123"}, {"level": "status"}),
    ],
    "createStream": [command("_result", 2, None, 7)],
}


class Listener:
    """Answers until the stream was asked for, and hangs up; keeps what it heard."""

    def __init__(self) -> None:
        self.heard = b""

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One player."""
        c1 = await reader.readexactly(1 + PART_BYTES)
        writer.write(b"\x03" + bytes(PART_BYTES) + c1[1:])
        await reader.readexactly(PART_BYTES)
        chunks, answers = ChunkReader(PLAYER_LIMITS), ChunkWriter()
        self.heard = b""
        while data := await reader.read(65_536):
            self.heard += data
            chunks.feed(data)
            for message in iter(chunks.next_message, None):
                if message.kind == MessageKind.COMMAND:
                    said = ANSWERS.get(parse_command(message).name, [])
                    writer.write(b"".join(answers.write(3, answer) for answer in said))
                elif message.body[:2] == UserControl.BUFFER_LENGTH.to_bytes(2, "big"):
                    writer.close()  # that was the last thing that it says by itself
                    return


async def _ffprobe(address: RtmpAddress) -> None:
    argv = ("ffprobe", "-v", "quiet", address.url)
    process = await asyncio.create_subprocess_exec(*argv)
    await process.wait()


async def _ours(address: RtmpAddress) -> None:
    with pytest.raises(PlayError, match="closed the connection"):
        await play(address, 1.0, WAIT_S_MAX)


async def test_the_player_says_what_ffprobe_says() -> None:
    """Commands, their fields' order, channels, kinds of headers and times."""
    listener, heard = Listener(), []
    server = await asyncio.start_server(listener.listen, "127.0.0.1", 0)
    address = RtmpAddress("127.0.0.1", server.sockets[0].getsockname()[1], "live", "show-1")
    async with server, asyncio.timeout(WAIT_S_MAX):
        for player in (_ffprobe, _ours):
            await player(address)
            heard.append(listener.heard)
    assert heard[1] == heard[0]
    assert len(heard[0]) > 300
