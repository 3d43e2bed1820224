"""rtmp_relay: its configuration, its statistics with their faults, and bytes from the kernel."""

import json
import logging
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from agent.relay.engines.byte_ledger import HANDSHAKE_BYTES_MAX, ByteLedger
from agent.relay.engines.engine import Audio, EngineUnfitError, RelayTask, StatisticsError, Video
from agent.relay.engines.rtmp_relay import RtmpRelay
from agent.relay.engines.rtmp_relay_stat import ListedConnection, parse_connections
from agent.relay.engines.sockets import CountersError, TcpSocket, parse_dump
from rtmp.addresses import RtmpAddress

HERE = Path(__file__).parent
ENGINE = RtmpRelay(Path("/run/relay"), stats_port=18181)
UPSTREAM = RtmpAddress("ingest.example.org", 1937, "live", "k3v9m2x7q4ab")
NODE = RelayTask("0.0.0.0", 1935, "k3v9m2x7q4ab", upstream=UPSTREAM)
INGEST = RelayTask("127.0.0.1", 1936, "", hooks="http://127.0.0.1:40001")

PULL = ListedConnection("s3", "live", "192.0.2.5:1935", True, "INPUT", True, {"width": 640.0})
VIEWER = ListedConnection("s3", "live", "198.51.100.7:50123", False, "OUTPUT", True)
PULL_SOCKET = TcpSocket(11, 101, 40_001, "192.0.2.5:1935", 100_003, 3_001)
VIEWER_SOCKET = TcpSocket(13, 103, 1935, "198.51.100.7:50123", 3_007, 70_001)


def _v1(*connections: dict[str, object]) -> bytes:
    stream = {"id": 2, "applicationName": "live", "streamName": "s3", "connections": connections}
    return json.dumps({"pending_connections": [], "streams": [stream]}).encode()


def _item(connection: ListedConnection, **changed: object) -> dict[str, object]:
    return {
        "id": 3,
        "name": connection.name,
        "application": connection.application,
        "status": "connected",
        "address": connection.address,
        "connection": "CLIENT" if connection.is_client else "HOST",
        "state": "HANDSHAKE_DONE",
        "direction": connection.direction,
        **changed,
        **({"metaData": connection.metadata} if connection.metadata else {}),
    }


@pytest.mark.parametrize(
    ("task", "golden"), [(NODE, "rtmp_relay_node.yaml"), (INGEST, "rtmp_relay_ingest.yaml")]
)
def test_the_configuration_is_the_golden_one(task: RelayTask, golden: str) -> None:
    """The keys and shapes are those of the relay's parser: a host's address is a list."""
    files = ENGINE.render(task, "203.0.113.5")
    assert files == {"rtmp_relay.yaml": (HERE / golden).read_text()}


def test_a_stream_under_another_name_is_refused_with_what_to_set() -> None:
    """This relay serves a stream under the name that it pulls it by."""
    renamed = replace(NODE, upstream=replace(UPSTREAM, name="other"))
    with pytest.raises(EngineUnfitError, match="set RELAY_ENGINE=restream"):
        ENGINE.render(renamed, "203.0.113.5")


def test_v1_is_read_with_its_streams() -> None:
    """Upstream and viewers, as the newest version lists them."""
    assert parse_connections(_v1(_item(PULL), _item(VIEWER))) == [PULL, VIEWER]


def test_v08_is_read_from_its_flat_list() -> None:
    """It calls the direction `stream`."""
    items = [_item(PULL), _item(VIEWER)]
    for item in items:
        item["stream"] = item.pop("direction")
    assert parse_connections(json.dumps({"connections": items}).encode()) == [PULL, VIEWER]


def test_an_idle_relay_has_no_connections() -> None:
    """The two lists are empty."""
    assert parse_connections(b'{"pending_connections":[], "streams":[]}') == []


def test_a_pull_that_is_not_connected_is_not_up() -> None:
    """It stays in the list between two attempts."""
    (down,) = parse_connections(_v1(_item(PULL, status="not connected", state="UNINITIALIZED")))
    assert not down.is_up


def test_a_connection_in_mid_handshake_does_not_hide_the_others() -> None:
    """The page is not JSON while there is one."""
    pending = json.dumps(_item(VIEWER, state="ACK_SENT", name="", direction="NONE"))
    body = _v1(_item(PULL)).replace(
        b'"pending_connections": []',
        b'"pending_connections": ['
        + pending.replace('"ACK_SENT",', '"ACK_SENT",,').encode()
        + b"]",
    )
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    mid, pull = parse_connections(body)
    assert (mid.is_up, pull) == (False, PULL)


def test_a_viewer_with_quotes_in_its_name_does_not_blind_the_agent() -> None:
    """Names are not escaped by this relay; connections that are written cleanly are still read."""
    odd = _item(replace(VIEWER, name="QUOTES"))
    body = _v1(odd, _item(PULL)).replace(b"QUOTES", b'a"b,{')
    assert parse_connections(body) == [replace(PULL, metadata={})]


def test_control_characters_in_a_description_are_read_over() -> None:
    """nginx-rtmp pads two texts with zero bytes, and this relay repeats them as they are."""
    described = replace(PULL, metadata={"level": "LEVEL"})
    body = _v1(_item(described)).replace(b"LEVEL", bytes(8))
    assert parse_connections(body) == [replace(PULL, metadata={"level": "\0" * 8})]


