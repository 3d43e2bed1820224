"""What an operator's own monitoring reads."""

from dataclasses import replace

from agent.relay.engines.engine import Delivery
from agent.shown.metrics import metrics_text
from tests.unit.agent.told import AGENT, RELAY, STREAM


def test_metrics_are_prometheus_s_text() -> None:
    text = metrics_text(AGENT, RELAY, STREAM)
    label = '{node_id="n4w7d2",stream_id="k3v9m2x7q4ab"}'
    assert "# TYPE restream_relay_restarts_total counter\n" in text
    assert f"restream_relay_restarts_total{label} 3\n" in text
    assert f"restream_viewers{label} 2\n" in text
    assert f"restream_agent_uptime_seconds{label} 123.4\n" in text


def test_metrics_tell_how_the_stream_is_handed_on_and_who_was_refused() -> None:
    relay = replace(RELAY, refused={"too_slow": 2, "protocol": 5})
    stream = replace(STREAM, delivery=Delivery(2000, 812_345, 4))
    text = metrics_text(AGENT, relay, stream)
    label = 'node_id="n4w7d2",stream_id="k3v9m2x7q4ab"'
    assert f"restream_key_interval_seconds{{{label}}} 2.0\n" in text
    assert f"restream_gop_bytes{{{label}}} 812345\n" in text
    assert f"restream_dropped_writes{{{label}}} 4\n" in text
    assert text.endswith(
        "# TYPE restream_refused_total counter\n"
        f'restream_refused_total{{{label},reason="protocol"}} 5\n'
        f'restream_refused_total{{{label},reason="too_slow"}} 2\n'
    )
