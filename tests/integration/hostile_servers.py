"""RTMP servers that misbehave, one function each: what strangers may do to a check.

A function gets a connection and does its worst; the server closes the connection after it. The
set `KINDS` is filled by the decorator, so a new misbehaviour is one function and nothing else.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from random import Random

from tests.doubles.tcp_server import tcp_server

Value = float | str | bool | None | dict[str, "Value"]
FOREVER_S = 60.0
"""Longer than any capture: the prober must end it."""


@dataclass(slots=True)
class Peer:
    """One connection of a victim, and the address it must never be lured to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    bait_port: int
    random: Random

    async def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def silence(self) -> None:
        """Keep the connection, and say nothing more."""
        await asyncio.sleep(FOREVER_S)

    async def drip(self, data: bytes) -> None:
        """A byte every tenth of a second."""
        for n in range(len(data)):
            await self.send(data[n : n + 1])
            await asyncio.sleep(0.1)

    async def handshake(self) -> None:
        """A right one."""
        asked = await self.reader.readexactly(1537)
        await self.send(b"\x03" + bytes(8) + self.random.randbytes(1528) + asked[1:])
        await self.reader.readexactly(1536)

    async def connected(self) -> None:
        """Handshake and a right answer to `connect`."""
        await self.handshake()
        ok: dict[str, Value] = {"level": "status", "code": "NetConnection.Connect.Success"}
        await self.send(command("_result", 1, {"fmsVer": "FMS/3,0,1,123"}, ok))

    async def playing(self) -> None:
        """Everything right until the first packet."""
        await self.connected()
        await self.send(command("_result", 2, None, 1.0))
        start: dict[str, Value] = {"level": "status", "code": "NetStream.Play.Start"}
        await self.send(command("onStatus", 0, None, start))


Kind = Callable[[Peer], Awaitable[None]]
KINDS: dict[str, Kind] = {}


def kind(misbehave: Kind) -> Kind:
    """Add a misbehaviour to the list."""
    KINDS[getattr(misbehave, "__name__")] = misbehave  # noqa: B009  # a Callable type has no name
    return misbehave


@contextlib.asynccontextmanager
async def serving(misbehave: Kind, bait_port: int, seed: int = 0) -> AsyncIterator[int]:
    """A server on loopback that treats every connection like that; yields its port."""

    async def treat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await misbehave(Peer(reader, writer, bait_port, Random(seed)))

    async with tcp_server(treat) as port:
        yield port


def amf(value: Value) -> bytes:
    """A value in AMF0."""
    if value is None:
        return b"\x05"
    if isinstance(value, bool):
        return bytes([1, value])
    if isinstance(value, str):
        return b"\x02" + _text(value)
    if isinstance(value, dict):
        fields = b"".join(_text(key) + amf(one) for key, one in value.items())
        return b"\x03" + fields + b"\x00\x00\x09"
    return b"\x00" + struct.pack(">d", value)


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def message(
    kind_id: int, body: bytes, *, time_ms: int = 0, stream: int = 0, chunk: int = 128
) -> bytes:
    """One RTMP message in chunks."""
    head = b"\x03" + time_ms.to_bytes(3, "big") + len(body).to_bytes(3, "big")
    head += bytes([kind_id]) + stream.to_bytes(4, "little")
    parts = [body[n : n + chunk] for n in range(0, len(body), chunk)]
    return head + b"\xc3".join(parts)


def command(name: str, number: float, *values: Value) -> bytes:
    """A command message in AMF0."""
    return message(20, b"".join(map(amf, (name, number, *values))))


def sounds(random: Random, count: int) -> Iterable[bytes]:
    """Well-formed AAC messages of random bytes, the header first."""
    yield message(8, b"\xaf\x00\x12\x10", stream=1)
    for n in range(count):
        body = b"\xaf\x01" + random.randbytes(180)
        yield message(8, body, time_ms=n * 23, stream=1)


# -- before the handshake is over ----------------------------------------------------------


@kind
async def says_nothing(peer: Peer) -> None:
    await peer.silence()


@kind
async def closes_at_once(peer: Peer) -> None:
    peer.writer.close()


@kind
async def resets_the_connection(peer: Peer) -> None:
    peer.writer.transport.abort()


@kind
async def garbage_as_handshake(peer: Peer) -> None:
    await peer.send(peer.random.randbytes(3073))
    await peer.silence()


@kind
async def half_a_handshake(peer: Peer) -> None:
    await peer.send(b"\x03" + bytes(700))
    await peer.silence()


@kind
async def drips_the_handshake(peer: Peer) -> None:
    await peer.drip(b"\x03" + bytes(3072))


@kind
async def wants_encryption(peer: Peer) -> None:
    await peer.send(b"\x06" + peer.random.randbytes(3072))
    await peer.silence()


@kind
async def digest_handshake_of_zeros(peer: Peer) -> None:
    await peer.send(b"\x03" + bytes(4) + b"\x05\x00\x01\x01" + bytes(3064))
    await peer.silence()


@kind
async def redirects_in_http(peer: Peer) -> None:
    where = f"http://127.0.0.1:{peer.bait_port}/"
    await peer.send(f"HTTP/1.1 302 Found\r\nLocation: {where}\r\n\r\n".encode())
    await peer.silence()


