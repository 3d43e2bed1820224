"""When a node calls again."""

import math

import pytest

from agent.client.heartbeats import CoordinatorView, due_s, is_news
from tests.unit.agent.told import ANSWER


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
    assert due_s(1_000.0, 300.0, polled_s, None, 60.0) == due


def test_a_node_that_knows_no_sweeps_only_waits() -> None:
    """The coordinator has not answered yet."""
    assert due_s(1_000.0, 5.0, 0.0, None, math.inf) == 1_005.0


def test_a_node_that_calls_often_anyway_is_not_hurried() -> None:
    """As from its start until it is well."""
    assert due_s(1_000.0, 30.0, 0.0, None, 60.0) == 1_030.0


@pytest.mark.parametrize(
    ("news_s", "due"),
    [
        (1_000.5, 1_030.0),  # just after a beat: not before half a sweep is over
        (1_029.9, 1_030.0),
        (1_111.0, 1_111.0),  # later: at once
        (1_299.0, 1_299.0),
        (1_301.0, 1_300.0),  # it is due anyway
        (None, 1_300.0),
    ],
)
def test_a_node_that_hears_of_news_calls_at_once(news_s: float | None, due: float) -> None:
    """So the worst that strangers can do is a beat in half a sweep, which all nodes did once."""
    assert due_s(1_000.0, 300.0, 1_299.0, news_s, 60.0) == due


def test_news_make_nobody_slower() -> None:
    """Who calls often, or nobody polls, calls when it would."""
    assert due_s(1_000.0, 7.0, 1_000.0, 1_001.0, 60.0) == 1_007.0
    assert due_s(1_000.0, 300.0, 0.0, 1_160.0, 60.0) == 1_150.0


@pytest.mark.parametrize(
    ("view", "reason", "news"),
    [
        (CoordinatorView(ANSWER, ""), "check_failed", True),
        (CoordinatorView(ANSWER, ""), "not a reason at all", True),
        (CoordinatorView(ANSWER, ""), ANSWER.reason, False),
        (CoordinatorView(ANSWER, ""), "", False),  # as of collectors that say nothing
        (CoordinatorView(ANSWER, "The coordinator refuses."), "check_failed", False),
        (CoordinatorView(), "check_failed", False),
        (CoordinatorView(None, ""), "check_failed", False),
    ],
)
def test_news_is_another_reason_than_the_last_answer_s(
    view: CoordinatorView, reason: str, news: bool
) -> None:
    """No claim of a stranger hurries a node whose coordinator is away."""
    assert is_news(view, reason) is news
