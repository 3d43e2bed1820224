"""Laws of the second engine's configuration: nothing that is told becomes a directive of it."""

from pathlib import Path

import yaml

from agent.relay.engines.engine import EngineUnfitError, RelayTask
from agent.relay.engines.rtmp_relay import RtmpRelay
from agent.stream_ids import STREAM_ID_PATTERN
from rtmp.addresses import RtmpAddress
from rtmp.errors import RtmpError
from tests.fuzz.target import Target

STATS_PORT, RTMP_PORT = 8081, 1935
_ENGINE = RtmpRelay(Path("/nonexistent"), STATS_PORT)


def configuration_law(data: bytes) -> None:
    """A stream's id and the address to pull from, line by line, as a coordinator may name them.

    Only what its reader lets by reaches the file, and YAML reads that as it was meant."""
    stream_id, _, url = data.decode("utf-8", errors="replace").partition("\n")
    if not STREAM_ID_PATTERN.fullmatch(stream_id):
        return
    try:
        upstream = RtmpAddress.parse(url) if url else None
        task = RelayTask("0.0.0.0", RTMP_PORT, stream_id, upstream)
        (text,) = _ENGINE.render(task, "203.0.113.5").values()
    except (RtmpError, EngineUnfitError) as error:
        assert str(error)
        return
    read = yaml.safe_load(text)
    assert read.keys() == {"log", "statusPage", "servers"}
    (server,) = read["servers"]
    directions = [(each["type"], each["direction"]) for each in server["endpoints"]]
    if upstream is None:
        assert directions == [("host", "input"), ("host", "output")]
        return
    assert directions == [("client", "input"), ("host", "output")]
    pull, _host = server["endpoints"]
    assert pull["address"] == [f"203.0.113.5:{upstream.port}"]
    assert {each["streamName"] for each in server["endpoints"]} == {stream_id}


ENGINE_TARGETS = (
    Target(
        "engine-configuration",
        configuration_law,
        (b"s3\nrtmp://203.0.113.5:1935/live/s3", b"s3\n", b"true\nrtmp://h/live/true", b"1e3"),
        300,
        (b"rtmp://", b"/live/", b'"', b"]", b"\n", b"null", b"0x1"),
    ),
)