@kind
async def speaks_tls(peer: Peer) -> None:
    await peer.send(b"\x15\x03\x01\x00\x02\x02\x28" * 500)
    await peer.silence()


@kind
async def endless_zeros(peer: Peer) -> None:
    while True:
        await peer.send(bytes(65_536))


@kind
async def endless_noise(peer: Peer) -> None:
    noise = peer.random.randbytes(65_536)
    while True:
        await peer.send(noise)


# -- chunks --------------------------------------------------------------------------------


@kind
async def silent_after_the_handshake(peer: Peer) -> None:
    await peer.handshake()
    await peer.silence()


@kind
async def closes_after_the_handshake(peer: Peer) -> None:
    await peer.handshake()


@kind
async def junk_chunks(peer: Peer) -> None:
    await peer.handshake()
    while True:
        await peer.send(peer.random.randbytes(4096))


@kind
async def a_message_of_16_megabytes(peer: Peer) -> None:
    await peer.playing()
    await peer.send(message(1, struct.pack(">I", 0x7FFFFFFF)))
    await peer.send(message(9, bytes(0xFFFFFF), stream=1, chunk=0xFFFFFF))
    await peer.silence()


@kind
async def a_message_that_never_ends(peer: Peer) -> None:
    await peer.playing()
    await peer.send(message(9, bytes(0xFFFFFF), stream=1)[:100_000])
    await peer.silence()


@kind
async def chunks_of_no_bytes(peer: Peer) -> None:
    await peer.handshake()
    await peer.send(message(1, bytes(4)) + command("_result", 1, None))
    await peer.silence()


@kind
async def chunks_of_negative_size(peer: Peer) -> None:
    await peer.handshake()
    await peer.send(message(1, b"\xff\xff\xff\xff") + command("_result", 1, None))
    await peer.silence()


@kind
async def short_control_messages(peer: Peer) -> None:
    await peer.handshake()
    for kind_id in range(1, 24):
        await peer.send(message(kind_id, b"\x00"))
    await peer.silence()


@kind
async def a_window_of_zero(peer: Peer) -> None:
    await peer.handshake()
    await peer.send(message(5, bytes(4)) + message(6, bytes(4) + b"\x02"))
    await peer.silence()


@kind
async def thousands_of_channels(peer: Peer) -> None:
    await peer.playing()
    for channel in range(64, 65_536):
        head = b"\x01" + (channel - 64).to_bytes(2, "little")
        await peer.send(head + bytes(3) + b"\xff\xff\xff" + b"\x09" + bytes(4) + bytes(128))
    await peer.silence()


@kind
async def continues_what_never_began(peer: Peer) -> None:
    await peer.handshake()
    await peer.send((b"\xff" + bytes(128)) * 100)
    await peer.silence()


@kind
async def changes_the_length_midway(peer: Peer) -> None:
    await peer.playing()
    for length in (300, 10, 0xFFFFFF, 1, 0):
        await peer.send(b"\x04" + bytes(3) + length.to_bytes(3, "big") + b"\x09" + bytes(132))
    await peer.silence()


@kind
async def floods_with_pings(peer: Peer) -> None:
    await peer.playing()
    while True:
        await peer.send(message(4, b"\x00\x06" + bytes(4)) * 200)


# -- commands ------------------------------------------------------------------------------


@kind
async def refuses_to_connect(peer: Peer) -> None:
    await peer.handshake()
    code: dict[str, Value] = {"level": "error", "code": "NetConnection.Connect.Rejected"}
    await peer.send(command("_error", 1, None, code))
    await peer.silence()


@kind
async def redirects_the_connection(peer: Peer) -> None:
    await peer.handshake()
    there: dict[str, Value] = {"code": 302.0, "redirect": f"rtmp://127.0.0.1:{peer.bait_port}/live"}
    code: dict[str, Value] = {"level": "error", "code": "NetConnection.Connect.Rejected"}
    await peer.send(command("_error", 1, None, code | {"ex": there, **there}))
    await peer.silence()


@kind
async def redirects_the_stream(peer: Peer) -> None:
    await peer.connected()
    there = f"rtmp://127.0.0.1:{peer.bait_port}/live/show"
    info: dict[str, Value] = {"level": "status", "code": "NetStream.Play.Switch"}
    await peer.send(command("_result", 2, None, 1.0))
    await peer.send(command("onStatus", 0, None, info | {"details": there, "redirect": there}))
    await peer.silence()


@kind
async def asks_for_a_password_again_and_again(peer: Peer) -> None:
    await peer.handshake()
    says = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : "
    says += f"?reason=needauth&user=x&salt=a&challenge=b&opaque=rtmp://127.0.0.1:{peer.bait_port}"
    await peer.send(command("_error", 1, None, {"level": "error", "description": says}))


@kind
async def nested_objects(peer: Peer) -> None:
    await peer.handshake()
    body = amf("_result") + amf(1.0) + b"\x03\x00\x01a" * 20_000
    await peer.send(message(20, body))
    await peer.silence()


