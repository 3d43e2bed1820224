"""More RTMP servers that misbehave, against the prober's own reader: what they attack is its time.

They connect as they should, and then make the reader work, wait or keep something, as far as they
may. `KINDS` of `hostile_servers` are tried beside them.
"""

import asyncio
import struct

from tests.integration.hostile_servers import Kind, Peer, amf, command, message

READER_KINDS: dict[str, Kind] = {}


def kind(misbehave: Kind) -> Kind:
    """Add a misbehaviour to the list."""
    READER_KINDS[getattr(misbehave, "__name__")] = misbehave  # noqa: B009  # as in hostile_servers
    return misbehave


async def _for_ever(peer: Peer, data: bytes) -> None:
    piece = data * max(1, 30_000 // len(data))
    while True:
        await peer.send(piece)


@kind
async def chunks_of_one_byte(peer: Peer) -> None:
    await peer.playing()
    await peer.send(message(1, struct.pack(">I", 1)))
    await _for_ever(peer, message(9, b"\x27\x01" + bytes(2000), stream=1, chunk=1))


@kind
async def sets_the_chunk_size_for_ever(peer: Peer) -> None:
    await peer.playing()
    await _for_ever(peer, message(1, struct.pack(">I", 128)))


@kind
async def aborts_for_ever(peer: Peer) -> None:
    await peer.playing()
    await _for_ever(peer, message(2, struct.pack(">I", 3)))


@kind
async def empty_sounds_for_ever(peer: Peer) -> None:
    await peer.playing()
    await _for_ever(peer, message(8, b"", stream=1))


@kind
async def sounds_of_one_byte_for_ever(peer: Peer) -> None:
    await peer.playing()
    await peer.send(message(8, b"\xaf", stream=1))
    await _for_ever(peer, b"\xc3\xaf")


@kind
async def asks_for_the_bandwidth_for_ever(peer: Peer) -> None:
    await peer.playing()
    await _for_ever(peer, command("onBWDone", 0, None))


@kind
async def commands_of_thousands_of_values(peer: Peer) -> None:
    await peer.playing()
    wide = amf("onStatus") + amf(0.0) + b"\x05" * 4000
    await _for_ever(peer, message(20, wide))


@kind
async def statuses_that_mean_nothing_for_ever(peer: Peer) -> None:
    await peer.playing()
    info = {"level": "status", "code": "NetStream.Data.Start", "description": "x" * 7000}
    await _for_ever(peer, command("onStatus", 0, None, {**info}))


@kind
async def deep_arrays_in_commands(peer: Peer) -> None:
    await peer.playing()
    await peer.send(message(20, amf("onStatus") + amf(0.0) + b"\x0a\x00\x00\x00\x01" * 1500))
    await peer.silence()


@kind
async def acknowledges_with_every_byte(peer: Peer) -> None:
    await peer.playing()
    await peer.send(message(5, bytes(4)))
    await _for_ever(peer, message(8, b"\xaf\x01" + bytes(20), stream=1))


@kind
async def reads_no_answer(peer: Peer) -> None:
    await peer.playing()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's can
    await _for_ever(peer, message(4, b"\x00\x06" + bytes(4)))


@kind
async def modifiers_without_end(peer: Peer) -> None:
    await peer.playing()
    await _for_ever(peer, message(9, b"\x97" + b"\x00\x00\x07" * 5000, stream=1))


@kind
async def tracks_longer_than_their_message(peer: Peer) -> None:
    await peer.playing()
    body = b"\x96\x11avc1" + b"\x00\xff\xff\xff" + bytes(50)
    await _for_ever(peer, message(9, body, stream=1))


@kind
async def tracks_without_number(peer: Peer) -> None:
    await peer.playing()
    body = b"\x96\x11avc1" + b"".join(bytes((n % 256, 0, 0, 0)) for n in range(2000))
    await _for_ever(peer, message(9, body, stream=1))


@kind
async def aggregates_of_empty_tags(peer: Peer) -> None:
    await peer.playing()
    await _for_ever(peer, message(22, (b"\x08" + bytes(14)) * 2000, stream=1))


@kind
async def metadata_for_ever(peer: Peer) -> None:
    await peer.playing()
    await _for_ever(peer, message(18, amf("onMetaData") + b"\x08\xff\xff\xff\xff" + b"\x05" * 3000))


@kind
async def marks_of_noise(peer: Peer) -> None:
    await peer.playing()
    body = amf("onRelayMark") + amf("A" * 4000)
    await _for_ever(peer, message(18, body, stream=1))


@kind
async def half_messages_on_every_channel(peer: Peer) -> None:
    await peer.playing()
    for channel in range(4, 64):
        head = bytes([channel, 0, 0, 0]) + b"\x70\x00\x00" + b"\x09" + bytes(4)
        await peer.send(head + bytes(128))
    for _ in range(3000):
        await peer.send(b"".join(bytes([0xC0 | channel]) + bytes(128) for channel in range(4, 64)))
    await peer.silence()


@kind
async def two_answers_to_everything(peer: Peer) -> None:
    await peer.connected()
    ok = command("_result", 1, None, {"code": "NetConnection.Connect.Success"})
    await peer.send(
        ok * 2 + command("_result", 2, None, 1.0) * 2 + command("_result", 2, None, 9.0)
    )
    await peer.silence()


@kind
async def a_stream_of_no_number(peer: Peer) -> None:
    await peer.connected()
    await peer.send(command("_result", 2, None, float("nan")))
    await peer.silence()


@kind
async def ends_the_stream_at_once(peer: Peer) -> None:
    await peer.playing()
    await peer.send(message(4, b"\x00\x01" + bytes(4)))
    await peer.silence()


@kind
async def more_than_any_line_carries(peer: Peer) -> None:
    await peer.playing()
    await peer.send(message(1, struct.pack(">I", 60_000)))
    noise = peer.random.randbytes(50_000)
    await _for_ever(peer, message(9, b"\x27\x01\x00\x00\x00" + noise, stream=1, chunk=60_000))


@kind
async def a_byte_a_second(peer: Peer) -> None:
    await peer.handshake()
    for byte in command("_result", 1, None):
        await peer.send(bytes([byte]))
        await asyncio.sleep(1)
