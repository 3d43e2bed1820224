"""The catalogue's second part: commands out of order, floods of them, slow viewers.

It is a list with an entry for each fault, so it is as long as there are faults.
"""

import asyncio

from rtmp.messages import Message, MessageKind, UserControl, command, number_message, user_control
from tests.e2e.coordinator_stand_in import STREAM_ID, STREAM_KEY
from tests.integration.hostile_clients import (
    CLOSED,
    CLOSED_AS_LOST,
    CLOSED_LATE,
    TOLERATED,
    misbehaviour,
    refused,
)
from tests.integration.hostile_messages import chunk, ping, written
from tests.integration.hostile_peer import Peer
from tests.numbered_media import connecting, headers, numbered

AUDIO, VIDEO, DATA = MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DATA
DENIED = refused("NetStream.Publish.Denied")
NOT_FOUND = refused("NetStream.Play.StreamNotFound")


def play(name: str) -> Message:
    return command("play", 4.0, None, name, stream_id=1)


def publish(name: str) -> Message:
    return command("publish", 5.0, None, name, "live", stream_id=1)


# -- commands --------------------------------------------------------------------------------


@misbehaviour(CLOSED_LATE)
async def connects_and_says_nothing(peer: Peer) -> None:
    await peer.connect()


@misbehaviour(CLOSED_LATE)
async def pings_and_never_plays(peer: Peer) -> None:
    await peer.connect()
    for _ in range(60):
        if peer.is_closed:
            return
        await peer.send(ping())
        await asyncio.sleep(0.2)


@misbehaviour(TOLERATED)
async def connects_twice(peer: Peer) -> None:
    await peer.connect()
    await peer.say(connecting(peer.address))


@misbehaviour(TOLERATED)
async def plays_without_creating_a_stream(peer: Peer) -> None:
    await peer.play()


@misbehaviour(CLOSED)
async def plays_twice(peer: Peer) -> None:
    await peer.play()
    await peer.say(play(peer.address.name))


@misbehaviour(CLOSED)
async def plays_a_hundred_times_in_one_write(peer: Peer) -> None:
    await peer.connect()
    await peer.say(*[play(peer.address.name)] * 100)


@misbehaviour(NOT_FOUND)
async def plays_what_is_not_there(peer: Peer) -> None:
    await peer.play("nothing", media=False)


@misbehaviour(NOT_FOUND)
async def plays_a_path(peer: Peer) -> None:
    await peer.play("../../../etc/passwd", media=False)


@misbehaviour(NOT_FOUND)
async def plays_no_name(peer: Peer) -> None:
    await peer.connect()
    await peer.say(play(""))


@misbehaviour(CLOSED)
async def plays_a_name_of_10_kilobytes(peer: Peer) -> None:
    await peer.play("x" * 10_000, media=False)


@misbehaviour(CLOSED)
async def plays_a_number(peer: Peer) -> None:
    await peer.connect()
    await peer.say(command("play", 4.0, None, 7.0))


@misbehaviour(CLOSED)
async def plays_with_a_thousand_fields(peer: Peer) -> None:
    await peer.play(peer.address.name + "?" + "&".join(f"f{n}" for n in range(150)), media=False)


@misbehaviour(CLOSED)
async def plays_with_a_field_twice(peer: Peer) -> None:
    await peer.play(peer.address.name + "?a=1&a=2", media=False)


@misbehaviour(refused("NetStream.Play.Failed"), "node")
async def plays_through_a_forwarder(peer: Peer) -> None:
    await peer.connect(tcUrl="rtmp://127.0.0.9:1935/live")
    await peer.say(play(peer.address.name))


@misbehaviour(DENIED, "node")
async def publishes_on_a_node(peer: Peer) -> None:
    await peer.publish_asked(f"{STREAM_ID}?key={STREAM_KEY}")


@misbehaviour(DENIED)
async def publishes_with_a_wrong_key(peer: Peer) -> None:
    await peer.publish_asked(f"{STREAM_ID}?key=guessed")


@misbehaviour(DENIED)
async def publishes_without_a_key(peer: Peer) -> None:
    await peer.publish_asked(STREAM_ID)


@misbehaviour(DENIED)
async def publishes_an_unknown_stream(peer: Peer) -> None:
    await peer.publish_asked(f"nobody-s?key={STREAM_KEY}")


@misbehaviour(DENIED)
async def publishes_with_a_key_that_breaks_lines(peer: Peer) -> None:
    await peer.publish_asked(f"{STREAM_ID}?key=a\r\nContent-Length: 0\r\n\r\nPOST /publish")


@misbehaviour(refused("NetStream.Publish.BadName"), "ingest")
async def publishes_over_an_honest_publisher(peer: Peer) -> None:
    """With the right key, even so."""
    await peer.publish_asked(f"{STREAM_ID}?key={STREAM_KEY}")


@misbehaviour(CLOSED)
async def publishes_while_it_plays(peer: Peer) -> None:
    await peer.play()
    await peer.say(publish(f"{STREAM_ID}?key={STREAM_KEY}"))


