"""The player against a server that says what a real one says, and what it should not."""

import struct

import pytest

from rtmp import amf
from rtmp.addresses import RtmpAddress
from rtmp.chunks import ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
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
from rtmp.player import COMMANDS_MAX, PLAYER_LIMITS, PlayEnd, Player, PlayStage
from rtmp.player_handshake import PlayerHandshake

ADDRESS = RtmpAddress("203.0.113.5", 1937, "live", "show-1")
S1 = bytes(8) + b"s" * (PART_BYTES - 8)
PING = user_control(UserControl.PING_REQUEST, b"\x01\x02\x03\x05")


class Server:
    """The other side: sends messages, and reads what the player answers."""

    def __init__(self, address: RtmpAddress = ADDRESS) -> None:
        self.player = Player(address)
        self._writer = ChunkWriter()
        self._reader = ChunkReader(PLAYER_LIMITS)
        assert self.player.answers() == PlayerHandshake().greeting
        self.player.feed(b"\x03" + S1 + bytes(PART_BYTES))
        answer = self.player.answers()
        assert answer[:PART_BYTES] == S1
        self._reader.feed(answer[PART_BYTES:])

    def heard(self) -> list[Message]:
        """What the player has said since."""
        self._reader.feed(self.player.answers())
        return list(iter(self._reader.next_message, None))

    def say(self, *messages: Message) -> list[Message | PlayEnd]:
        """Send messages; returns the player's events."""
        self.player.feed(b"".join(self._writer.write(3, message) for message in messages))
        return list(iter(self.player.next_event, None))

    def reach(self, stage: PlayStage) -> None:
        """Answer until the player has come so far."""
        if stage >= PlayStage.CREATING:
            self.say(command("_result", 1, None, {"code": "NetConnection.Connect.Success"}))
        if stage >= PlayStage.PLAYING:
            self.say(command("_result", 2, None, 7))
        self.heard()
        assert self.player.stage is stage


def status(code: str, level: str = "status") -> Message:
    """What a server tells of a stream."""
    info: dict[str, amf.Value] = {"level": level, "code": code, "description": "so it is"}
    return command("onStatus", 0, None, info, stream_id=7)


def test_each_step_follows_the_answer_to_the_one_before() -> None:
    """The commands, their numbers, channels' messages and order are those of ffmpeg."""
    server = Server()
    (connect,) = server.heard()
    said = parse_command(connect)
    assert (said.name, said.transaction) == ("connect", 1.0)
    fields = said.argument(0)
    assert isinstance(fields, dict)
    order = "app flashVer tcUrl fpad capabilities audioCodecs videoCodecs videoFunction"
    assert list(fields) == order.split()
    assert (fields["app"], fields["tcUrl"]) == ("live", "rtmp://203.0.113.5:1937/live")
    assert server.say(number_message(MessageKind.BANDWIDTH, 5_000_011)) == []
    assert server.heard() == []
    server.say(command("_result", 1, None, None))
    window, create = server.heard()
    assert window == number_message(MessageKind.WINDOW, 5_000_011)
    assert create == command("createStream", 2, None)
    server.say(command("_result", 2, None, 7))
    length, play, buffer = server.heard()
    assert length == command("getStreamLength", 3, None, "show-1")
    assert play == command("play", 4, None, "show-1", -2000, stream_id=7)
    assert buffer.body == struct.pack(">HII", 3, 7, 3000)
    assert server.player.stage is PlayStage.PLAYING


def test_media_is_handed_on_once_the_stream_was_asked_for() -> None:
    """Before that nobody asked for it."""
    server = Server()
    video, script = Message(9, 7, 40, b"\x17\x01"), Message(18, 7, 40, b"x")
    assert server.say(video) == []
    server.reach(PlayStage.PLAYING)
    played = server.say(status("NetStream.Play.Start"), video, script, Message(8, 7, 53, b""))
    assert played == [video, script, Message(8, 7, 53, b"")]


@pytest.mark.parametrize(
    "last",
    [
        status("NetStream.Play.Stop"),
        status("NetStream.Play.UnpublishNotify"),
        status("NetStream.Play.Complete"),
        status("NetStream.Play.StreamNotFound", "error"),
        user_control(UserControl.STREAM_EOF, struct.pack(">I", 7)),
    ],
)
def test_the_end_is_told_once_and_nothing_is_taken_behind_it(last: Message) -> None:
    """What comes later is dropped, and not kept."""
    server = Server()
    server.reach(PlayStage.PLAYING)
    (end,) = server.say(last, Message(9, 7, 0, b"late"))
    assert isinstance(end, PlayEnd)
    assert end.code
    assert server.player.stage is PlayStage.OVER
    kept = server.player.kept_bytes
    assert server.say(Message(9, 7, 0, b"late")) == []
    assert server.player.kept_bytes == kept


