"""Whatever a client sends, in whatever pieces: RtmpError or events, and never more than limits."""

from hypothesis import given
from hypothesis import strategies as st

from rtmp.chunks import ChunkReader, ChunkWriter
from rtmp.clock import EndlessClock, difference_ms
from rtmp.errors import RtmpError
from rtmp.flv import payload_of
from rtmp.handshake import PART_BYTES
from rtmp.line import ANSWER_BYTES_MAX
from rtmp.media import fan_out_bytes
from rtmp.messages import Message, MessageKind, UserControl, command, number_message, user_control
from rtmp.player import PLAYER_LIMITS
from rtmp.server import (
    ASKING_BYTES_MAX,
    CHUNK_BYTES,
    CLIENT_LIMITS,
    PUBLISHER_LIMITS,
    Ended,
    ServerSession,
    ServerStage,
)
from rtmp.server_messages import STREAM_ID
from tests.property.rtmp_bytes import cut, headers, pieces_of, small

GREETING = b"\x03" + bytes(2 * PART_BYTES)
CONNECT = command("connect", 1.0, {"app": "live", "tcUrl": "rtmp://h/live"})
PUBLISH = command("publish", 3.0, None, "s1", "live", stream_id=1)
END = 2**32
said = st.sampled_from(
    [
        CONNECT,
        PUBLISH,
        command("play", 3.0, None, "s1?key=1", stream_id=1),
        command("createStream", 2.0, None),
        command("FCUnpublish", 2.0, None),
        command("pause", 2.0, None, True),
        number_message(MessageKind.WINDOW, 0),
        number_message(MessageKind.SET_CHUNK_SIZE, 3),
        number_message(MessageKind.ABORT, 3),
        user_control(UserControl.PING_REQUEST, b"ping"),
        Message(MessageKind.VIDEO, 1, 0, b"\x17\x01" + b"v" * 200),
        Message(MessageKind.AGGREGATE, 1, 0, bytes([8, 0, 0, 1]) + bytes(12)),
        Message(MessageKind.AGGREGATE, 1, 0, b"broken"),
        Message(MessageKind.DATA, 1, 0, b"\x02\x00\x0aonMetaData\x00"),
        Message(MessageKind.AMF3_DATA, 1, 0, b""),
    ]
).map(lambda message: ChunkWriter().write(3, message))
_CONNECTED = GREETING + ChunkWriter().write(3, CONNECT)
_PUBLISHING = _CONNECTED + ChunkWriter().write(3, PUBLISH)
openings = st.sampled_from([b"", GREETING, _CONNECTED, _PUBLISHING])
KEPT_BYTES_MAX = PUBLISHER_LIMITS.partial_bytes_max + ASKING_BYTES_MAX


@given(openings, st.lists(small | headers | said, max_size=30), pieces_of, st.booleans())
def test_a_session_outlives_every_client(
    opening: bytes, parts: list[bytes], sizes: list[int], is_allowed: bool
) -> None:
    """Only RtmpError leaves it; stages go on only, and media come of publishers alone."""
    session, stage = ServerSession(), ServerStage.GREETING
    try:
        for piece in cut(opening + b"".join(parts), [1, PART_BYTES, *sizes]):
            session.feed(piece)
            while (event := session.next_event()) is not None:
                if isinstance(event, Message):
                    assert session.stage is ServerStage.PUBLISHING
                    assert event.kind in (8, 9, 18)
                elif isinstance(event, Ended):
                    assert session.stage is ServerStage.OVER
                elif is_allowed:
                    session.accept()
                else:
                    session.refuse("NetStream.Publish.Denied", "No.")
                    assert session.next_event() is None
            assert len(session.answers()) <= ANSWER_BYTES_MAX + 2 * PART_BYTES
            if session.stage < ServerStage.PUBLISHING:
                assert session.kept_bytes <= CLIENT_LIMITS.partial_bytes_max + ASKING_BYTES_MAX
            assert session.kept_bytes <= KEPT_BYTES_MAX
            assert stage <= session.stage
            stage = session.stage
    except RtmpError:
        return


times = st.integers(0, END - 1) | st.sampled_from([0, 0xFFFFFE, 0xFFFFFF, 0x1000000, END - 1])
frames = st.builds(
    Message,
    st.sampled_from([MessageKind.AUDIO, MessageKind.VIDEO]),
    st.just(STREAM_ID),
    times,
    st.binary(max_size=400),
)


@given(st.lists(frames, max_size=10), st.integers(1, 300), pieces_of)
def test_a_publisher_s_messages_reach_players_byte_for_byte(
    sent: list[Message], chunk_bytes: int, sizes: list[int]
) -> None:
    """Whatever its chunks, its channels' compressed headers and its times; the pieces too."""
    session, writer = ServerSession(), ChunkWriter()
    session.feed(GREETING + writer.write(3, CONNECT) + writer.write(3, PUBLISH))
    for _ in range(2):
        assert session.next_event() is not None
        session.accept()
    assert session.next_event() is None
    data = writer.resize(chunk_bytes) + b"".join(
        writer.write(4 if frame.kind == MessageKind.AUDIO else 6, frame) for frame in sent
    )
    player = ChunkReader(PLAYER_LIMITS)
    resize = number_message(MessageKind.SET_CHUNK_SIZE, CHUNK_BYTES)
    player.feed(ChunkWriter().write(2, resize))
    for piece in cut(data, sizes):
        session.feed(piece)
        while (event := session.next_event()) is not None:
            assert isinstance(event, Message)
            player.feed(fan_out_bytes(event, STREAM_ID, CHUNK_BYTES))
    assert list(iter(player.next_message, None)) == sent


@given(st.sampled_from([MessageKind.AUDIO, MessageKind.VIDEO]), st.binary(max_size=80))
def test_a_payload_is_read_or_refused(kind: int, body: bytes) -> None:
    try:
        payload = payload_of(Message(kind, 1, 0, body))
    except RtmpError:
        return
    assert (payload is None) == (not body)
    assert payload is None or payload.tracks


@given(
    st.lists(st.tuples(st.booleans(), times, st.integers(0, 9000)), min_size=1, max_size=20),
)
def test_a_line_never_jumps(steps: list[tuple[bool, int, int]]) -> None:
    """Whatever publishers' clocks do, viewers' times go on, and ten seconds back at most."""
    clock, last_ms = EndlessClock(), None
    for is_new, time_ms, pause_ms in steps:
        if is_new:
            clock.restart()
        now_ms = clock.read(time_ms, pause_ms)
        assert 0 <= now_ms < END
        if last_ms is not None:
            assert -10_000 <= difference_ms(now_ms, last_ms) <= 20_000
            if is_new:
                assert difference_ms(now_ms, last_ms) > 0
        last_ms = now_ms if last_ms is None or difference_ms(now_ms, last_ms) > 0 else last_ms
