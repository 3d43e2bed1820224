"""Laws of statistics: what a node says to the coordinator, and what a relay says to its agent."""

import json

from agent.relay.engines.engine import StatisticsError
from agent.relay.engines.restream import parse_statistics
from agent.relay.engines.rtmp_relay_stat import parse_connections
from coordinator.strangers.relay_stats import (
    SMALL_BYTES_MAX,
    Media,
    RelayStats,
    StatsInvalid,
    parse_stats,
)
from tests.fuzz.target import Target
from tests.hostile_bodies import CONNECTION

STREAM = "s3"
BODY_BYTES_MAX = 6_000
"""Below and above the size from which another way of reading is taken."""


def stats_law(data: bytes) -> None:
    """Taken or refused in one sentence, within the limits of its numbers, and by both ways alike.

    Blanks behind a body make it a large one."""
    found = _read(data)
    assert found == _read(data + b" " * (SMALL_BYTES_MAX + 1))
    if found is None:
        return
    for counter in (found.viewers, found.bytes_in or 0, found.bytes_out or 0):
        assert 0 <= counter < 2**63
    assert isinstance(found.media, Media)


def _read(body: bytes) -> RelayStats | None:
    try:
        return parse_stats(body, STREAM)
    except StatsInvalid as error:
        assert 0 < len(str(error)) <= 200
        return None


def relay_page_law(data: bytes) -> None:
    """rtmp_relay's page, as its agent reads it. No text is too odd, and none is made up."""
    try:
        found = parse_connections(data)
    except StatisticsError:
        return
    said = data.decode("utf-8", errors="replace")
    assert len(found) <= said.count("{")
    for each in found:
        assert isinstance(each.name, str)
        assert each.direction or not each.is_client or each.direction == ""


def own_page_law(data: bytes) -> None:
    """restream's page, as its agent reads it."""
    try:
        reading, refused = parse_statistics(data)
    except StatisticsError:
        return
    assert isinstance(reading, tuple)
    assert all(isinstance(count, int) for count in refused.values())


_LIVE = {"id": STREAM, "state": "live", "viewers": 7, "bytes_in": 11, "bytes_out": 13}
_AGENT = {
    "schema": "restream-node/1",
    "node_id": "n2",
    "relay": {"state": "running"},
    "stream": _LIVE,
}
_MANY = {**_AGENT, "stream": {**_LIVE, "bytes_out": 2**63 - 1}}
_PULL = (
    b'{"id": 1, "name": "s3", "application": "live", "status": "connected",'
    b' "address": "203.0.113.5:1935", "connection": "CLIENT", "state": "HANDSHAKE_DONE",'
    b' "direction": "INPUT", "metaData": {"width": 640}}'
)
_V1 = b'{"streams":[{"connections":[' + _PULL + b"," + CONNECTION + b"]}]}"
_V08 = b'{"connections":[' + _PULL.replace(b"direction", b"stream") + b"]}"
_OWN = {
    "refused": {"bad_name": 7},
    "marks": {"state": "good", "left": {"unsigned": 2}},
    "streams": [
        {
            "name": STREAM, "is_published": True, "viewers": 3, "bytes_in": 5, "bytes_out": 7,
            "codecs": [{"kind": "video", "codec": "avc1"}, {"kind": "audio", "codec": "mp4a"}],
            "metadata": {"width": 640, "height": 360, "frame_rate": 25.0, "sample_rate": 48_000,
                         "channels": 2},
            "key_interval_ms": 2000, "gop_bytes": 11, "dropped_batches": 0,
        }
    ],
}  # fmt: skip
_WORDS = (
    *(
        b'"streams":',
        b'"connections":',
        b'"schema":',
        b'"schema":"x",',
        b'"streams":[],',
        b'"connections":[],',
        b",,",
        b"[{",
        b"}]",
    ),
    *(b"HANDSHAKE_DONE", b"NaN", b"Infinity", b"1e999", b"9223372036854775808", b"\\ud800"),
)
STATISTICS_TARGETS = (
    Target(
        "stats",
        stats_law,
        (
            json.dumps(_AGENT).encode(),
            json.dumps(_MANY).encode(),
            _V1,
            _V08,
            _V1.replace(b'DONE",', b'DONE",,'),
            b'{"streams":[]}',
        ),
        BODY_BYTES_MAX,
        _WORDS,
    ),
    Target("relay-page", relay_page_law, (_V1, _V08, _V1.replace(b"s3", b'"odd')), 4_096, _WORDS),
    Target("own-page", own_page_law, (json.dumps(_OWN).encode(),), 4_096, _WORDS),
)