def test_a_refused_connect_says_why() -> None:
    """With the server's own words, of a bounded length."""
    server = Server()
    info: dict[str, amf.Value] = {
        "code": "NetConnection.Connect.Rejected",
        "description": "n" * 999,
    }
    (end,) = server.say(command("_error", 1, None, info))
    assert end == PlayEnd("NetConnection.Connect.Rejected", "n" * 200)


def test_an_unknown_answer_changes_nothing() -> None:
    """Other commands, kinds and events, answers to what was not asked, an answer said twice."""
    server = Server()
    server.heard()
    others = [
        command("_result", 2, None, 7),
        command("_error", 3, None),
        Message(22, 0, 0, b"aggregate"),
        user_control(UserControl.STREAM_BEGIN, bytes(4)),
        user_control(UserControl.STREAM_EOF, bytes(4)),
    ]
    assert server.say(*others) == []
    assert server.heard() == []
    server.reach(PlayStage.PLAYING)
    server.say(command("_result", 1, None), command("_result", 2, None, 9))
    assert server.heard() == []


@pytest.mark.parametrize("number", [None, "7", -1, 0.5, 2**32, float("nan"), float("inf"), True])
def test_a_stream_without_a_number_is_refused(number: amf.Value) -> None:
    """It becomes four bytes."""
    server = Server()
    server.reach(PlayStage.CREATING)
    with pytest.raises(RtmpError, match="no number"):
        server.say(command("_result", 2, None, number))


def test_what_comes_is_acknowledged_once_in_each_window() -> None:
    """With how many bytes came in all behind the handshake."""
    server = Server()
    server.reach(PlayStage.PLAYING)
    server.say(number_message(MessageKind.WINDOW, 2000))
    assert server.heard() == []
    server.say(Message(9, 7, 0, b"v" * 900))
    (first,) = server.heard()
    assert first.kind == MessageKind.ACKNOWLEDGEMENT
    assert int.from_bytes(first.body, "big") > 1000
    server.say(Message(9, 7, 0, b"v" * 500))
    assert server.heard() == []


def test_a_ping_is_answered_with_its_own_bytes() -> None:
    """Else some servers close."""
    server = Server()
    server.reach(PlayStage.PLAYING)
    server.say(PING)
    pong = user_control(UserControl.PING_RESPONSE, b"\x01\x02\x03\x05")
    assert server.heard() == [pong._replace(timestamp_ms=1)]


def test_a_question_in_between_counts_among_the_commands() -> None:
    """The answers to those behind it have the next numbers."""
    server = Server()
    server.heard()
    server.say(command("onBWDone", 0, None, 8192))
    assert server.heard() == [command("_checkbw", 2, None)]
    server.say(command("_result", 1, None))
    assert server.heard()[1] == command("createStream", 3, None)
    assert server.say(command("_result", 2, None, 7)) == []
    assert server.heard() == []
    server.say(command("_result", 3, None, 7))
    assert server.heard()[0] == command("getStreamLength", 4, None, "show-1")


def test_a_player_that_leaves_says_so() -> None:
    """As a viewer's does; before it greeted there is nobody to tell."""
    server = Server()
    server.reach(PlayStage.PLAYING)
    server.player.leave()
    assert server.heard() == [command("deleteStream", 5, None, 7)]
    early = Player(ADDRESS)
    early.answers()
    early.leave()
    assert early.answers() == b""


@pytest.mark.parametrize(
    "floods", [[command("onBWDone", 0)] * (COMMANDS_MAX + 1), [command("x", 0, "y" * 8_200)]]
)
def test_nobody_has_the_player_read_endless_commands(floods: list[Message]) -> None:
    """Each is looked into, so they are few and short."""
    server = Server()
    with pytest.raises(RtmpError, match="more or longer commands"):
        server.say(*floods)


def test_nobody_has_the_player_keep_endless_answers() -> None:
    """Thousands of pings at once are no server's."""
    server = Server()
    server.reach(PlayStage.PLAYING)
    with pytest.raises(RtmpError, match="more answers"):
        server.say(*[PING] * 12_000)


def test_an_ipv6_address_stands_in_brackets() -> None:
    """In the address that the server is told."""
    (connect,) = Server(RtmpAddress("2001:db8::7", 1935, "live", "s")).heard()
    fields = parse_command(connect).argument(0)
    assert isinstance(fields, dict)
    assert fields["tcUrl"] == "rtmp://[2001:db8::7]:1935/live"


def test_another_protocol_ends_in_the_greeting() -> None:
    """An HTTP server, for one."""
    player = Player(ADDRESS)
    with pytest.raises(RtmpError, match="version 72"):
        player.feed(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert player.stage is PlayStage.GREETING
