"""Sessions of real clients as bytes, and what chance makes of them.

They are recorded when a test begins, through a forwarder that stands before a relay: nothing is
kept as a file. A mutation is decided by a seed alone, so a session that does harm can be repeated.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from agent.player import PlayError, play
from rtmp.addresses import RtmpAddress
from rtmp.handshake import PART_BYTES
from tests.doubles.tcp_server import tcp_server
from tests.mutations import MUTATIONS, Mutation, mutate
from tests.numbered_media import MESSAGES_A_GOP, publish_as_obs, send_media, unpublish, wire
from tests.ports import free_port

HANDSHAKE_BYTES = 1 + 2 * PART_BYTES
SESSION_BYTES_MAX = 250_000
"""Of a publisher's recording: its commands, headers and first pictures."""
RECORD_S = 4.0
PLAY_S = 0.5
_READ_BYTES = 65_536
HOST = "127.0.0.1"


@dataclass(slots=True)
class Recorder:
    """Forwards connections to a relay, and keeps what clients said: one list for each."""

    to: RtmpAddress
    port: int = field(default_factory=free_port)
    sessions: list[bytearray] = field(default_factory=list)

    @property
    def address(self) -> RtmpAddress:
        """Where clients go."""
        return RtmpAddress(HOST, self.port, self.to.app, self.to.name)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways."""
        kept = bytearray()
        self.sessions.append(kept)
        there, back = await asyncio.open_connection(self.to.host, self.to.port)
        try:
            ways = (_pump(reader, back, kept), _pump(there, writer, bytearray()))
            await asyncio.gather(*ways)
        finally:
            back.transport.abort()  # whoever stops the recorder stops it in the middle

    def last(self) -> bytes:
        """What the last client said, cut to a size that can be sent often."""
        return bytes(self.sessions[-1][:SESSION_BYTES_MAX])


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_READ_BYTES):
            kept += data[: max(0, SESSION_BYTES_MAX - len(kept))]
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def recorder(to: RtmpAddress) -> AsyncIterator[Recorder]:
    """A forwarder that listens."""
    recorder = Recorder(to)
    async with tcp_server(recorder.serve, HOST, recorder.port):
        yield recorder


async def _program(*command: str) -> None:
    """Run it for some seconds: it has said enough then."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(RECORD_S):
            await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()


async def ffmpeg_publishes(address: RtmpAddress, key: str) -> None:
    """A small test picture and a tone."""
    await _program(
        *(
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=160x90:r=15",
        ),
        *("-f", "lavfi", "-i", "sine", "-c:v", "libx264", "-preset", "ultrafast", "-g", "15"),
        *("-threads", "1", "-c:a", "aac", "-t", "2", "-f", "flv", f"{address.url}?key={key}"),
    )


async def ffprobe_plays(address: RtmpAddress, _: str) -> None:
    """As a check does."""
    await _program("ffprobe", "-v", "error", "-read_intervals", "%+1", address.url)


async def we_play(address: RtmpAddress, _: str) -> None:
    """The player of this tree."""
    with contextlib.suppress(PlayError):
        await play(address, PLAY_S, RECORD_S)


async def we_publish(address: RtmpAddress, key: str) -> None:
    """As OBS does, with our own media, up to its end."""
    async with wire(address) as to:
        await to.greet()
        await publish_as_obs(to, address, key)
        with contextlib.suppress(OSError):
            await send_media(to, until=lambda number: number > MESSAGES_A_GOP // 2)
            await unpublish(to, address)


Client = Callable[[RtmpAddress, str], Awaitable[None]]
PUBLISHERS: tuple[Client, ...] = (ffmpeg_publishes, we_publish)
PLAYERS: tuple[Client, ...] = (ffprobe_plays, we_play)


async def recorded(
    to_publish: RtmpAddress, to_play: RtmpAddress, key: str
) -> dict[str, list[bytes]]:
    """One session of each client, behind its handshake: publishers' and players'."""
    found: dict[str, list[bytes]] = {"publishers": [], "players": []}
    clients = (("publishers", to_publish, PUBLISHERS), ("players", to_play, PLAYERS))
    for what, to, kind in clients:
        async with recorder(to) as record:
            for client in kind:
                await client(record.address, key)
                session = record.last()
                assert len(session) > HANDSHAKE_BYTES + 100, (client, len(session))
                found[what].append(session)
    return found


def _script_first(data: bytearray, chance: Random, _: list[bytes]) -> None:
    """Script data of a name that relays look into, wherever it falls: often before `connect`."""
    at = 0 if chance.random() < 0.5 else chance.randrange(len(data))
    name = chance.choice((b"onMetaData", b"@setDataFrame", b"onTextData"))
    body = b"\x02" + len(name).to_bytes(2, "big") + name + chance.choice((b"", b"\x03", bytes(9)))
    kind = chance.choice((15, 17, 18, 20))
    data[at:at] = bytes([4, 0, 0, 0, 0, 0, len(body), kind, 0, 0, 0, 0]) + body


def _nest(data: bytearray, chance: Random, _: list[bytes]) -> None:
    """Objects in objects, in a message of their own."""
    body = (
        b"\x02\x00\x07connect\x00" + bytes(8) + b"\x03" + b"\x00\x01a\x03" * chance.choice((9, 900))
    )
    length = len(body).to_bytes(3, "big")
    head = b"\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x01\x00\x00"
    at = 0 if chance.random() < 0.5 else chance.randrange(len(data))
    data[at:at] = head + b"\x03\x00\x00\x00" + length + b"\x14" + bytes(4) + body


SESSION_MUTATIONS: tuple[Mutation, ...] = (*MUTATIONS, _script_first, _nest)


def mutated(sessions: list[bytes], seed: int) -> bytes:
    """One session with one to three mutations; in one of sixteen the handshake may be hit too."""
    chance = Random(seed)
    session = chance.choice(sessions)
    spared = 0 if chance.random() < 1 / 16 else HANDSHAKE_BYTES
    data = bytearray(session[spared:])
    others = [other[spared:] for other in sessions]
    mutate(data, chance, others, SESSION_MUTATIONS)
    return session[:spared] + bytes(data[:SESSION_BYTES_MAX])
