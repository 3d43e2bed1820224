"""The catalogue's first part: handshakes, chunks and AMF that are not what they should be.

It is a list with an entry for each fault, so it is as long as there are faults.
"""

import asyncio
from random import Random

from rtmp.amf import encode
from rtmp.messages import Message, MessageKind, command, number_message
from tests.integration.hostile_clients import (
    CLOSED,
    CLOSED_LATE,
    TOLERATED,
    bytes_behind_greeting,
    misbehaviour,
    refused,
)
from tests.integration.hostile_messages import chunk, ping, raw, said, written
from tests.integration.hostile_peer import Peer
from tests.numbered_media import connecting

COMMAND, DATA = MessageKind.COMMAND, MessageKind.DATA
ON_METADATA = b"\x02\x00\x0aonMetaData\x00" + bytes(8)
SET_DATA_FRAME = b"\x02\x00\x0d@setDataFrame" + ON_METADATA
CONNECT = b"\x02\x00\x07connect\x00" + b"\x3f\xf0" + bytes(6)
APP = b"\x00\x03app\x02\x00\x04live"
END = b"\x00\x00\x09"


# -- handshake -------------------------------------------------------------------------------


@misbehaviour(CLOSED_LATE)
async def says_nothing(peer: Peer) -> None:
    peer.listen()


@misbehaviour(CLOSED)
async def greets_in_version_6(peer: Peer) -> None:
    """RTMPE: encrypted."""
    await peer.send(b"\x06" + bytes(1536))


@misbehaviour(CLOSED)
async def greets_in_every_wrong_version(peer: Peer) -> None:
    for version in (*range(3), *range(4, 256, 9)):
        other = await peer.again()
        await other.send(bytes([version]))
        assert await other.until_closed(CLOSED.within_s), version
    await peer.send(b"\xff")


@misbehaviour(CLOSED)
async def speaks_http(peer: Peer) -> None:
    await peer.send(b"GET /live HTTP/1.1\r\nHost: relay\r\n\r\n")


@misbehaviour(CLOSED)
async def speaks_tls(peer: Peer) -> None:
    await peer.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + Random(7).randbytes(508))


@misbehaviour(CLOSED_LATE)
async def greets_by_half(peer: Peer) -> None:
    await peer.send(b"\x03" + bytes(700))


@misbehaviour(CLOSED_LATE)
async def never_ends_the_greeting(peer: Peer) -> None:
    await peer.send(b"\x03" + bytes(1536) + bytes(1535))


@misbehaviour(CLOSED_LATE)
async def drips_the_greeting(peer: Peer) -> None:
    peer.listen()
    await peer.pieces(b"\x03" + bytes(1536), 1, 0.1)


@misbehaviour(CLOSED)
async def greets_with_a_megabyte_of_zeros(peer: Peer) -> None:
    peer.listen()
    await peer.pieces(b"\x03" + bytes(1_000_000), 65_536)


@misbehaviour(CLOSED)
async def greets_with_a_megabyte_of_noise(peer: Peer) -> None:
    peer.listen()
    await peer.pieces(b"\x03" + Random(11).randbytes(1_000_000), 65_536)


@misbehaviour(TOLERATED)
async def answers_with_another_c2(peer: Peer) -> None:
    """ffmpeg and GStreamer do so."""
    await peer.send(b"\x03" + Random(1).randbytes(1536) + Random(2).randbytes(1536))
    await peer.send(ping())
    await peer.pass_greeting()
    peer.listen()


@misbehaviour(CLOSED)
async def says_end_of_file_in_mid_greeting(peer: Peer) -> None:
    await peer.send(b"\x03" + bytes(99))
    peer.end_of_file()


@misbehaviour(CLOSED)
async def says_end_of_file_behind_connect(peer: Peer) -> None:
    await peer.connect()
    peer.end_of_file()


@misbehaviour(TOLERATED)
async def resets_two_hundred_times(peer: Peer) -> None:
    for n in range(200):
        other = await peer.again()
        await other.send((b"\x03" + bytes(3072))[: 16 * n])
        other.hang_up()
    await peer.greet()


