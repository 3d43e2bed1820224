"""The body of /stats.json is the one that docs/architecture.md shows."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from agent.relay.engines.engine import Audio, Delivery, Marks, Video
from agent.relay.meter import StreamView
from agent.relay.relay_supervisor import RelayView
from agent.shown.stats import AgentView, stats_body

DOCUMENT = Path(__file__).parents[4] / "docs" / "architecture.md"


def test_the_body_is_exactly_the_documented_example() -> None:
    found = re.search(r"```json\n(\{\"schema\".*?)```", DOCUMENT.read_text(), re.S)
    assert found
    body = stats_body(
        datetime(2026, 11, 22, 14, 0, 0, 123000, UTC),
        AgentView("n4w7d2…", "k3v9m2x7q4ab", 123.42),
        RelayView("restream", "running", 120.17, 0, {"protocol": 3}),
        StreamView(
            is_live=True,
            live_s=100.11,
            viewers=2,
            bytes_in=123456,
            bytes_out=456789,
            video=Video("H264", 1280, 720, 30.0),
            audio=Audio("AAC", 48000, 2),
            delivery=Delivery(key_interval_ms=2000, gop_bytes=812345, dropped=4),
            marks=Marks("verified", {"missing": 1}),
        ),
    )
    documented = json.loads(found[1])
    assert body == documented
    assert list(body) == list(documented)


def test_a_waiting_stream_has_no_codecs() -> None:
    nothing = StreamView(False, 0.0, 0, 0, 0, None, None)
    relay = RelayView("restream", "stopped", 0.0, 3)
    body = stats_body(datetime.now(UTC), AgentView("n", "s", 1), relay, nothing)
    assert body["stream"] == {
        "id": "s",
        "state": "waiting",
        "live_s": 0.0,
        "viewers": 0,
        "bytes_in": 0,
        "bytes_out": 0,
        "video": None,
        "audio": None,
        "delivery": {"key_interval_ms": None, "gop_bytes": 0, "dropped": 0},
        "marks": None,
    }
