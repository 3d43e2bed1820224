"""A server's side of a connection: who connects, plays and publishes, and what is not allowed."""

import pytest

from rtmp.amf import Value
from rtmp.chunks import ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
from rtmp.handshake import PART_BYTES
from rtmp.messages import (
    CommandMessage,
    Message,
    MessageKind,
    UserControl,
    command,
    number_message,
    parse_command,
    parse_number,
    user_control,
)
from rtmp.player import PLAYER_LIMITS
from rtmp.requests import ConnectAsked, PlayAsked, PublishAsked
from rtmp.server import (
    ASKING_BYTES_MAX,
    CHUNK_BYTES,
    CLIENT_LIMITS,
    COMMANDS_MAX,
    Ended,
    ServerEvent,
    ServerSession,
    ServerStage,
)
from rtmp.server_messages import STREAM_ID

GREETING = b"\x03" + bytes(2 * PART_BYTES)
CONNECT = command("connect", 1.0, {"app": "live/", "tcUrl": "rtmp://h/live", "flashVer": "LNX"})
CREATE = command("createStream", 2.0, None)
PLAY = command("play", 4.0, None, "s1?token=7&empty=", -2000.0, stream_id=1)
PUBLISH = command("publish", 5.0, None, "s1?key=abc", "live", stream_id=1)
MEDIA_KINDS = [8, 9, 15, 18, 22]


class Client:
    """Says things to a session, and reads what it answers."""

    def __init__(self) -> None:
        self.session = ServerSession()
        self._writer = ChunkWriter()
        self._reader = ChunkReader(PLAYER_LIMITS)
        self.session.feed(GREETING)
        assert len(self.session.answers()) == len(GREETING)

    def say(self, *messages: Message) -> None:
        """Send messages, each on the channel of commands."""
        self.session.feed(b"".join(self._writer.write(3, message) for message in messages))

    def heard(self) -> list[Message]:
        """What the session answered since the last time."""
        self._reader.feed(self.session.answers())
        found = []
        while (message := self._reader.next_message()) is not None:
            found.append(message)
        return found

    def commands(self) -> list[CommandMessage]:
        """Of those, the commands."""
        return [parse_command(m) for m in self.heard() if m.kind == MessageKind.COMMAND]

    def ask(self, *messages: Message) -> ServerEvent | None:
        """Say something; gives the event that it is to the owner."""
        self.say(*messages)
        return self.session.next_event()

    def until(self, asked: Message) -> "Client":
        """Connected, and allowed what is asked."""
        assert isinstance(self.ask(CONNECT), ConnectAsked)
        self.session.accept()
        assert self.ask(CREATE, asked)
        self.session.accept()
        self.heard()
        return self


def code_of(said: CommandMessage) -> Value:
    """The code of a status."""
    info = said.argument(1)
    assert isinstance(info, dict)
    return info["code"]


def test_connect_is_a_question_with_what_the_client_says_of_itself() -> None:
    client = Client()
    assert client.ask(CONNECT) == ConnectAsked("live", "rtmp://h/live", "LNX")
    assert client.heard() == [], "it waits for its owner's answer"
    client.session.accept()
    window, bandwidth, welcome = client.heard()
    assert (window.kind, bandwidth.kind) == (MessageKind.WINDOW, MessageKind.BANDWIDTH)
    assert parse_number(window) == parse_number(bandwidth) == 2_500_000
    said = parse_command(welcome)
    assert (said.name, said.transaction) == ("_result", 1.0)
    assert code_of(said) == "NetConnection.Connect.Success"


def test_a_newer_client_says_what_codecs_it_knows() -> None:
    """FFmpeg from 6.1 on, and others (Enhanced RTMP, "Enhancing NetConnection connect Command")."""
    known: dict[str, Value] = {"hvc1": 2.0, "av01": 1.0, "*": 4.0}
    more: dict[str, Value] = {"fourCcList": ["av01", "vp09", "hvc1"], "capsEx": 15.0}
    more |= {"videoFourCcInfoMap": known, "audioFourCcInfoMap": {"Opus": 2.0}}
    said: dict[str, Value] = {"app": "live", "tcUrl": "rtmp://h/live", "flashVer": "LNX", **more}
    asked = Client().ask(command("connect", 1.0, said))
    assert asked == ConnectAsked("live", "rtmp://h/live", "LNX")


