"""Whatever bytes come, in whatever pieces: RtmpError or nothing, and never more than the limits."""

from hypothesis import given
from hypothesis import strategies as st

from rtmp import amf
from rtmp.addresses import RtmpAddress
from rtmp.chunks import ChunkLimits, ChunkReader, ChunkWriter
from rtmp.errors import RtmpError
from rtmp.handshake import PART_BYTES, ClientHandshake
from rtmp.line import ANSWER_BYTES_MAX
from rtmp.messages import Message, MessageKind, command, number_message
from rtmp.player import Player, PlayStage
from tests.property.rtmp_bytes import cut, headers, pieces_of, small

LIMITS = ChunkLimits(message_bytes_max=700, partial_bytes_max=1100, channels_max=7)
HEADER_BYTES_MAX = 3 + 11 + 4
GREETING = b"\x03" + bytes(2 * PART_BYTES)

keys = st.text(max_size=5)
numbers = st.floats(allow_nan=False) | st.integers(-(2**40), 2**40)
values: st.SearchStrategy[amf.Value] = st.none() | st.booleans() | numbers | st.text(max_size=10)
for _ in range(3):
    values |= st.lists(values, max_size=4) | st.dictionaries(keys, values, max_size=4)
answers = st.sampled_from(
    [
        command("_result", 1, None, None),
        command("_result", 2, None, 7),
        command("onStatus", 0, None, {"level": "error", "code": "x"}),
        number_message(MessageKind.WINDOW, 1),
        number_message(MessageKind.SET_CHUNK_SIZE, 3),
        number_message(MessageKind.ABORT, 3),
        Message(MessageKind.USER_CONTROL, 0, 0, b"\x00\x06abcd"),
        Message(MessageKind.VIDEO, 7, 0, b"v" * 200),
    ]
)
spoken = st.builds(lambda message: ChunkWriter().write(3, message), answers)
traffic = st.lists(small | headers | spoken, max_size=30)
messages = st.builds(
    Message,
    st.sampled_from([3, 4, 8, 9, 18, 20]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=700),
)


@given(small)
def test_amf_is_read_or_refused(body: bytes) -> None:
    try:
        found = amf.decode(body)
    except RtmpError:
        return
    assert len(found) <= len(body)


@given(st.lists(values, max_size=4))
def test_amf_that_is_written_is_read_again(said: list[amf.Value]) -> None:
    assert amf.decode(amf.encode(*said)) == said


@given(traffic, pieces_of)
def test_chunks_are_read_or_refused_and_never_kept_beyond_the_limits(
    parts: list[bytes], sizes: list[int]
) -> None:
    reader = ChunkReader(LIMITS)
    try:
        for piece in cut(b"".join(parts), sizes):
            reader.feed(piece)
            while (message := reader.next_message()) is not None:
                assert len(message.body) <= LIMITS.message_bytes_max
            assert reader.kept_bytes <= LIMITS.partial_bytes_max + HEADER_BYTES_MAX
    except RtmpError:
        return


@given(st.lists(st.tuples(st.integers(2, 8), messages), max_size=8), st.integers(1, 300), pieces_of)
def test_messages_come_out_as_they_went_in(
    sent: list[tuple[int, Message]], chunk_bytes: int, sizes: list[int]
) -> None:
    """On whatever channels, in chunks of any size, in any pieces."""
    resize = number_message(MessageKind.SET_CHUNK_SIZE, chunk_bytes)
    writer, reader = ChunkWriter(chunk_bytes), ChunkReader(LIMITS)
    data = ChunkWriter().write(2, resize) + b"".join(writer.write(c, m) for c, m in sent)
    got: list[Message] = []
    for piece in cut(data, sizes):
        reader.feed(piece)
        got += iter(reader.next_message, None)
    assert got == [message for _, message in sent]
    assert reader.kept_bytes == 0


@given(st.booleans(), traffic, pieces_of)
def test_a_player_outlives_every_server(
    is_greeted: bool, parts: list[bytes], sizes: list[int]
) -> None:
    player = Player(RtmpAddress("203.0.113.5", 1935, "live", "s"), LIMITS)
    data = (GREETING if is_greeted else b"\x03") + b"".join(parts)
    stage = player.stage
    try:
        for piece in cut(data, [1, PART_BYTES, *sizes]):
            player.feed(piece)
            while player.next_event() is not None:
                assert player.stage >= PlayStage.PLAYING
            assert len(player.answers()) <= ANSWER_BYTES_MAX
            assert player.kept_bytes <= LIMITS.partial_bytes_max + HEADER_BYTES_MAX
            assert stage <= player.stage
            stage = player.stage
    except RtmpError:
        return


@given(st.binary(max_size=20), st.binary(max_size=4000), pieces_of)
def test_a_handshake_ends_or_is_refused(begin: bytes, rest: bytes, sizes: list[int]) -> None:
    handshake = ClientHandshake()
    for piece in cut(begin + rest, sizes):
        try:
            said = handshake.feed(piece)
        except RtmpError:
            return
        assert len(said) in (0, PART_BYTES)
        if handshake.is_done:
            return


@given(st.text(max_size=80) | st.from_regex(r"rtmp://[^/]{0,20}/[^/]{0,9}/[^/]{0,9}"))
def test_an_address_is_read_as_it_is_written_or_refused(text: str) -> None:
    try:
        address = RtmpAddress.parse(text)
    except RtmpError:
        return
    assert RtmpAddress.parse(address.url) == address
    assert not set(address.url) & set(" ;{}\"'\n\\?#@")
