"""The catalogue's third part: publishers with the right key who lie, or send without end.

It is a list with an entry for each lie, so it is as long as there are lies.
"""

from collections.abc import Awaitable, Callable

from rtmp.amf import encode
from rtmp.marks import MARK_NAME
from rtmp.messages import Message, MessageKind, command
from tests.e2e.coordinator_stand_in import STREAM_ID, STREAM_KEY
from tests.integration.hostile_clients import CLOSED, TOLERATED, Expectation, misbehaviour
from tests.integration.hostile_messages import chunk
from tests.integration.hostile_orders import play, publish
from tests.integration.hostile_peer import Peer
from tests.numbered_media import headers, numbered

AUDIO, VIDEO, DATA = MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DATA
HOSTILE_STREAMS: list[str] = []
"""Streams that hostile publishers may publish, by the key of the honest one."""
PublisherAct = Callable[[Peer], Awaitable[None]]


def publisher(expected: Expectation) -> Callable[[PublisherAct], PublisherAct]:
    """Enters one who publishes a stream of its own at the ingest, and then does its worst."""

    def enter(act: PublisherAct) -> PublisherAct:
        name = f"hostile-{len(HOSTILE_STREAMS)}"
        HOSTILE_STREAMS.append(name)

        async def publishes(peer: Peer) -> None:
            await peer.publish(name, STREAM_KEY)
            await act(peer)

        publishes.__name__ = f"publishes_{act.__name__}"
        misbehaviour(expected, "ingest")(publishes)
        return act

    return enter


async def _media(peer: Peer, *messages: Message) -> None:
    for message in messages:
        if peer.is_closed:
            return
        await peer.say(message, channel={AUDIO: 4, VIDEO: 6}.get(MessageKind(message.kind), 5))


def _video(body: bytes, time_ms: int = 0) -> Message:
    return Message(VIDEO, 1, time_ms, body)


@publisher(CLOSED)
async def and_plays(peer: Peer) -> None:
    await peer.say(play(STREAM_ID))


@publisher(CLOSED)
async def twice(peer: Peer) -> None:
    await peer.say(publish(f"{HOSTILE_STREAMS[0]}?key={STREAM_KEY}"))


@publisher(CLOSED)
async def a_message_that_is_too_long(peer: Peer) -> None:
    await peer.send(chunk(VIDEO, bytes(128), length=8_000_001, channel=6))


@publisher(CLOSED)
async def a_length_that_is_too_short(peer: Peer) -> None:
    """What is left of the body is read as headers."""
    await peer.send(chunk(VIDEO, b"\x27\x01\x00\x00\x00" + b"\xee" * 4000, length=100, channel=6))


@publisher(TOLERATED)
async def a_length_that_is_too_long(peer: Peer) -> None:
    """The next messages are its body; then it goes on."""
    await peer.send(chunk(DATA, bytes(128), length=128 * 3, channel=6))
    for _ in range(2):
        await peer.send(bytes([3 << 6 | 6]) + bytes(128))


@publisher(CLOSED)
async def half_messages_on_every_channel(peer: Peer) -> None:
    await peer.send(peer.chunks.resize(1_000_000))
    for channel in range(3, 60):
        await peer.send(chunk(VIDEO, bytes(1_000_000), length=7_999_999, channel=channel))


@publisher(TOLERATED)
async def times_round_the_circle(peer: Peer) -> None:
    await _media(peer, *headers())
    for n, time_ms in enumerate(
        (0, 2**32 - 1, 5, 2**31, 2**31 - 1, 0xFFFFFF, 0xFFFFFE, 2**32 - 40)
    ):
        for m in range(20):
            await _media(peer, numbered(100 * n + m)._replace(timestamp_ms=(time_ms + m) % 2**32))


@publisher(TOLERATED)
async def times_backward(peer: Peer) -> None:
    await _media(peer, *headers())
    for n in range(500):
        await _media(peer, numbered(n)._replace(timestamp_ms=5_000_000 - 40 * n))


@publisher(CLOSED)
async def codec_headers_without_end(peer: Peer) -> None:
    for n in range(300):
        track = b"\x96\x00\x10avc1" + bytes([n % 256]) + b"\x01\x64"
        await _media(peer, _video(track), Message(AUDIO, 1, 0, b"\x95\x00mp4a" + bytes([n % 256])))


@publisher(TOLERATED)
async def the_same_headers_a_thousand_times(peer: Peer) -> None:
    for _ in range(1000):
        await _media(peer, *headers()[1:])


@publisher(TOLERATED)
async def no_key_frame_ever(peer: Peer) -> None:
    await _media(peer, *headers())
    for n in range(2, 2000, 2):
        await _media(peer, _video(b"\x27" + numbered(n).body[1:], n * 20))


@publisher(TOLERATED)
async def forty_megabytes_behind_one_key_frame(peer: Peer) -> None:
    await peer.send(peer.chunks.resize(65_536))
    peer.chunk_bytes = 65_536
    await _media(peer, *headers(), numbered(0))
    for n in range(40):
        await _media(peer, _video(b"\x27\x01\x00\x00\x00" + bytes(1_000_000), n))