def test_a_stream_is_created_and_played_after_yes() -> None:
    client = Client()
    client.ask(CONNECT)
    client.session.accept()
    client.heard()
    assert client.ask(CREATE) is None
    assert client.commands() == [CommandMessage("_result", 2.0, [None, float(STREAM_ID)])]
    assert client.ask(PLAY) == PlayAsked("s1", {"token": "7", "empty": ""})
    assert client.heard() == []
    client.session.accept()
    begin, start = client.heard()
    assert begin == user_control(UserControl.STREAM_BEGIN, b"\x00\x00\x00\x01")
    assert start.stream_id == STREAM_ID
    assert code_of(parse_command(start)) == "NetStream.Play.Start"
    assert client.session.stage is ServerStage.PLAYING


def test_what_is_said_behind_a_question_waits_for_its_answer() -> None:
    """A publisher that does not wait for yes loses nothing, and gets in with nothing."""
    client = Client()
    frame = Message(MessageKind.VIDEO, 1, 7, b"\x17\x01picture")
    assert isinstance(client.ask(CONNECT, CREATE, PUBLISH, frame), ConnectAsked)
    assert client.session.next_event() is None
    client.session.accept()
    assert client.session.next_event() == PublishAsked("s1", {"key": "abc"})
    assert client.session.next_event() is None
    client.session.accept()
    assert client.session.next_event() == frame


def test_a_publisher_s_messages_come_as_players_get_them() -> None:
    client = Client().until(PUBLISH)
    data = command("@setDataFrame", 0.0)._replace(kind=MessageKind.DATA)
    meta = b"\x02\x00\x0aonMetaData\x05"
    assert client.ask(data._replace(body=b"\x02\x00\x0d@setDataFrame" + meta)) == Message(
        MessageKind.DATA, 0, 0, meta
    )
    silence = Message(MessageKind.AUDIO, 1, 9, b"")
    assert client.ask(silence) == silence
    assert client.ask(Message(99, 1, 9, b"unknown")) is None


def test_an_aggregate_s_messages_come_in_their_order() -> None:
    client = Client().until(PUBLISH)
    tags = [bytes([8, 0, 0, 1, 0, 0, time, 0, 0, 0, 0, time, 0, 0, 0, 12]) for time in range(4)]
    first = client.ask(Message(MessageKind.AGGREGATE, 1, 70, b"".join(tags)))
    sounds = [first, *iter(client.session.next_event, None)]
    assert sounds == [Message(MessageKind.AUDIO, 1, 70 + n, bytes([n])) for n in range(4)]


@pytest.mark.parametrize("name", ["deleteStream", "closeStream", "FCUnpublish"])
@pytest.mark.parametrize("asked", [PLAY, PUBLISH], ids=["player", "publisher"])
def test_who_says_that_it_ends_has_ended(name: str, asked: Message) -> None:
    client = Client().until(asked)
    assert client.ask(command(name, 6.0, None, 1.0)) == Ended()
    assert client.session.stage is ServerStage.OVER
    assert client.ask(CREATE) is None
    assert client.heard() == []


def test_ending_what_has_not_begun_is_nothing() -> None:
    """OBS closes streams before it opens one."""
    client = Client()
    client.ask(CONNECT)
    client.session.accept()
    assert client.ask(command("deleteStream", 6.0, None, 1.0)) is None
    assert isinstance(client.ask(PLAY), PlayAsked)


def test_a_refused_connection_is_told_so_and_over() -> None:
    client = Client()
    client.ask(CONNECT)
    client.session.refuse("NetConnection.Connect.InvalidApp", "Ask for live/.")
    [said] = client.commands()
    assert (said.name, said.transaction) == ("_error", 1.0)
    assert code_of(said) == "NetConnection.Connect.InvalidApp"
    assert client.session.stage is ServerStage.OVER