@kind
async def a_string_longer_than_its_message(peer: Peer) -> None:
    await peer.handshake()
    await peer.send(message(20, b"\x02\xff\xffab") + message(20, b"\x0c\xff\xff\xff\xffab"))
    await peer.silence()


@kind
async def an_array_of_four_thousand_million(peer: Peer) -> None:
    await peer.handshake()
    body = amf("_result") + amf(1.0) + b"\x0a\xff\xff\xff\xff" + b"\x08\xff\xff\xff\xff"
    await peer.send(message(20, body))
    await peer.silence()


@kind
async def values_of_unknown_types(peer: Peer) -> None:
    await peer.handshake()
    for number in range(256):
        await peer.send(message(20, amf("_result") + amf(1.0) + bytes([number]) * 9))
    await peer.silence()


@kind
async def answers_in_amf3(peer: Peer) -> None:
    await peer.handshake()
    await peer.send(message(17, b"\x00" + amf("_result") + b"\x11\x0a\xff\xff\xff\xff"))
    await peer.silence()


@kind
async def never_creates_the_stream(peer: Peer) -> None:
    await peer.connected()
    await peer.silence()


@kind
async def a_stream_that_is_not_a_number(peer: Peer) -> None:
    await peer.connected()
    await peer.send(command("_result", 2, None, float("nan")) + command("_result", 2))
    await peer.silence()


@kind
async def calls_back_without_end(peer: Peer) -> None:
    await peer.connected()
    while True:
        await peer.send(command("onBWDone", 0, None) + command("_checkbw", 9, None))


@kind
async def a_log_line_of_another_port(peer: Peer) -> None:
    """Whatever an error text says, the prober must not take it for evidence."""
    await peer.handshake()
    says = "x\n[tcp @ 0x1] Connection attempt to 127.0.0.1 port 1 failed: Connection refused\n"
    await peer.send(command("_error", 1, None, {"level": "error", "description": says * 300}))
    await peer.silence()


# -- media ---------------------------------------------------------------------------------


@kind
async def plays_nothing(peer: Peer) -> None:
    await peer.playing()
    await peer.silence()


@kind
async def ends_as_it_begins(peer: Peer) -> None:
    await peer.playing()
    await peer.send(command("onStatus", 0, None, {"code": "NetStream.Play.Stop"}))
    await peer.send(message(4, b"\x00\x01\x00\x00\x00\x01"))


@kind
async def packets_of_no_bytes(peer: Peer) -> None:
    await peer.playing()
    while True:
        await peer.send(message(9, b"", stream=1) + message(8, b"", stream=1))
        await asyncio.sleep(0.01)


@kind
async def broken_aggregates(peer: Peer) -> None:
    await peer.playing()
    for size in (0, 5, 200, 0xFFFFFF):
        body = b"\x09" + size.to_bytes(3, "big") + bytes(40) + b"\xff\xff\xff\xff"
        await peer.send(message(22, body, stream=1))
    await peer.silence()


@kind
async def an_impossible_picture(peer: Peer) -> None:
    await peer.playing()
    await peer.send(message(9, b"\x17\x00\x00\x00\x00" + peer.random.randbytes(900), stream=1))
    for n in range(500):
        nal = struct.pack(">I", peer.random.choice([0, 1, 0xFFFFFFFF])) + peer.random.randbytes(300)
        body = b"\x17\x01\x00\x00\x00" + nal
        await peer.send(message(9, body, time_ms=n * 66, stream=1))
    await peer.silence()


@kind
async def metadata_without_measure(peer: Peer) -> None:
    await peer.playing()
    vast: dict[str, Value] = {"width": 1e9, "height": 1e9, "duration": -1.0, "videocodecid": 7.0}
    body = amf("onMetaData") + amf(vast | {f"k{n}": "v" * 900 for n in range(900)})
    await peer.send(message(18, body, stream=1))
    await peer.silence()


@kind
async def every_codec_there_is(peer: Peer) -> None:
    await peer.playing()
    for n in range(256):
        for kind_id in (8, 9):
            body = bytes([n]) + peer.random.randbytes(200)
            await peer.send(message(kind_id, body, time_ms=n, stream=1))
    await peer.silence()


@kind
async def endless_sound_of_noise(peer: Peer) -> None:
    await peer.playing()
    for sound in sounds(peer.random, 10**9):
        await peer.send(sound)


@kind
async def timestamps_at_random(peer: Peer) -> None:
    await peer.playing()
    for sound in sounds(peer.random, 2000):
        await peer.send(sound[:1] + peer.random.randbytes(3) + sound[4:])
    await peer.silence()


@kind
async def drips_the_media(peer: Peer) -> None:
    await peer.playing()
    await peer.drip(b"".join(sounds(peer.random, 100)))


async def fuzzed(peer: Peer) -> None:
    """A right session with one byte in a hundred changed, the handshake spared."""
    await peer.playing()
    data = bytearray(b"".join(sounds(peer.random, 400)))
    for _ in range(len(data) // 100):
        data[peer.random.randrange(len(data))] = peer.random.randrange(256)
    await peer.send(bytes(data))
    await peer.silence()
