"""The second reader on bytes that ffmpeg made: it finds what a player would stumble over."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from coordinator.adapters.media.message_packets import packets_of
from coordinator.adapters.media.second_reader import parse_reading, reading_of
from coordinator.checking.thumbnails import is_jpeg
from coordinator.proof.captures import Capture
from coordinator.proof.second_opinion import Opinion, Reading, opinion_of
from rtmp.messages import Message, MessageKind
from tests.e2e.media import children_of_this_process
from tests.integration.short_shows import short_show


@pytest.fixture(scope="module")
def show() -> list[Message]:
    """Two seconds of a picture and a tone."""
    return short_show()


def capture_of(messages: Sequence[Message]) -> Capture:
    """What the first reader makes of them."""
    return Capture(0.0, 2.0, tuple(p for m in messages for p in packets_of(m, 1.0)))


def in_time(messages: Sequence[Message]) -> list[Message]:
    """By their timestamps, as a server sends them."""
    return sorted(messages, key=lambda m: m.timestamp_ms)


async def opinion(messages: list[Message]) -> Opinion:
    """What the second one says."""
    return opinion_of(capture_of(messages).packets, await reading_of(messages))


async def test_it_gives_every_packet_back_and_one_picture(show: list[Message]) -> None:
    """The same digests as the first reader's, codecs and size beside them; no process stays."""
    reading = await reading_of(show)
    assert (reading.codecs, reading.width, reading.height) == (("h264", "aac"), 320, 180)
    frames = capture_of(show).packets
    assert len(reading.packets) > 100
    assert set(reading.packets) <= {(p.media, p.size, p.digest) for p in frames}
    assert reading.picture is not None
    assert is_jpeg(reading.picture)
    assert opinion_of(frames, reading) is Opinion.PLAYS
    assert not {"ffmpeg", "prlimit"} & children_of_this_process()


@pytest.mark.parametrize("kind", [MessageKind.AUDIO, MessageKind.VIDEO])
async def test_one_track_alone_is_read_as_well(show: list[Message], kind: MessageKind) -> None:
    """A radio's and a silent camera's."""
    assert await opinion([m for m in show if m.kind == kind]) is Opinion.PLAYS


async def test_a_camera_that_is_switched_on_is_read_as_well(show: list[Message]) -> None:
    """Behind a second and a half of sound: with its header, or long after it."""
    header = next(m for m in show if m.kind == MessageKind.VIDEO and m.body[1] == 0)
    pictures = [m for m in show if m.kind == MessageKind.VIDEO and m.body[1] == 1]
    late = [m._replace(timestamp_ms=m.timestamp_ms + 1500) for m in [header, *pictures]]
    sounds = [m for m in show if m.kind != MessageKind.VIDEO]
    assert await opinion(in_time([*sounds, *late])) is Opinion.PLAYS
    assert await opinion(in_time([header, *sounds, *late[1:]])) is Opinion.PLAYS


async def test_who_begins_between_key_frames_is_read_from_there(show: list[Message]) -> None:
    """As with relays that keep nothing for newcomers, and where key frames are rare."""
    pictures = [m for m in show if m.kind == MessageKind.VIDEO and m.body[1] == 1]
    late = [m for m in show if m not in pictures or m.timestamp_ms > 500]
    assert not any(p.is_key for p in capture_of(late).packets)
    assert await opinion(late) is Opinion.PLAYS


async def test_a_camera_that_stays_off_spoils_no_sound(show: list[Message]) -> None:
    """Relays send its header to whoever comes, and no picture behind it."""
    heard = [m for m in show if m.kind != MessageKind.VIDEO or m.body[1] == 0]
    assert any(m.kind == MessageKind.VIDEO for m in heard)
    assert await opinion(heard) is Opinion.PLAYS


async def test_a_reader_that_got_no_time_has_no_say(show: list[Message]) -> None:
    """A busy machine's fault: nobody's packets are missing."""
    with pytest.raises(TimeoutError):
        await reading_of(show, seconds_max=0.0)


async def test_right_packets_without_their_header_are_unplayable(show: list[Message]) -> None:
    """Every hash is right, and no player shows a thing."""
    bare = [m for m in show if m.kind == MessageKind.DATA or m.body[1] != 0]
    assert len(bare) == len(show) - 2
    assert await opinion(bare) is Opinion.UNPLAYABLE


async def test_right_packets_under_another_codec_are_unplayable(show: list[Message]) -> None:
    """The tag says Sorenson's codec: a reader that hashes what is behind it is not told."""
    false = [
        m._replace(body=b"\x12" + m.body[5:]) if m.kind == MessageKind.VIDEO and m.body[1] else m
        for m in show
    ]
    assert await opinion(false) is Opinion.UNPLAYABLE


async def test_noise_is_read_without_harm(show: list[Message]) -> None:
    """Whatever it is: an opinion, and no error."""
    noise = [m._replace(body=m.body[:2] + bytes(len(m.body) - 2)) for m in show if len(m.body) > 2]
    assert await opinion(noise) is Opinion.UNPLAYABLE
    assert await opinion([]) is Opinion.NOTHING
    assert await reading_of([Message(MessageKind.VIDEO, 1, 0, b"\xff" * 9)]) == Reading()


def test_what_a_tool_did_not_write_so_is_left_out() -> None:
    """Its output stands on hostile bytes: only whole lines of the right form count."""
    digest = "ab" * 32
    said = (
        "#media_type 0: video\n#codec_id 0: h264\n#dimensions 0: 64x36\n"
        f"0,  0,  0,  1,  77, {digest}\n"
        f"1,  0,  0,  1,  78, {digest}\n"
        f"0,  0,  0,  1,  -7, {digest}\n"
        f"0,  0,  0,  1,  79, {digest[:-1]}\n"
        "#dimensions 0: 9999999999999999999999999999999999999999999999x1\n"
    ).encode()
    reading = parse_reading(said)
    assert [size for _, size, _ in reading.packets] == [77]
    assert (reading.codecs, reading.width, reading.height) == (("h264",), 64, 36)
    jpeg = b"\xff\xd8\xff" + bytes(70_000) + b"\xff\xd9"
    assert parse_reading(said + jpeg).picture is None
    assert replace(parse_reading(said + jpeg), picture=None) == reading