@pytest.mark.parametrize("body", [b"", b"<html/>", b"[]", b'{"a": 1}', b"[" * 5_000])
def test_what_is_not_its_statistics_is_refused(body: bytes) -> None:
    """Another program on the port must not pass for the relay."""
    with pytest.raises(StatisticsError):
        parse_connections(body)


def test_bytes_are_those_of_the_kernel_by_stream_and_direction() -> None:
    """The upstream's received bytes and the viewers' acknowledged ones."""
    (stream,) = ByteLedger().take([PULL, VIEWER], [PULL_SOCKET, VIEWER_SOCKET])
    assert (stream.name, stream.is_published, stream.viewers) == ("s3", True, 1)
    assert (stream.bytes_in, stream.bytes_out) == (100_003, 70_001)


def test_counters_go_on_when_a_viewer_leaves_and_another_comes() -> None:
    """A sum over the open connections would fall, and be taken for a new beginning."""
    ledger = ByteLedger()
    ledger.take([PULL, VIEWER], [PULL_SOCKET, VIEWER_SOCKET])
    ledger.take([PULL], [PULL_SOCKET])
    other = replace(VIEWER, address="198.51.100.11:50129")
    sock = TcpSocket(17, 107, 1935, other.address, 3_007, 5_003)
    (stream,) = ledger.take([PULL, other], [PULL_SOCKET, sock])
    assert (stream.bytes_in, stream.bytes_out) == (100_003, 75_004)


def test_a_handshake_is_not_media() -> None:
    """An idle stream's pull flaps, and each attempt brings some 4 kB."""
    bare = replace(PULL, metadata={})
    few = replace(PULL_SOCKET, bytes_received=4_001)
    (stream,) = ByteLedger().take([bare], [few])
    assert not stream.is_published
    many = replace(PULL_SOCKET, bytes_received=HANDSHAKE_BYTES_MAX + 1)
    (stream,) = ByteLedger().take([bare], [many])
    assert stream.is_published


def test_media_over_a_second_pull_is_noticed_and_a_handshake_is_not() -> None:
    """Only then may new viewers lack codec headers."""
    ledger = ByteLedger()
    ledger.take([PULL], [PULL_SOCKET])
    second = replace(PULL_SOCKET, cookie=19, bytes_received=4_001)
    ledger.take([replace(PULL, metadata={})], [second])
    assert not ledger.has_pulled_anew
    ledger.take([PULL], [second])
    assert ledger.has_pulled_anew


def test_a_description_becomes_codecs_and_nonsense_in_it_does_not() -> None:
    """A publisher wrote it: only numbers in bounds are believed."""
    told: dict[str, object] = {"width": 1280.0, "height": 720.0, "videocodecid": 7.0}
    told |= {"framerate": 25.0, "audiosamplerate": 48000.0, "audiocodecid": 10.0, "stereo": True}
    (stream,) = ByteLedger().take([replace(PULL, metadata=told)], [PULL_SOCKET])
    assert stream.video == Video("H264", 1280, 720, 25.0)
    assert stream.audio == Audio("AAC", 48000, 2)
    odd: dict[str, object] = {"width": "wide", "height": 1e300, "audiosamplerate": True}
    (stream,) = ByteLedger().take([replace(PULL, metadata=odd)], [PULL_SOCKET])
    assert (stream.video, stream.audio) == (None, None)


def _message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


def _diag(inode: int, cookie: int, received: int, sent: int) -> bytes:
    ids = struct.pack("!HH4s12x4s12x", 1935, 50123, bytes([127, 0, 0, 1]), bytes([198, 51, 100, 7]))
    head = b"\x02\x01\x00\x00" + ids + struct.pack("=IQ", 0, cookie) + bytes(16)
    info = bytes(120) + struct.pack("=QQ", sent, received) + bytes(100)
    attribute = struct.pack("=HH", 4 + len(info), 2) + info
    return _message(
        20, head + struct.pack("=I", inode) + struct.pack("=HH", 5, 9) + b"x\0\0\0" + attribute
    )


def test_the_kernel_s_table_is_read_to_its_end() -> None:
    """Attributes of other kinds in between are passed over."""
    found, is_last = parse_dump(_diag(101, 11, 1_000_003, 7_001) + _message(3, bytes(4)))
    assert is_last
    assert found == [TcpSocket(11, 101, 1935, "198.51.100.7:50123", 1_000_003, 7_001)]
    assert parse_dump(_message(20, b"short")) == ([], False)


def test_a_kernel_that_refuses_is_said_with_what_to_set() -> None:
    """Some container runtimes know no inet_diag."""
    with pytest.raises(CountersError, match="RELAY_ENGINE=restream"):
        parse_dump(_message(2, bytes(4)))


def test_lines_are_warnings_unless_they_tell_of_a_failure() -> None:
    """It writes no level."""
    assert ENGINE.level_of("2026.11.22 15:07:26: Failed to bind") == logging.ERROR
    assert ENGINE.level_of("2026.11.22 15:07:26: Disconnected") == logging.WARNING