# -- chunks ----------------------------------------------------------------------------------

PING_BODY = b"\x00\x06ping"
for form in (2, 3):
    bytes_behind_greeting(
        f"begins_a_channel_by_type_{form}", CLOSED, chunk(4, PING_BODY, form=form)
    )
# librtmp begins its first ping so.
bytes_behind_greeting("begins_a_channel_by_type_1", TOLERATED, chunk(4, PING_BODY, form=1))
for form in (0, 1, 2):
    bytes_behind_greeting(
        f"type_{form}_in_mid_message",
        CLOSED,
        chunk(COMMAND, bytes(128), length=300) + chunk(COMMAND, bytes(128), length=300, form=form),
    )
SIZE, ABORT = MessageKind.SET_CHUNK_SIZE, MessageKind.ABORT
bytes_behind_greeting("chunk_size_0", CLOSED, written(number_message(SIZE, 0), channel=2))
bytes_behind_greeting("chunk_size_2_31", CLOSED, written(number_message(SIZE, 2**31), channel=2))
bytes_behind_greeting("chunk_size_without_number", CLOSED, raw(b"\x00", SIZE))
bytes_behind_greeting("abort_without_number", CLOSED, raw(b"", ABORT))
bytes_behind_greeting("abort_of_nothing", TOLERATED, written(number_message(ABORT, 99), channel=2))
bytes_behind_greeting(
    "aborts_300_half_messages",
    TOLERATED,
    (chunk(COMMAND, bytes(128), length=200) + written(number_message(ABORT, 3), channel=2)) * 300,
)
bytes_behind_greeting("a_message_of_16_megabytes", CLOSED, chunk(COMMAND, b"x", length=0xFFFFFF))
bytes_behind_greeting("a_message_of_64_kilobytes", CLOSED, chunk(COMMAND, b"x", length=65_537))
bytes_behind_greeting("a_message_never_whole", CLOSED_LATE, chunk(COMMAND, b"x", length=60_000))
bytes_behind_greeting(
    "a_length_too_short", CLOSED, chunk(COMMAND, CONNECT + b"\x03" + APP, length=19)
)
bytes_behind_greeting("an_extended_time_cut_off", CLOSED_LATE, b"\x03\xff\xff\xff\x00\x00\x10\x14")
bytes_behind_greeting(
    "an_extended_time_of_2_32",
    TOLERATED,
    b"\x03\xff\xff\xff\x00\x00\x06\x04\x00\x00\x00\x00\xff\xff\xff\xff" + PING_BODY,
)
bytes_behind_greeting(
    "half_messages_of_a_megabyte_on_29_channels",
    CLOSED,
    written(number_message(SIZE, 999_999), channel=2)
    + b"".join(chunk(COMMAND, bytes(200), length=1_000_000, channel=n) for n in range(3, 32)),
)


@misbehaviour(CLOSED)
async def half_messages_up_to_the_limit_on_many_channels(peer: Peer) -> None:
    await peer.greet()
    for channel in range(3, 19):
        await peer.send(chunk(COMMAND, bytes(128), length=60_000, channel=channel))
    for _ in range(600):
        for channel in range(3, 19):
            await peer.send(bytes([3 << 6 | channel]) + bytes(128))


@misbehaviour(CLOSED)
async def a_message_on_each_of_65599_channels(peer: Peer) -> None:
    await peer.greet()
    for channel in range(3, 65_600):
        if peer.is_closed:
            return
        await peer.send(chunk(4, PING_BODY, channel=channel))


@misbehaviour(TOLERATED)
async def the_highest_channel(peer: Peer) -> None:
    await peer.greet()
    await peer.send(chunk(4, PING_BODY, channel=65_599))


@misbehaviour(TOLERATED)
async def chunks_of_one_byte(peer: Peer) -> None:
    await peer.greet()
    await peer.send(peer.chunks.resize(1))
    peer.chunk_bytes = 1
    await peer.say(connecting(peer.address))
    await peer.until(lambda: peer.results > 0)
    await peer.say(command("play", 4.0, None, peer.address.name, stream_id=1))
    await peer.until(lambda: bool(peer.numbers))


