"""What the coordinator says: parsed once, refused when it is not as the contract says."""

from typing import Any

import pytest

from agent.streams import (
    NotUnderstoodError,
    RtmpUrl,
    parse_heartbeat_answer,
    parse_stream,
)

STREAM = {
    "stream_id": "k3v9m2x7q4ab",
    "name": "Main stage",
    "status": "active",
    "ingest_url": "rtmp://203.0.113.5:1935/live/k3v9m2x7q4ab",
    "ends_at": None,
}
ANSWER = {
    "node_id": "n4w7d2",
    "stream_id": "k3v9m2x7q4ab",
    "stream_status": "closed",
    "status": "healthy",
    "reason": "ok",
    "says": "Everything is as it should be.",
    "fix": "",
    "stats_url": "http://198.51.100.7:8080/stats.json",
    "rtmp_url": "rtmp://198.51.100.7:1935/live/k3v9m2x7q4ab",
    "ingest_url": "rtmp://ingest.example.org/live/k3v9m2x7q4ab",
    "earned": "12.25",
    "next_heartbeat_seconds": 30,
}


def test_a_stream_is_read_as_the_contract_shows_it() -> None:
    stream = parse_stream(STREAM)
    assert stream.ingest_url == RtmpUrl("203.0.113.5", 1935, "live", "k3v9m2x7q4ab")
    assert not stream.is_closed


def test_a_heartbeat_s_answer_is_read_as_the_contract_shows_it() -> None:
    answer = parse_heartbeat_answer({**ANSWER, "from_a_later_version": 1})
    assert answer.next_heartbeat_s == 30.0
    assert answer.stream.is_closed
    assert str(answer.stream.ingest_url) == "rtmp://ingest.example.org:1935/live/k3v9m2x7q4ab"


@pytest.mark.parametrize(
    "url",
    [
        "http://203.0.113.5/live/s",
        "rtmp://203.0.113.5/live",
        "rtmp://203.0.113.5/live/s/t",
        "rtmp://203.0.113.5:0/live/s",
        "rtmp://203.0.113.5:70000/live/s",
        "rtmp://203.0.113.5/live/s static; exec /bin/sh",
        "rtmp://203.0.113.5/live/s;\n}",
        "rtmp://host\n/live/s",
        "rtmp://-host/live/s",
        "rtmp://host/live/s\n",
        "rtmp://[::1]/live/s",
        "rtmp://user@host/live/s",
        "",
    ],
)
def test_an_address_that_could_become_a_directive_is_refused(url: str) -> None:
    with pytest.raises(NotUnderstoodError):
        RtmpUrl.parse(url)


@pytest.mark.parametrize(
    ("change"),
    [
        {"next_heartbeat_seconds": "30"},
        {"next_heartbeat_seconds": True},
        {"next_heartbeat_seconds": None},
        {"fix": None},
        {"ingest_url": 7},
    ],
)
def test_an_answer_with_a_wrong_field_is_not_understood(change: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstoodError):
        parse_heartbeat_answer({**ANSWER, **change})


@pytest.mark.parametrize("body", [None, [], "x", 3, {}])
def test_an_answer_of_another_shape_is_not_understood(body: object) -> None:
    with pytest.raises(NotUnderstoodError):
        parse_stream(body)
