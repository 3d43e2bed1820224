"""When a node calls again."""

import math

import pytest

from agent.client.heartbeats import due_s


@pytest.mark.parametrize(
    ("polled_s", "due"),
    [
        (0.0, 1_150.0),  # never: two sweeps and a half after the beat
        (1_100.0, 1_250.0),  # since: so long after the poll
        (1_160.0, 1_300.0),  # regularly: when it was asked to
        (2_000.0, 1_300.0),
    ],
)
def test_a_node_that_nobody_polls_calls_at_once(polled_s: float, due: float) -> None:
    """And one that is polled, when it was asked to."""
    assert due_s(1_000.0, 300.0, polled_s, 60.0) == due


def test_a_node_that_knows_no_sweeps_only_waits() -> None:
    """The coordinator has not answered yet."""
    assert due_s(1_000.0, 5.0, 0.0, math.inf) == 1_005.0


def test_a_node_that_calls_often_anyway_is_not_hurried() -> None:
    """As from its start until it is well."""
    assert due_s(1_000.0, 30.0, 0.0, 60.0) == 1_030.0