@misbehaviour(TOLERATED)
async def writes_of_one_byte(peer: Peer) -> None:
    await peer.greet()
    play = command("play", 4.0, None, peer.address.name, stream_id=1)
    await peer.pieces(written(connecting(peer.address), play), 1)
    await peer.until(lambda: bool(peer.numbers))


@misbehaviour(TOLERATED)
async def all_in_one_write(peer: Peer) -> None:
    """It waits for no answer: what comes behind `play` waits for the relay's decision."""
    play = command("play", 4.0, None, peer.address.name, stream_id=1)
    greeting = b"\x03" + bytes(1536) + bytes(1536)
    await peer.send(greeting + written(connecting(peer.address), play) + ping() * 50)
    await peer.pass_greeting()
    peer.listen()
    await peer.until(lambda: peer.pongs == 50 and bool(peer.numbers))


# -- what may not come before connect --------------------------------------------------------

bytes_behind_greeting("the_34_bytes_that_end_nginx", CLOSED, raw(ON_METADATA, COMMAND))
bytes_behind_greeting("metadata_before_connect", CLOSED, raw(ON_METADATA, DATA))
bytes_behind_greeting("set_data_frame_before_connect", CLOSED, raw(SET_DATA_FRAME, DATA))
bytes_behind_greeting("video_before_connect", CLOSED, raw(b"\x17\x01\x00\x00\x00abc", 9))
bytes_behind_greeting("audio_before_connect", CLOSED, raw(b"\xaf\x01abc", 8))
bytes_behind_greeting("an_aggregate_before_connect", CLOSED, raw(bytes(15), 22))
bytes_behind_greeting("a_shared_object_before_connect", CLOSED, raw(bytes(30), 19))
for name in ("play", "publish", "createStream", "releaseStream", "deleteStream", "_result"):
    bytes_behind_greeting(f"{name}_before_connect", CLOSED, said(name, 1.0, None, "x"))


@misbehaviour(CLOSED)
async def every_type_of_metadata_before_connect(peer: Peer) -> None:
    """One connection for each type; none but protocol control may go on."""
    for kind in (*range(7, 32), 255):
        for body in (ON_METADATA, SET_DATA_FRAME):
            other = await peer.again()
            await other.greet()
            await other.send(raw(body, kind))
            assert await other.until_closed(CLOSED.within_s), kind
    await peer.greet()
    await peer.send(raw(ON_METADATA, 17))


@misbehaviour(CLOSED)
async def protocol_control_without_bodies(peer: Peer) -> None:
    """Each alone: some are errors, and none is more."""
    for kind in (1, 2, 3, 4, 5, 6):
        other = await peer.again()
        await other.greet()
        await other.send(raw(b"", kind))
    await peer.greet()
    await peer.send(raw(b"", SIZE))


# -- AMF -------------------------------------------------------------------------------------

NEST = b"\x00\x01a\x03"


@misbehaviour(CLOSED)
async def nested_objects_of_150_kilobytes(peer: Peer) -> None:
    await peer.greet()
    await peer.pieces(raw(CONNECT + b"\x03" + NEST * 38_000), 65_536)


