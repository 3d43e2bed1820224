"""What the agent logs: each event by its name, one JSON object a line."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.log import AgentEvent, log, log_crash, start_logging

AGENT = Path(__file__).resolve().parents[3] / "node_image/agent"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged meanwhile; other tests log as before."""
    root, agent = logging.getLogger(), logging.getLogger("agent")
    before = root.handlers[:], root.level, agent.level
    stream = io.StringIO()
    start_logging("INFO", stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    agent.setLevel(before[2])


def test_a_line_is_an_object_with_its_event_and_fields(lines: io.StringIO) -> None:
    log(AgentEvent.RELAY_STARTED, pid=7)
    log(AgentEvent.COORDINATOR_CALLED, logging.DEBUG, path="/config")
    log_crash(AgentEvent.NOTICES_CRASHED, ValueError("boom"))
    started, crashed = map(json.loads, lines.getvalue().splitlines())
    assert (started["event"], started["level"], started["pid"]) == ("relay_started", "INFO", 7)
    assert (crashed["event"], crashed["level"]) == ("notices_crashed", "ERROR")
    assert crashed["exception"].endswith("ValueError: boom")


def test_every_event_is_logged_by_somebody() -> None:
    """One that nobody logs would be waited for in vain, by an operator's filter too."""
    named = {
        node.attr
        for path in AGENT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == AgentEvent.__name__
    }
    assert named == set(AgentEvent.__members__)


def test_an_event_s_name_is_its_own() -> None:
    assert {event.name.lower() for event in AgentEvent} == {event.value for event in AgentEvent}
