"""Whether a node earns now, and why not."""

from dataclasses import replace

import pytest

from coordinator.checking.checks import Control
from coordinator.checking.controls import REASONS
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.ledger.rows import Row
from coordinator.projections.earnings import Earns, answer_of
from coordinator.projections.money_projection import NO_TOKENS
from coordinator.projections.network_view import NodeView
from coordinator.reasons import Reason
from coordinator.streams import StreamStatus
from coordinator.sweeping.nodes import NodeStatus, node_status
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.rosters import Slot

SLOT = Slot("n2", "s3", "http://192.0.2.5/", "192.0.2.5", 1935, 7, 1.0)
PROVEN = TrustState(Trust.PROVEN, passed=3, last_pass_s=7.0)


def _view(status: NodeStatus, reason: Reason) -> NodeView:
    return NodeView(SLOT, status, reason, None, PROVEN, NO_TOKENS)


def _row(paid: int, why: Reason) -> Row:
    return Row("n2", 60, 60, 0, 0, 0, paid, ((why, 60 - paid),), 0, 0, 0, why, ())


def test_a_verified_node_of_an_active_stream_earns() -> None:
    """Nothing is to be done."""
    answer = answer_of(_view(NodeStatus.HEALTHY, Reason.OK), StreamStatus.ACTIVE, ())
    assert (answer.earns, answer.fix) == (Earns.YES, "")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (NodeStatus.HEALTHY, Reason.UNPROVEN),
        (NodeStatus.IDLE, Reason.STREAM_IDLE),
        (NodeStatus.PENDING, Reason.NOT_YET_SWEPT),
    ],
)
def test_a_node_that_waits_is_told_so(status: NodeStatus, reason: Reason) -> None:
    """Its own reason, in its own words."""
    answer = answer_of(_view(status, reason), StreamStatus.ACTIVE, ())
    assert (answer.earns, answer.says, answer.fix) == (Earns.WAITS, reason.says, reason.fix)


@pytest.mark.parametrize("control", Control)
def test_a_control_node_is_not_told_to_wait_for_pay(control: Control) -> None:
    """None comes, whatever its checks say: it is told what it is for."""
    reason = REASONS[control]
    view = replace(_view(NodeStatus.HEALTHY, reason), control=control)
    answer = answer_of(view, StreamStatus.ACTIVE, ())
    assert (answer.earns, answer.says, answer.fix) == (Earns.WAITS, reason.says, reason.fix)
    assert answer.title == "It is a control: it earns nothing."
    assert answer_of(view, StreamStatus.EXHAUSTED, ()) == answer


def test_a_control_node_that_is_down_says_so_like_any_other() -> None:
    view = replace(_view(NodeStatus.UNHEALTHY, Reason.CONNECT_FAILED), control=Control.BAD)
    answer = answer_of(view, StreamStatus.ACTIVE, ())
    assert (answer.earns, answer.says) == (Earns.NO, Reason.CONNECT_FAILED.says)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (NodeStatus.UNHEALTHY, Reason.CONNECT_FAILED),
        (NodeStatus.FLAGGED, Reason.SUSPECTED),
        (NodeStatus.SUSPENDED, Reason.SUSPENDED),
        (NodeStatus.FRAUD, Reason.FRAUD),
        (NodeStatus.OFFLINE, Reason.OFFLINE),
        (NodeStatus.LEFT, Reason.LEFT),
    ],
)
def test_whatever_is_wrong_is_named_with_what_to_do(status: NodeStatus, reason: Reason) -> None:
    """The node's own trouble comes before its stream's."""
    for stream in (StreamStatus.ACTIVE, StreamStatus.CLOSED, None):
        answer = answer_of(_view(status, reason), stream, ())
        assert (answer.earns, answer.says, answer.fix) == (Earns.NO, reason.says, reason.fix)


def test_a_failed_check_is_told_with_what_it_found_and_what_to_do() -> None:
    """Not that it earns, nor that there is nothing to do."""
    failed = TrustState(Trust.PROVEN, passed=3, failed=1, last_pass_s=7.0, last_reason="replayed")
    status, reason = node_status((Outcome.UP, Reason.OK), failed, gone=None)
    view = NodeView(SLOT, status, reason, None, failed, NO_TOKENS)
    answer = answer_of(view, StreamStatus.ACTIVE, ())
    assert (status, reason, answer.earns) == (NodeStatus.UNHEALTHY, Reason.CHECK_FAILED, Earns.NO)
    assert answer.says == f"{Reason.CHECK_FAILED.says} {Reason.REPLAYED.says}"
    assert answer.fix == Reason.REPLAYED.fix


@pytest.mark.parametrize(
    ("trust", "told"),
    [
        (TrustState(), Reason.UNPROVEN),
        (TrustState(failed=1, last_reason="no_stream"), Reason.CHECK_FAILED),
        (TrustState(Trust.PROVEN, passed=1, last_reason="passed"), Reason.OK),
        (TrustState(Trust.PROVEN, degraded=1, last_reason="degraded"), Reason.OK),
        (TrustState(Trust.FLAGGED, failed=3, last_reason="no_stream"), Reason.SUSPECTED),
    ],
)
def test_a_node_that_says_it_is_up_is_told_what_its_checks_say(
    trust: TrustState, told: Reason
) -> None:
    """The last one that counts; whoever has failed it does not read as healthy."""
    status, reason = node_status((Outcome.UP, Reason.OK), trust, gone=None)
    assert reason is told
    assert (status is NodeStatus.HEALTHY) == (told in (Reason.UNPROVEN, Reason.OK))


def test_a_stream_that_is_not_known_here_is_taken_for_active() -> None:
    """No node can announce itself for one that is not registered."""
    answer = answer_of(_view(NodeStatus.HEALTHY, Reason.OK), None, ())
    assert answer.earns is Earns.YES


@pytest.mark.parametrize("stream", [StreamStatus.EXHAUSTED, StreamStatus.CLOSED])
def test_a_stream_without_tokens_pays_nobody(stream: StreamStatus) -> None:
    """However healthy the node is."""
    answer = answer_of(_view(NodeStatus.HEALTHY, Reason.OK), stream, ())
    assert answer.earns is Earns.NO
    assert answer.says.endswith(".")


@pytest.mark.parametrize(
    "reason", [Reason.SAME_ADDRESS, Reason.NETWORK_SHARE, Reason.BEYOND_MAX_PAID_NODES]
)
def test_a_verified_node_without_a_place_is_told_why(reason: Reason) -> None:
    """Unless it was paid a part of its last epoch."""
    view = _view(NodeStatus.HEALTHY, Reason.OK)
    without = answer_of(view, StreamStatus.ACTIVE, [_row(0, reason)])
    assert (without.earns, without.says, without.fix) == (Earns.NO, reason.says, reason.fix)
    assert answer_of(view, StreamStatus.ACTIVE, [_row(7, reason)]).earns is Earns.YES
