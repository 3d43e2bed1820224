"""Three kinds of body are understood; everything else is refused in one way."""

import json
import tracemalloc
from typing import Any

import pytest

from coordinator.strangers.relay_stats import Media, RelayStats, StatsInvalid, parse_stats
from tests.hostile_bodies import CONNECTION, HOSTILE, filled

AGENT: dict[str, Any] = {
    "schema": "restream-node/1",
    "node_id": "n7",
    "generated_at": "2026-11-22T14:00:00.123Z",
    "agent": {"version": "0.1.0", "uptime_s": 123.4},
    "relay": {"engine": "restream", "state": "running", "uptime_s": 120.2, "restarts": 0},
    "stream": {
        "id": "s3",
        "state": "live",
        "live_s": 100.1,
        "viewers": 2,
        "bytes_in": 1234,
        "bytes_out": 5678,
        "video": {"codec": "H264", "width": 1280, "height": 720, "frame_rate": 30.0},
        "audio": None,
    },
}
PULL = {
    "id": 3,
    "name": "s3",
    "application": "live",
    "status": "connected",
    "address": "192.0.2.5:1935",
    "connection": "CLIENT",
    "state": "HANDSHAKE_DONE",
    "direction": "INPUT",
}
VIEWER = {**PULL, "id": 5, "connection": "HOST", "direction": "OUTPUT"}


def _body(value: object) -> bytes:
    return json.dumps(value).encode()


def _v1(*connections: object) -> bytes:
    return _body({"pending_connections": [], "streams": [{"id": 2, "connections": connections}]})


def test_the_agents_own_schema_is_understood() -> None:
    """With its counters and the node that answers."""
    assert parse_stats(_body(AGENT), "s3") == RelayStats(Media.LIVE, 2, 1234, 5678, "n7")


def test_another_stream_is_absent() -> None:
    """A node that relays something else does not relay this."""
    assert parse_stats(_body(AGENT), "s4").media is Media.ABSENT


def test_a_relay_that_does_not_run_is_down() -> None:
    """Whatever its stream is said to be."""
    body = {**AGENT, "relay": {"state": "restarting"}}
    assert parse_stats(_body(body), "s3").media is Media.RELAY_DOWN


def test_rtmp_relay_v1_pulls_and_serves() -> None:
    """Viewers are HOST + OUTPUT, the upstream is CLIENT + INPUT."""
    assert parse_stats(_v1(PULL, VIEWER, VIEWER), "s3") == RelayStats(Media.LIVE, 2)


def test_rtmp_relay_v1_without_its_upstream_waits() -> None:
    """A pull that is not connected brings nothing."""
    down = {**PULL, "status": "not connected", "state": "UNINITIALIZED"}
    assert parse_stats(_v1(down), "s3").media is Media.WAITING


def test_rtmp_relay_v1_idle_waits() -> None:
    """No connection at all: the pull is between two attempts."""
    assert parse_stats(b'{"pending_connections":[], "streams":[]}', "s3").media is Media.WAITING


def test_rtmp_relay_v08_has_one_flat_list() -> None:
    """And calls the direction `stream`."""
    flat = [
        {**{k: v for k, v in c.items() if k != "direction"}, "stream": c["direction"]}
        for c in (PULL, VIEWER)
    ]
    assert parse_stats(_body({"connections": flat}), "s3") == RelayStats(Media.LIVE, 1)


def test_rtmp_relay_in_mid_handshake_is_repaired() -> None:
    """`"ACK_SENT",,` is not JSON, and is what that relay writes."""
    pending = {**VIEWER, "state": "ACK_SENT", "direction": "NONE"}
    text = (
        _v1(PULL)
        .decode()
        .replace(
            '"pending_connections": []',
            '"pending_connections": ['
            + json.dumps(pending).replace('"ACK_SENT",', '"ACK_SENT",,')
            + "]",
        )
    )
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert parse_stats(text.encode(), "s3").media is Media.LIVE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"not json",
        b"{,,}",
        b"\xff\xfe",
        b'{"streams": 7}',
        b'{"streams": [{"connections": [{}]}]}',
        b"[" * 5_000,
        _body({**AGENT, "schema": "restream-node/2"}),
        _body({**AGENT, "stream": {**AGENT["stream"], "bytes_in": -1}}),
        _body({**AGENT, "stream": {**AGENT["stream"], "bytes_in": 2**63}}),
        _body({**AGENT, "stream": {**AGENT["stream"], "viewers": "many"}}),
        _body({**AGENT, "stream": None}),
    ],
)
def test_anything_else_is_invalid(body: bytes) -> None:
    """One kind of error, whatever was sent."""
    with pytest.raises(StatsInvalid):
        parse_stats(body, "s3")


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_refused_after_little_work(body: bytes) -> None:
    """Not timed here, that is what `make bench-sweep` does: by the memory that it takes."""
    tracemalloc.start()
    try:
        with pytest.raises(StatsInvalid):
            parse_stats(body, "s3")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes <= 12 * len(body)


def test_the_largest_bodies_of_the_relay_are_read() -> None:
    """As many connections as its limit of bytes holds."""
    largest = filled(CONNECTION, b'{"connections":[', b"]}", times=599)
    assert parse_stats(largest, "s3").media is Media.ABSENT
    assert parse_stats(_v1(PULL, *[VIEWER] * 370), "s3") == RelayStats(Media.LIVE, 370)
    padded = _body({**AGENT, "more": "x" * 10_000})
    assert parse_stats(padded, "s3") == parse_stats(_body(AGENT), "s3")


@pytest.mark.parametrize("said", ["1970-01-01T00:00:00Z", "2999-12-31T23:59:59Z", "soon", 7, None])
def test_a_clock_that_is_off_changes_nothing(said: object) -> None:
    """When a node thinks it is is not asked: counters that move are the proof."""
    told = parse_stats(_body({**AGENT, "generated_at": said}), "s3")
    assert told == parse_stats(_body(AGENT), "s3")