@pytest.mark.parametrize("asked", [PLAY, PUBLISH], ids=["player", "publisher"])
def test_who_is_refused_is_told_why_at_level_error(asked: Message) -> None:
    client = Client()
    client.ask(CONNECT)
    client.session.accept()
    client.ask(asked)
    client.heard()
    client.session.refuse("NetStream.Some.Code", "Not you.")
    [said] = client.commands()
    info: Value = {"level": "error", "code": "NetStream.Some.Code", "description": "Not you."}
    assert said == CommandMessage("onStatus", 0.0, [None, info])
    assert client.session.stage is ServerStage.OVER


def test_a_stream_s_end_is_told_to_its_player() -> None:
    client = Client().until(PLAY)
    client.session.end_play("NetStream.Play.UnpublishNotify", "It has ended.")
    end, status = client.heard()
    assert end == user_control(UserControl.STREAM_EOF, b"\x00\x00\x00\x01")
    assert code_of(parse_command(status)) == "NetStream.Play.UnpublishNotify"
    assert client.session.stage is ServerStage.OVER


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (command("releaseStream", 3.0, None, "s1"), ("_result", 3.0)),
        (command("FCPublish", 4.0, None, "s1"), ("_result", 4.0)),
        (command("_checkbw", 5.0, None), ("_result", 5.0)),
        (command("getStreamLength", 6.0, None, "s1"), ("_result", 6.0)),
        (command("FCSubscribe", 7.0, None, "s1"), ("onFCSubscribe", 0.0)),
        (command("seek", 8.0, None, 10.0), ("onStatus", 0.0)),
        (command("pause", 9.0, None, True, 10.0), ("onStatus", 0.0)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_players_and_publishers_get_the_answers_that_they_wait_for(
    said: Message, answer: tuple[str, float]
) -> None:
    client = Client().until(PLAY)
    assert client.ask(said) is None
    [heard] = client.commands()
    assert (heard.name, heard.transaction) == answer


@pytest.mark.parametrize("name", ["receiveAudio", "receiveVideo", "setBufferTime", "whatever"])
def test_what_needs_no_answer_gets_none(name: str) -> None:
    client = Client().until(PLAY)
    assert client.ask(command(name, 0.0, None, False)) is None
    assert client.heard() == []


def test_a_pause_is_told_from_its_end() -> None:
    client = Client().until(PLAY)
    client.ask(command("pause", 9.0, None, True), command("pause", 9.0, None, False))
    codes = [code_of(said) for said in client.commands()]
    assert codes == ["NetStream.Pause.Notify", "NetStream.Unpause.Notify"]


def test_a_ping_comes_back_with_its_bytes() -> None:
    client = Client()
    assert client.ask(user_control(UserControl.PING_REQUEST, b"abcdefgh")) is None
    pong = user_control(UserControl.PING_RESPONSE, b"abcd")
    assert client.heard() == [pong._replace(timestamp_ms=1)]


def test_bytes_are_acknowledged_as_often_as_the_client_wants() -> None:
    client = Client().until(PUBLISH)
    client.ask(number_message(MessageKind.WINDOW, 2000))
    client.heard()
    client.ask(Message(MessageKind.VIDEO, 1, 0, b"\x27\x01" + bytes(1000)))
    [told] = client.heard()
    assert told.kind == MessageKind.ACKNOWLEDGEMENT
    assert 1000 < parse_number(told) < 2000
    client.ask(Message(MessageKind.VIDEO, 1, 0, b"\x27\x01" + bytes(500)))
    assert client.heard() == []


@pytest.mark.parametrize("kind", MEDIA_KINDS)
@pytest.mark.parametrize("is_connected", [False, True], ids=["before connect", "after it"])
def test_media_of_a_stranger_end_the_connection(kind: int, is_connected: bool) -> None:
    """34 bytes of this kind before `connect` end an nginx-rtmp."""
    client = Client()
    if is_connected:
        client.ask(CONNECT)
        client.session.accept()
    with pytest.raises(RtmpError):
        client.ask(Message(kind, 0, 0, b"\x02\x00\x0aonMetaData\x00\x3f\xf0" + bytes(6)))


def test_a_player_cannot_send_media() -> None:
    client = Client().until(PLAY)
    with pytest.raises(RtmpError, match="does not publish"):
        client.ask(Message(MessageKind.VIDEO, 1, 0, b"\x17\x01"))


@pytest.mark.parametrize("said", [CREATE, PLAY, PUBLISH])
def test_nothing_comes_before_connect(said: Message) -> None:
    with pytest.raises(RtmpError, match="comes before connect"):
        Client().ask(said)


@pytest.mark.parametrize("kind", [7, 10, 16, 19, 21, 255])
def test_no_other_kind_of_message_comes_before_connect(kind: int) -> None:
    with pytest.raises(RtmpError, match=f"type {kind} comes before connect"):
        Client().ask(Message(kind, 0, 0, b"abcd"))


@pytest.mark.parametrize("first", [PLAY, PUBLISH])
@pytest.mark.parametrize("second", [PLAY, PUBLISH])
def test_one_connection_does_one_thing(first: Message, second: Message) -> None:
    client = Client().until(first)
    with pytest.raises(RtmpError, match="already"):
        client.ask(second)


@pytest.mark.parametrize(
    "said",
    [
        command("connect", 1.0),
        command("connect", 1.0, "live"),
        Message(MessageKind.COMMAND, 0, 0, b""),
        Message(MessageKind.COMMAND, 0, 0, b"\x05"),
    ],
)
def test_a_connect_without_its_fields_is_refused(said: Message) -> None:
    with pytest.raises(RtmpError):
        Client().ask(said)


@pytest.mark.parametrize(
    "name",
    [None, 7.0, "s" * 1025, "s1?key=a&key=b", "s1?" + "&".join(f"f{n}=1" for n in range(17))],
    ids=["none", "number", "long", "key twice", "many fields"],
)
@pytest.mark.parametrize("verb", ["play", "publish"])
def test_a_stream_is_asked_for_by_one_clear_name(verb: str, name: Value) -> None:
    client = Client()
    client.ask(CONNECT)
    client.session.accept()
    with pytest.raises(RtmpError):
        client.ask(command(verb, 4.0, None, name))


def test_a_client_that_only_talks_is_cut_off() -> None:
    client = Client()
    client.ask(CONNECT)
    client.session.accept()
    for _ in range(COMMANDS_MAX - 1):
        assert client.ask(CREATE) is None
    client.heard()
    with pytest.raises(RtmpError, match="commands"):
        client.ask(CREATE)


def test_bytes_before_play_are_limited() -> None:
    client = Client()
    client.ask(CONNECT)
    client.session.accept()
    unknown = Message(7, 0, 0, bytes(100))
    client.say(*[unknown] * (ASKING_BYTES_MAX // 101 - 5))
    assert client.session.next_event() is None
    with pytest.raises(RtmpError, match="nothing is played"):
        client.say(*[unknown] * 10)


def test_a_client_s_messages_are_small_until_it_may_publish() -> None:
    large = Message(MessageKind.VIDEO, 1, 0, b"\x27\x01" + bytes(CLIENT_LIMITS.message_bytes_max))
    publisher = Client().until(PUBLISH)
    assert publisher.ask(large) == large
    player = Client().until(PLAY)
    with pytest.raises(RtmpError, match=f"a message of {len(large.body)} bytes"):
        player.ask(large)


def test_answers_that_nobody_reads_are_limited() -> None:
    client = Client().until(PLAY)
    pings = [user_control(UserControl.PING_REQUEST, b"abcd")] * 12_000
    client.say(*pings)
    with pytest.raises(RtmpError, match="more answers"):
        client.session.next_event()


def test_an_answer_without_a_question_is_the_owner_s_mistake() -> None:
    with pytest.raises(ValueError, match="nothing was asked"):
        Client().session.accept()


def test_the_chunk_size_is_told_before_it_is_used() -> None:
    """A long answer comes in one chunk, which the client can read."""
    client = Client()
    client.ask(CONNECT)
    client.session.accept()
    client.heard()
    client.ask(PLAY)
    client.session.refuse("NetStream.Play.StreamNotFound", "x" * 1000)
    raw = client.session.answers()
    assert len(raw) < CHUNK_BYTES
    assert b"x" * 1000 in raw
