"""The status page and the metrics: what an operator looks at."""

from dataclasses import replace

import pytest

from agent.client.heartbeats import CoordinatorView
from agent.relay.engines.engine import Delivery
from agent.shown.metrics import metrics_text
from agent.shown.status_page import status_page
from tests.unit.agent.told import AGENT, ANSWER, RELAY, STREAM


def test_a_healthy_node_reads_that_it_earns_and_how_much() -> None:
    page = status_page(CoordinatorView(ANSWER, ""), AGENT, RELAY, STREAM)
    assert "<h1>This node is earning</h1>" in page
    assert "12.25 tokens" in page
    assert "7.1 MB" in page


@pytest.mark.parametrize("status", ["unhealthy", "offline", "something-new"])
def test_a_node_that_does_not_earn_reads_why_and_what_to_do(status: str) -> None:
    answer = replace(ANSWER, status=status, says="Nothing accepts <it>.", fix="Forward the port.")
    page = status_page(CoordinatorView(answer, ""), AGENT, RELAY, STREAM)
    assert "<h1>This node is not earning</h1>" in page
    assert "<p>Nothing accepts &lt;it&gt;.</p>" in page
    assert "<p>Forward the port.</p>" in page


def test_a_well_node_that_is_not_paid_does_not_read_that_it_earns() -> None:
    unproven = replace(ANSWER, reason="unproven", says="No check has passed yet.")
    page = status_page(CoordinatorView(unproven, ""), AGENT, RELAY, STREAM)
    assert "<h1>This node is well and waits for its first passed check</h1>" in page
    failed = replace(
        ANSWER, status="unhealthy", reason="check_failed", says="The last check failed."
    )
    page = status_page(CoordinatorView(failed, ""), AGENT, RELAY, STREAM)
    assert "<h1>This node earns nothing until a check passes</h1>" in page
    exhausted = replace(ANSWER, stream=replace(ANSWER.stream, status="exhausted"))
    page = status_page(CoordinatorView(exhausted, ""), AGENT, RELAY, STREAM)
    assert "the stream&#x27;s tokens are used up</h1>" in page
    assert "is earning" not in page


def test_before_the_first_answer_the_page_says_what_is_waited_for() -> None:
    page = status_page(CoordinatorView(), AGENT, RELAY, STREAM)
    assert "not earning yet" in page
    assert "The coordinator has not answered yet." in page


def test_an_absent_coordinator_is_said_and_nothing_is_claimed_for_it() -> None:
    page = status_page(CoordinatorView(ANSWER, "It cannot be asked."), AGENT, RELAY, STREAM)
    assert "does not reach the coordinator" in page
    assert "It cannot be asked." in page
    assert "is earning" not in page


def test_a_relay_that_does_not_run_is_said_in_place_of_what_it_looks_like_from_outside() -> None:
    """A taken port looks closed from outside: to forward it would repair nothing."""
    closed = replace(ANSWER, status="unhealthy", says="Nothing accepts.", fix="Forward the port.")
    page = status_page(
        CoordinatorView(closed, ""), AGENT, RELAY, STREAM, "Stop what uses the port."
    )
    assert "<h1>This node is not earning: its relay does not run</h1>" in page
    assert "<p>Stop what uses the port.</p>" in page
    assert "Forward" not in page


def test_one_trouble_is_told_once() -> None:
    waiting = CoordinatorView()
    page = status_page(waiting, AGENT, RELAY, STREAM, waiting.trouble)
    assert page.count(waiting.trouble) == 1


def test_an_ingest_earns_nothing() -> None:
    assert "This is an ingest" in status_page(None, AGENT, RELAY, STREAM)


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