@publisher(TOLERATED)
async def metadata_of_8_megabytes(peer: Peer) -> None:
    await peer.send(peer.chunks.resize(65_536))
    peer.chunk_bytes = 65_536
    body = (
        encode("@setDataFrame", "onMetaData")
        + b"\x03\x00\x01k\x0c"
        + (7_900_000).to_bytes(4, "big")
    )
    await _media(peer, Message(DATA, 1, 0, body + b"m" * 7_900_000 + b"\x00\x00\x09"))


@publisher(TOLERATED)
async def metadata_of_a_megabyte_thirty_times(peer: Peer) -> None:
    await peer.send(peer.chunks.resize(65_536))
    peer.chunk_bytes = 65_536
    for n in range(30):
        body = encode("onMetaData") + b"\x03\x00\x01k\x0c\x00\x0f\x42\x40" + bytes([n]) * 1_000_000
        await _media(peer, Message(DATA, 1, 0, body + b"\x00\x00\x09"))


@publisher(TOLERATED)
async def metadata_that_is_no_amf(peer: Peer) -> None:
    for tail in (b"", b"\x03", b"\x03" + b"\x00\x01a\x03" * 2000, b"\x08\xff\xff\xff\xff", b"\xff"):
        await _media(peer, Message(DATA, 1, 0, encode("@setDataFrame", "onMetaData") + tail))
    vast = {
        "width": 1e300,
        "height": float("nan"),
        "framerate": float("inf"),
        "audiochannels": -7.0,
    }
    await _media(peer, Message(DATA, 1, 0, encode("onMetaData", {**vast, "audiosamplerate": "x"})))


@publisher(TOLERATED)
async def empty_messages(peer: Peer) -> None:
    for n in range(3000):
        await _media(peer, Message((AUDIO, VIDEO, DATA)[n % 3], 1, n, b""))


@publisher(CLOSED)
async def one_byte_of_video(peer: Peer) -> None:
    await _media(peer, _video(b"\x17"))


@publisher(CLOSED)
async def a_codec_name_cut_off(peer: Peer) -> None:
    await _media(peer, _video(b"\x91hv"))


@publisher(CLOSED)
async def modifiers_without_end(peer: Peer) -> None:
    await _media(peer, _video(b"\x97" + b"\x00\x00\x07" * 2000))


@publisher(CLOSED)
async def a_thousand_tracks_in_one_message(peer: Peer) -> None:
    await _media(peer, _video(b"\x96\x11avc1" + b"\x01\x00\x00\x00" * 1000))


@publisher(CLOSED)
async def an_aggregate_cut_off(peer: Peer) -> None:
    await _media(peer, Message(MessageKind.AGGREGATE, 1, 0, b"\x09\x00\xff\xff" + bytes(30)))


@publisher(CLOSED)
async def an_aggregate_of_a_hundred_thousand_tags(peer: Peer) -> None:
    await peer.send(peer.chunks.resize(65_536))
    tag = b"\x08\x00\x00\x00" + bytes(7) + b"\x00\x00\x00\x0b"
    await _media(peer, Message(MessageKind.AGGREGATE, 1, 0, tag * 100_000))


@publisher(TOLERATED)
async def every_codec_there_is(peer: Peer) -> None:
    for n in range(256):
        if n & 0xF0 != 0x90 and not n & 0x80:
            await _media(
                peer, _video(bytes([n]) + bytes(40), n), Message(AUDIO, 1, n, bytes([n, 1, 2]))
            )


@publisher(TOLERATED)
async def unknown_types(peer: Peer) -> None:
    for kind in (0, 7, 10, 11, 12, 13, 14, 16, 19, 21, 23, 99, 255):
        await peer.say(Message(kind, 1, 0, bytes(50)), channel=8)


@publisher(TOLERATED)
async def two_thousand_script_data(peer: Peer) -> None:
    for n in range(2000):
        await _media(peer, Message(DATA, 1, n, encode(f"on{n}", float(n))))


@publisher(TOLERATED)
async def marks_of_its_own(peer: Peer) -> None:
    """The ingest hands on none of them: nobody but it signs."""
    name = MARK_NAME.encode()
    long_name = b"\x0c" + len(name).to_bytes(4, "big") + name
    bodies = [
        encode(MARK_NAME),
        encode(MARK_NAME, "QUJD" * 100),
        encode(MARK_NAME, "A" * 65_000),
        encode(MARK_NAME, {"a": [1.0, {}]}),
        encode(MARK_NAME) + b"\x03\x00\x01a" * 2000,
        encode("@setDataFrame", MARK_NAME, "QUJD"),
        long_name + encode("QUJD"),
    ]
    await _media(peer, *headers(), numbered(0))
    for n in range(200):
        await _media(peer, *(Message(DATA, 1, n, body) for body in bodies))
        await _media(peer, Message(MessageKind.AMF3_DATA, 1, n, b"\x00" + bodies[1]))


@publisher(CLOSED)
async def and_unpublishes_in_mid_message(peer: Peer) -> None:
    await peer.send(chunk(VIDEO, bytes(128), length=5000, channel=6))
    await peer.say(command("FCUnpublish", 6.0, None, "x"))


@publisher(TOLERATED)
async def pings_between_one_byte_chunks(peer: Peer) -> None:
    await peer.send(peer.chunks.resize(1))
    peer.chunk_bytes = 1
    await _media(peer, *headers())
    for n in range(1, 40, 2):
        await _media(peer, numbered(n))