@misbehaviour(CLOSED)
async def sends_media_without_publishing(peer: Peer) -> None:
    await peer.connect()
    await peer.say(*headers(), numbered(0))


@misbehaviour(CLOSED)
async def sends_media_while_it_plays(peer: Peer) -> None:
    await peer.play()
    await peer.say(numbered(1))


@misbehaviour(CLOSED)
async def sends_script_data_while_it_plays(peer: Peer) -> None:
    await peer.play()
    await peer.say(headers()[0])


@misbehaviour(CLOSED)
async def deletes_the_stream_that_it_plays(peer: Peer) -> None:
    await peer.play()
    await peer.say(command("deleteStream", 6.0, None, 1.0))


@misbehaviour(TOLERATED)
async def deletes_what_it_never_had(peer: Peer) -> None:
    await peer.connect()
    await peer.say(*[command("deleteStream", 6.0, None, float(n)) for n in range(20)])


@misbehaviour(TOLERATED)
async def answers_what_nobody_asked(peer: Peer) -> None:
    await peer.play()
    for name in ("_result", "_error", "onStatus", "onBWDone", "onMetaData", "close"):
        await peer.say(command(name, 9.0, None, {"code": "NetStream.Play.Stop", "level": "error"}))


@misbehaviour(TOLERATED)
async def seeks_and_pauses(peer: Peer) -> None:
    await peer.play()
    for name, value in (("seek", 9e9), ("pause", True), ("pause", False), ("receiveAudio", False)):
        await peer.say(command(name, 0.0, None, value, stream_id=1))
    await peer.until(lambda: "NetStream.Seek.Notify" in peer.codes)


@misbehaviour(TOLERATED)
async def acknowledges_more_than_it_got(peer: Peer) -> None:
    await peer.play()
    await peer.say(number_message(MessageKind.ACKNOWLEDGEMENT, 2**32 - 1), channel=2)


@misbehaviour(TOLERATED)
async def wants_acknowledgements_of_each_byte(peer: Peer) -> None:
    await peer.greet()
    for size in (0, 1, 2**32 - 1, 1):
        await peer.say(number_message(MessageKind.WINDOW, size), channel=2)
    await peer.say(connecting(peer.address))
    await peer.until(lambda: peer.results > 0)


async def _flood(peer: Peer, data: bytes, times: int) -> None:
    for _ in range(times):
        if peer.is_closed:
            return
        await peer.send(data)


FLOODS = {
    "create_stream": command("createStream", 2.0, None),
    "release_stream": command("releaseStream", 2.0, None, "x"),
    "fc_subscribe": command("FCSubscribe", 2.0, None, "x"),
    "check_bandwidth": command("_checkbw", 2.0, None),
    "unknown_commands": command("x", 2.0, None),
    "pings": user_control(UserControl.PING_REQUEST, b"ping"),
    "acknowledgements": number_message(MessageKind.ACKNOWLEDGEMENT, 7),
    "chunk_sizes": number_message(MessageKind.SET_CHUNK_SIZE, 128),
}
"""What is said ten thousand times, by one who is connected and by one who plays."""


def _enter_flood(name: str, message: Message) -> None:
    data = written(message, channel=9) * 100

    async def connected(peer: Peer) -> None:
        await peer.connect()
        await _flood(peer, data, 100)

    async def playing(peer: Peer) -> None:
        await peer.play()
        await _flood(peer, data, 200)

    for act, stage in ((connected, "connected"), (playing, "playing")):
        act.__name__ = f"ten_thousand_{name}_when_{stage}"
        misbehaviour(CLOSED)(act)


for _name, _message in FLOODS.items():
    _enter_flood(_name, _message)


# -- slow viewers ----------------------------------------------------------------------------


@misbehaviour(CLOSED_AS_LOST, small_window=True)
async def plays_and_never_reads(peer: Peer) -> None:
    await peer.greet(listen=False)
    await peer.say(connecting(peer.address), play(peer.address.name))


@misbehaviour(CLOSED_AS_LOST, small_window=True)
async def plays_and_reads_a_kilobyte_a_second(peer: Peer) -> None:
    await peer.greet(listen=False)
    await peer.say(connecting(peer.address), play(peer.address.name))
    await peer.sip(1000, seconds=20)


@misbehaviour(CLOSED_LATE, small_window=True)
async def asks_a_lot_and_never_reads(peer: Peer) -> None:
    await peer.greet(listen=False)
    await peer.say(connecting(peer.address), *[command("createStream", 2.0, None)] * 50)
    await _flood(peer, ping() * 50, 60)


@misbehaviour(TOLERATED)
async def reads_again_after_four_seconds(peer: Peer) -> None:
    await peer.greet(listen=False)
    await peer.say(connecting(peer.address), play(peer.address.name))
    await asyncio.sleep(4)
    peer.listen()
    await peer.until(lambda: bool(peer.numbers))


@misbehaviour(TOLERATED)
async def plays_with_a_half_message_held_open(peer: Peer) -> None:
    await peer.play()
    await peer.send(chunk(MessageKind.COMMAND, b"", length=60_000, channel=9)[:12] + bytes(128))
