"""nginx-rtmp: its configuration, word for word where it matters, and its statistics."""

import logging
from pathlib import Path

import pytest

from agent.relay.engines.engine import Audio, RelayTask, StatisticsError, StreamReading, Video
from agent.relay.engines.nginx_rtmp import NginxRtmp
from agent.relay.engines.nginx_stat import parse_statistics
from rtmp.addresses import RtmpAddress

HERE = Path(__file__).parent
ENGINE = NginxRtmp(Path("/run/relay"))
UPSTREAM = RtmpAddress("ingest.example.org", 1937, "live", "k3v9m2x7q4ab")
HOOKS = "http://127.0.0.1:40001"
NODE = RelayTask("0.0.0.0", 1935, "k3v9m2x7q4ab", UPSTREAM, HOOKS)
INGEST = RelayTask("127.0.0.1", 1936, "", None, HOOKS)
STATISTICS = (HERE / "statistics.xml").read_bytes()


@pytest.mark.parametrize(("task", "golden"), [(NODE, "node.conf"), (INGEST, "ingest.conf")])
def test_the_configuration_is_the_golden_one(task: RelayTask, golden: str) -> None:
    assert ENGINE.render(task, "203.0.113.5") == {"nginx.conf": (HERE / golden).read_text()}


def test_a_stream_is_read_with_its_viewers_but_without_the_pull() -> None:
    assert parse_statistics(STATISTICS) == (
        StreamReading(
            name="k3v9m2x7q4ab",
            is_published=True,
            viewers=2,
            bytes_in=3903382,
            bytes_out=976215,
            video=Video("H264", 640, 360, 15.0),
            audio=Audio("AAC", 44100, 1),
        ),
    )


def test_viewers_of_a_stream_without_a_publisher_are_all_viewers() -> None:
    body = STATISTICS.replace(b"<publishing/>", b"")
    (stream,) = parse_statistics(body)
    assert (stream.is_published, stream.viewers, stream.video) == (False, 3, None)


def test_a_stream_before_its_first_headers_has_unknown_codecs() -> None:
    body = STATISTICS.replace(b"H264", b"").replace(b"AAC", b"")
    (stream,) = parse_statistics(body)
    assert (stream.video, stream.audio) == (None, None)


def test_a_name_with_control_characters_does_not_blind_the_agent() -> None:
    body = STATISTICS.replace(b"k3v9m2x7q4ab", b"od\x01d\xff&lt;")
    assert parse_statistics(body)[0].name == "od?d\ufffd<"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html/>",
        STATISTICS[:300],
        b'<!DOCTYPE rtmp [<!ENTITY a "aaaa">]><rtmp>&a;</rtmp>',
        STATISTICS.replace(b"3903382", b"many"),
        STATISTICS.replace(b"3903382", b"inf"),
    ],
)
def test_what_is_not_its_statistics_is_refused(body: bytes) -> None:
    with pytest.raises(StatisticsError):
        parse_statistics(body)


def test_silence_is_an_ailment_only_after_a_while() -> None:
    assert ENGINE.ailment(4.4) == ""
    assert ENGINE.ailment(7.0) == "nginx has not answered for 7 s"


def test_lines_have_the_level_that_nginx_gives_them() -> None:
    assert ENGINE.level_of("2026/11/22 15:07:26 [notice] 1#1: x") == logging.INFO
    assert ENGINE.level_of("2026/11/22 15:07:26 [emerg] 1#1: x") == logging.ERROR
    assert ENGINE.level_of("nginx: what?") == logging.WARNING