bytes_behind_greeting(
    "nested_objects_of_60_kilobytes", CLOSED, raw(CONNECT + b"\x03" + NEST * 15_000)
)
bytes_behind_greeting("nested_one_too_deep", CLOSED, raw(CONNECT + b"\x03" + NEST * 8 + END * 9))
bytes_behind_greeting(
    "nested_arrays", CLOSED, raw(CONNECT + b"\x0a\x00\x00\x00\x01" * 5_000 + b"\x05")
)
bytes_behind_greeting("five_thousand_values", CLOSED, raw(CONNECT + b"\x05" * 5_000))
bytes_behind_greeting("an_object_without_end", CLOSED, raw(CONNECT + b"\x03" + APP))
bytes_behind_greeting("a_key_without_value", CLOSED, raw(CONNECT + b"\x03\x00\x03app"))
bytes_behind_greeting("a_number_cut_off", CLOSED, raw(b"\x02\x00\x07connect\x00\x3f"))
bytes_behind_greeting("a_string_longer_than_its_message", CLOSED, raw(b"\x02\xff\xffconnect"))
bytes_behind_greeting(
    "a_long_string_of_4_gigabytes", CLOSED, raw(CONNECT + b"\x0c\xff\xff\xff\xffx")
)
bytes_behind_greeting(
    "an_array_that_claims_4_billion", CLOSED, raw(CONNECT + b"\x0a\xff\xff\xff\xff\x05\x05")
)
bytes_behind_greeting("a_command_of_no_bytes", CLOSED, raw(b""))
bytes_behind_greeting("a_command_without_name", CLOSED, said(1.0, 1.0, None))
bytes_behind_greeting("a_command_without_transaction", CLOSED, said("connect"))
bytes_behind_greeting("connect_without_object", CLOSED, said("connect", 1.0, None))
bytes_behind_greeting(
    "rubbish_behind_connect", CLOSED, raw(CONNECT + b"\x03" + APP + END + b"\xee")
)
bytes_behind_greeting("amf3_without_its_zero", CLOSED, raw(b"\x0a\x0b\x01", 17))
INVALID_APP = refused("NetConnection.Connect.InvalidApp")
bytes_behind_greeting("another_app", INVALID_APP, said("connect", 1.0, {"app": "admin"}))
bytes_behind_greeting("no_app", INVALID_APP, said("connect", 1.0, {"tcUrl": "rtmp://x/live"}))
bytes_behind_greeting(
    "an_app_that_is_a_path", INVALID_APP, said("connect", 1.0, {"app": "../live"})
)
bytes_behind_greeting("an_app_that_is_a_number", INVALID_APP, said("connect", 1.0, {"app": 7.0}))
bytes_behind_greeting(
    "an_app_that_is_no_utf_8",
    INVALID_APP,
    raw(CONNECT + b"\x03\x00\x03app\x02\x00\x04\xff\xfe\xfd\xfc" + END),
)


@misbehaviour(CLOSED)
async def every_marker_that_is_none(peer: Peer) -> None:
    """One connection for each."""
    for marker in (4, 7, 9, 13, 14, 15, 16, 17, 18, 127, 255):
        other = await peer.again()
        await other.greet()
        await other.send(raw(CONNECT + bytes([marker]) + bytes(20)))
        assert await other.until_closed(CLOSED.within_s), marker
    await peer.greet()
    await peer.send(raw(b"\x11\x0a\x0b"))


@misbehaviour(TOLERATED)
async def an_ecma_array_that_claims_4_billion(peer: Peer) -> None:
    """Its end is marked: the count is nobody's."""
    await peer.greet()
    await peer.send(raw(CONNECT + b"\x08\xff\xff\xff\xff" + APP + END))
    await peer.until(lambda: peer.results > 0)


@misbehaviour(TOLERATED)
async def a_key_of_60_kilobytes(peer: Peer) -> None:
    await peer.greet()
    key = b"\xea\x60" + b"k" * 60_000 + b"\x05"
    await peer.send(raw(CONNECT + b"\x03" + key + APP + END))
    await peer.until(lambda: peer.results > 0)


@misbehaviour(TOLERATED)
async def a_number_that_is_none(peer: Peer) -> None:
    await peer.connect()
    before = peer.results
    await peer.say(command("createStream", float("nan"), None))
    await peer.say(command("createStream", float("inf"), None))
    await peer.until(lambda: peer.results == before + 2)


@misbehaviour(TOLERATED)
async def connects_in_amf3(peer: Peer) -> None:
    await peer.greet()
    body = b"\x00" + encode("connect", 1.0, {"app": "live"})
    await peer.say(Message(MessageKind.AMF3_COMMAND, 0, 0, body))
    await peer.until(lambda: peer.results > 0)


@misbehaviour(CLOSED)
async def drips_a_connect_for_ever(peer: Peer) -> None:
    """Each byte on time, and the message never whole."""
    await peer.greet()
    async with asyncio.timeout(30):
        await peer.pieces(chunk(COMMAND, bytes(120), length=128), 1, 0.2)
    assert await peer.until_closed(CLOSED_LATE.within_s)
