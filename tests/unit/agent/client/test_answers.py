"""What the coordinator says: parsed once, refused when it is not as the contract says."""

from typing import Any

import pytest

from agent.client.answers import (
    Candidate,
    NotUnderstoodError,
    ToldFacts,
    parse_candidates,
    parse_heartbeat_answer,
    parse_stream,
)
from rtmp.addresses import RtmpAddress

STREAM = {
    "stream_id": "k3v9m2x7q4ab",
    "name": "Main stage",
    "status": "active",
    "ingest_url": "rtmp://203.0.113.5:1935/live/k3v9m2x7q4ab",
    "ends_at": None,
}
COUNTS = {"nodes_verified": 1, "max_paid_nodes": 1}
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
    "polled_every_seconds": 60,
}


def test_a_stream_is_read_as_the_contract_shows_it() -> None:
    stream = parse_stream(STREAM)
    assert stream.ingest_url == RtmpAddress("203.0.113.5", 1935, "live", "k3v9m2x7q4ab")
    assert not stream.is_over


def test_a_heartbeat_s_answer_is_read_as_the_contract_shows_it() -> None:
    answer = parse_heartbeat_answer({**ANSWER, "from_a_later_version": 1})
    assert (answer.next_heartbeat_s, answer.polled_every_s) == (30.0, 60.0)
    assert answer.stream.is_over
    assert answer.stream.ingest_url.url == "rtmp://ingest.example.org:1935/live/k3v9m2x7q4ab"


def test_what_is_only_shown_is_read_as_the_contract_shows_it() -> None:
    """Instants as Unix seconds."""
    more = {
        "stream_name": "Main stage",
        "newest_agent": "0.2.0",
        "pending": "1.475",
        "available": "10.775",
        "next_release_at": "2026-11-23T15:02:00Z",
        "last_check_at": "2026-11-22T14:52:07.250Z",
        "last_check_reason": "passed",
    }
    assert parse_heartbeat_answer({**ANSWER, **more}).told == ToldFacts(
        "Main stage", "0.2.0", "1.475", "10.775", 1_795_446_120.0, 1_795_359_127.25, "passed"
    )


@pytest.mark.parametrize("value", [None, 7, [], "", "x" * 70_000, "2026-11-22T14:52:07"])
def test_what_is_only_shown_never_makes_an_answer_unreadable(value: object) -> None:
    """An older coordinator does not say it; whatever is odd is left out or cut."""
    names = ("stream_name", "newest_agent", "pending", "available", "last_check_reason")
    odd = dict.fromkeys((*names, "next_release_at", "last_check_at"), value)
    told = parse_heartbeat_answer({**ANSWER, **odd}).told
    assert (told.release_s, told.checked_s) == (None, None)
    assert all(
        len(getattr(told, each)) <= 200 for each in ("stream_name", "newest_agent", "pending")
    )
    assert parse_heartbeat_answer(ANSWER).told == ToldFacts()


@pytest.mark.parametrize("at", ["1969-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"])
def test_an_instant_that_cannot_be_meant_is_not_shown(at: str) -> None:
    """Some of them no calendar can print."""
    assert parse_heartbeat_answer({**ANSWER, "next_release_at": at}).told.release_s is None


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
        parse_stream({**STREAM, "ingest_url": url})


@pytest.mark.parametrize(
    ("change"),
    [
        {"next_heartbeat_seconds": "30"},
        {"polled_every_seconds": None},
        {"polled_every_seconds": -1},
        {"next_heartbeat_seconds": True},
        {"next_heartbeat_seconds": None},
        {"next_heartbeat_seconds": 10**400},
        {"next_heartbeat_seconds": float("nan")},
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


def test_a_page_of_streams_is_read_with_its_token() -> None:
    """The rest of a stream's record is not a node's business."""
    item = {**STREAM, "nodes_verified": 3, "max_paid_nodes": 100}
    found, token = parse_candidates({"streams": [item], "next_page_token": "k3"})
    stream = parse_stream(STREAM)
    assert (found, token) == ([Candidate(stream, 3, 100)], "k3")
    priced = {**item, "reward_per_node_hour": "1.5", "balance": "0.000007"}
    found, _ = parse_candidates({"streams": [priced], "next_page_token": None})
    assert found == [Candidate(stream, 3, 100, 1_500_000, 7)]
    assert parse_candidates({"streams": [], "next_page_token": None}) == ([], "")


@pytest.mark.parametrize(
    "body",
    [
        {"streams": {}, "next_page_token": None},
        {"streams": [None], "next_page_token": None},
        {"streams": [], "next_page_token": 7},
        {"streams": [{**STREAM, "nodes_verified": -1, "max_paid_nodes": 1}]},
        {"streams": [{**STREAM, "nodes_verified": 1, "max_paid_nodes": 0}]},
        {"streams": [{**STREAM, "nodes_verified": True, "max_paid_nodes": 1}]},
        {"streams": [{**STREAM, "nodes_verified": 10**400, "max_paid_nodes": 1}]},
        {"streams": [{**STREAM, **COUNTS, "reward_per_node_hour": 1.5}], "next_page_token": None},
        {"streams": [{**STREAM, **COUNTS, "reward_per_node_hour": "-1"}], "next_page_token": None},
        {"streams": [{**STREAM, **COUNTS, "balance": "1e99"}], "next_page_token": None},
        {"streams": [{**STREAM, **COUNTS, "balance": "9" * 400}], "next_page_token": None},
    ],
)
def test_a_page_that_is_not_as_the_contract_says_is_refused(body: object) -> None:
    """A share of nothing would be a division by zero."""
    with pytest.raises(NotUnderstoodError):
        parse_candidates(body)


def test_a_stream_id_that_could_become_a_directive_is_refused() -> None:
    """It enters the relay's configuration."""
    for stream_id in ("a;b", "a b", "", "a" * 65, '"'):
        with pytest.raises(NotUnderstoodError):
            parse_stream({**STREAM, "stream_id": stream_id})
