"""What the relay tells its agent, and what the agent makes of it."""

import json
import logging
from pathlib import Path

import pytest

from agent.relay.engines.engine import (
    Audio,
    Delivery,
    Reading,
    RelayTask,
    StatisticsError,
    Video,
)
from agent.relay.engines.restream import Restream, parse_statistics
from agent.relay.restream.admission import Admission
from agent.relay.restream.configuration import Configuration
from agent.relay.restream.statistics import described, statistics_of
from agent.relay.restream.stream import LiveStream
from agent.relay.restream.viewer import WATCHED_S_MIN
from agent.settings import FLUSH_MS
from rtmp.addresses import RtmpAddress
from rtmp.messages import Message, MessageKind
from tests.unit.agent.relay.restream.show import (
    HEADERS,
    Show,
    header,
    inter,
    key,
    metadata,
    sound,
)

UPSTREAM = RtmpAddress("ingest.example.org", 1937, "live", "s1")
HOOKS = "http://127.0.0.1:40001"
NODE = RelayTask("0.0.0.0", 1935, "s1", UPSTREAM, HOOKS, flush_ms=31)
SAID = {
    "width": 640,
    "height": 360,
    "framerate": 29.97,
    "audiosamplerate": 44100,
    "stereo": False,
}


def page(
    stream: LiveStream,
    is_published: bool = True,
    admission: Admission | None = None,
    now_s: float = 100.0 + WATCHED_S_MIN,
) -> bytes:
    """What is told of one stream."""
    admission = admission or Admission()
    return json.dumps(statistics_of(admission, [(stream, is_published)], now_s)).encode()


def test_what_was_refused_and_dropped_is_told() -> None:
    admission = Admission(connections_max=0)
    admission.admit("203.0.113.5", 0.0)
    show = Show(key(0), key(2000))
    show.stream.dropped_batches = 7
    [read], refused = parse_statistics(page(show.stream, admission=admission))
    assert refused == {"full": 1}
    assert read.delivery == Delivery(2000, show.stream.gop_bytes, 7)


def test_the_agent_reads_what_the_relay_tells() -> None:
    show = Show(metadata(**SAID), *HEADERS, key(0), inter(40))
    show.watch()
    [read] = read_page(page(show.stream))
    assert (read.name, read.is_published, read.viewers) == ("s1", True, 1)
    assert read.bytes_in == show.stream.bytes_in
    assert read.bytes_out == show.stream.bytes_out > 0
    assert read.video == Video("H264", 640, 360, 29.97)
    assert read.audio == Audio("AAC", 44100, 1)


def test_who_just_came_is_no_viewer_yet() -> None:
    """The agent's look at itself takes three seconds."""
    show = Show(key(0))
    show.watch()
    [read] = read_page(page(show.stream, now_s=99.9 + WATCHED_S_MIN))
    assert read.viewers == 0
    [read] = read_page(page(show.stream, now_s=100.0 + WATCHED_S_MIN))
    assert read.viewers == 1


def test_who_was_sent_nothing_is_no_viewer() -> None:
    show = Show()
    show.watch()
    [read] = read_page(page(show.stream, is_published=False))
    assert (read.is_published, read.viewers, read.video, read.audio) == (False, 0, None, None)


def read_page(body: bytes) -> Reading:
    """The streams of it."""
    return parse_statistics(body)[0]


@pytest.mark.parametrize(
    ("first", "name"),
    [
        (header(MessageKind.VIDEO, b"\x90hvc1"), "HEVC"),
        (header(MessageKind.VIDEO, b"\x90av01"), "AV1"),
        (header(MessageKind.AUDIO, b"\x90Opus"), "Opus"),
        (sound(0, b"\x2fmp3"), "MP3"),
        (sound(0, b"\xb6speex"), "speex"),
    ],
)
def test_codecs_are_told_by_the_names_that_people_know(first: Message, name: str) -> None:
    [read] = read_page(page(Show(first).stream))
    told = read.video or read.audio
    assert told is not None
    assert told.codec == name


def test_the_first_track_names_the_codec() -> None:
    show = Show(header(MessageKind.VIDEO, b"\x96\x00av01\x02"), HEADERS[0])
    [read] = read_page(page(show.stream))
    assert read.video is not None
    assert read.video.codec == "H264"


@pytest.mark.parametrize(
    ("said", "channels"),
    [
        ({"stereo": True}, 2.0),
        ({"stereo": False}, 1.0),
        ({"stereo": True, "audiochannels": 6}, 6.0),
        ({"stereo": "yes"}, 0.0),
        ({}, 0.0),
    ],
)
def test_channels_are_told_in_either_manner(said: dict[str, bool], channels: float) -> None:
    assert described(metadata(**said))["channels"] == channels


@pytest.mark.parametrize(
    "body",
    [b"", b"\x02\x00\x0aonMetaData", b"\x02\x00\x0aonMetaData\x05", b"\x02\x00\x0aonMetaData\x03"],
)
def test_metadata_that_say_nothing_tell_zeros(body: bytes) -> None:
    assert set(described(Message(MessageKind.DATA, 1, 0, body)).values()) == {0.0}
    assert set(described(None).values()) == {0.0}


@pytest.mark.parametrize("width", [-1, 1e9, "640", True, None, float("inf"), float("nan")])
def test_a_number_that_cannot_be_right_is_told_as_unknown(width: float) -> None:
    show = Show(metadata(width=width), key(0))
    [read] = read_page(page(show.stream))
    assert read.video is not None
    assert read.video.width == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"refused":{},"streams":[{}]}',
        b'{"refused":{},"streams":[7]}',
        b'{"refused":7,"streams":[]}',
    ],
)
def test_another_page_is_refused(body: bytes) -> None:
    with pytest.raises(StatisticsError, match="not what it writes"):
        parse_statistics(body)


def test_the_relay_reads_the_configuration_that_the_agent_wrote(tmp_path: Path) -> None:
    engine = Restream(tmp_path)
    [(name, text)] = engine.render(NODE, "203.0.113.5").items()
    (tmp_path / name).write_text(text)
    read = Configuration.read(tmp_path / name)
    assert read == Configuration(
        bind_address="0.0.0.0",
        rtmp_port=1935,
        stream_id="s1",
        upstream_url=UPSTREAM.url,
        upstream_ip="203.0.113.5",
        hooks=HOOKS,
        statistics=str(tmp_path / "statistics.sock"),
        flush_ms=31,
        last_read=str(tmp_path / "last-read"),
    )
    assert read.upstream == UPSTREAM
    assert engine.command()[-1] == str(tmp_path / name)


def test_an_ingest_has_no_upstream(tmp_path: Path) -> None:
    [(name, text)] = Restream(tmp_path).render(RelayTask("0.0.0.0", 1, "", None, HOOKS), "").items()
    (tmp_path / name).write_text(text)
    read = Configuration.read(tmp_path / name)
    assert (read.upstream, read.flush_ms) == (None, FLUSH_MS)


def test_a_dead_relay_s_socket_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "statistics.sock").touch()
    Restream(tmp_path).command()
    assert not (tmp_path / "statistics.sock").exists()


def test_a_relay_that_does_not_answer_is_ill(tmp_path: Path) -> None:
    assert Restream(tmp_path).ailment(4.0) == ""
    assert "has not answered for 5 s" in Restream(tmp_path).ailment(5.0)


def test_a_traceback_is_an_error(tmp_path: Path) -> None:
    assert Restream(tmp_path).level_of("Traceback (most recent call last):") == logging.ERROR
    assert Restream(tmp_path).level_of("the upstream is gone: EOF") == logging.WARNING
