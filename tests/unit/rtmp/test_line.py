"""What both sides of a connection do alike, whoever they are."""

import pytest

from rtmp.chunks import ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
from rtmp.handshake import PART_BYTES, ClientHandshake, ServerHandshake
from rtmp.line import ANSWER_BYTES_MAX, REPORT_BYTES, RtmpLine
from rtmp.messages import (
    U32_END,
    Message,
    MessageKind,
    UserControl,
    number_message,
    parse_number,
    user_control,
)
from rtmp.player import PLAYER_LIMITS

GREETING = b"\x03" + bytes(2 * PART_BYTES)


def opened() -> RtmpLine:
    """A server's, behind its handshake."""
    line = RtmpLine(ServerHandshake(), PLAYER_LIMITS)
    line.feed(GREETING)
    assert line.is_open
    assert line.answers() == GREETING
    return line


def heard(line: RtmpLine) -> list[Message]:
    """What the line has to say."""
    reader = ChunkReader(PLAYER_LIMITS)
    reader.feed(line.answers())
    return list(iter(reader.next_message, None))


def say(line: RtmpLine, *messages: Message) -> list[Message]:
    """Send messages to the line; gives what it passes on."""
    writer = ChunkWriter()
    line.feed(b"".join(writer.write(3, message) for message in messages))
    return list(iter(line.next_message, None))


def test_nothing_is_acknowledged_before_half_of_a_window_came() -> None:
    """As ffmpeg's players do, so that a server never has to wait; the time is theirs too."""
    line = opened()
    say(line, number_message(MessageKind.WINDOW, 2000))
    say(line, Message(MessageKind.AUDIO, 1, 83, bytes(900)))
    assert heard(line) == []
    writer = ChunkWriter()
    line.feed(writer.write(4, Message(MessageKind.AUDIO, 1, 97, bytes(100))) + b"\x04")
    assert line.next_message()
    assert line.next_message() is None
    [told] = heard(line)
    assert parse_number(told) == line.received_bytes - 1, "what is of no message yet is left out"
    assert told.timestamp_ms == 98


def test_the_first_window_is_the_one_of_players() -> None:
    """Until the peer says one."""
    line = opened()
    sound = Message(MessageKind.AUDIO, 1, 0, bytes(REPORT_BYTES // 16))
    told = [say(line, sound) and heard(line) for _ in range(17)]
    assert [len(each) for each in told] == [0] * 15 + [1, 0]


def test_the_count_of_bytes_goes_round_after_32_bits() -> None:
    """A stream of 3 Mbit/s reaches them in three hours."""
    line = opened()
    line.received_bytes = U32_END - 12
    say(line, Message(MessageKind.AUDIO, 1, 0, b"\xaf\x01"))
    assert [parse_number(told) for told in heard(line)] == [2]


def test_a_window_of_nothing_means_each_piece_and_not_silence() -> None:
    line = opened()
    say(line, number_message(MessageKind.WINDOW, 0))
    heard(line)
    say(line, number_message(MessageKind.ACKNOWLEDGEMENT, 7))
    assert [told.kind for told in heard(line)] == [MessageKind.ACKNOWLEDGEMENT]


def test_its_owner_sees_a_ping_that_is_answered_already() -> None:
    line = opened()
    ping = user_control(UserControl.PING_REQUEST, b"\x02\x03\x05\x07")
    assert say(line, ping) == [ping]
    pong = user_control(UserControl.PING_RESPONSE, b"\x02\x03\x05\x07")
    assert heard(line) == [pong._replace(timestamp_ms=1)]


def test_what_is_kept_for_a_peer_counts_with_what_is_kept_of_it() -> None:
    line = opened()
    line.send(2, number_message(MessageKind.ACKNOWLEDGEMENT, 7))
    line.feed(b"\x03\x00")
    assert line.kept_bytes == len(line.answers()) + 2


def test_a_peer_that_takes_nothing_off_cannot_ask_for_ever() -> None:
    line = opened()
    sound = Message(MessageKind.AUDIO, 1, 0, bytes(ANSWER_BYTES_MAX))
    with pytest.raises(RtmpError, match="more answers"):
        line.send(4, sound)


def test_a_client_greets_first_and_a_server_second() -> None:
    client = RtmpLine(ClientHandshake(), PLAYER_LIMITS)
    server = RtmpLine(ServerHandshake(), PLAYER_LIMITS)
    assert server.answers() == b""
    server.feed(client.answers())
    client.feed(server.answers())
    assert client.is_open
    assert not server.is_open
    server.feed(client.answers() + b"\x02")
    assert server.is_open
    assert server.received_bytes == 1
