"""Whom lists name, and whom they name all the same when few are verified."""

from dataclasses import replace

import pytest

from coordinator.checking.checks import Control, IngestState
from coordinator.checking.last_run import LastRun
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.projections.network_document import NetworkDocument
from coordinator.projections.network_view import LISTED_MIN, NetworkView, network_of
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import NodeStatus
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.shards import WHOLE
from tests.builders import a_slot

LIVE = LastRun(7, streams={"s3": IngestState.LIVE})
PROVEN = TrustState(Trust.PROVEN, passed=3, last_check_s=9.0, last_pass_s=9.0, last_reason="passed")
OFF = replace(PROVEN, failed=1, last_reason="no_stream", delisted_s=9.0)
WAITS = replace(PROVEN, failed=1, last_reason="no_stream", doubted_s=9.0)


def a_network(*trust: TrustState, prober: LastRun = LIVE, up: Outcome = Outcome.UP) -> NetworkView:
    """Nodes of one stream, the first up for longest."""
    slots = tuple(replace(a_slot(f"n{at}"), stream_id="s3") for at in range(len(trust)))
    polls = {at: Poll(up, Reason.OK, 90, 90 - at) for at in range(len(trust))}
    states = {f"n{at}": state for at, state in enumerate(trust)}
    document = NetworkDocument(WHOLE, 5, 1.0, slots, polls, states, prober=prober)
    return network_of([document], {}, 60)


def listed(network: NetworkView) -> list[str]:
    """Who is on the stream's list; `?` behind those that are marked as unproven."""
    return [n.node_id + "?" * (not n.is_verified) for n in network.listed("s3")]


def test_a_node_that_failed_leaves_a_list_that_is_long_enough() -> None:
    """Three are: nobody is sent to a dead one."""
    network = a_network(OFF, PROVEN, PROVEN, PROVEN)
    assert listed(network) == ["n1", "n2", "n3"]
    assert network.nodes["n0"].status is NodeStatus.UNHEALTHY


def test_a_sponsor_of_three_nodes_keeps_them_on_the_list() -> None:
    """Two fail: they stay, marked, behind the one that passes. They are not counted."""
    network = a_network(OFF, PROVEN, OFF)
    assert listed(network) == ["n1", "n0?", "n2?"]
    assert len(network.verified("s3")) == 1


def test_a_list_is_never_longer_than_it_need_be() -> None:
    """Those that failed last and longest up come first; flagged and suspended ones after them."""
    flagged, suspended = (replace(OFF, trust=t) for t in (Trust.FLAGGED, Trust.SUSPENDED))
    assert listed(a_network(suspended, flagged, OFF, OFF)) == ["n2?", "n3?", "n1?"]
    assert len(listed(a_network(*[OFF] * 9))) == LISTED_MIN


@pytest.mark.parametrize(
    "state",
    [
        TrustState(),
        replace(OFF, last_pass_s=None),
        replace(OFF, wrong_content=1),
        replace(OFF, trust=Trust.FRAUD),
    ],
    ids=["new", "never passed", "wrong content", "fraud"],
)
def test_nobody_stands_in_who_never_served_or_served_something_else(state: TrustState) -> None:
    """An empty list is better than a stranger's film."""
    assert listed(a_network(state)) == []


def test_a_list_may_be_empty_when_there_is_nothing_to_watch() -> None:
    """Neither while the ingest is down, nor where the nodes are down themselves."""
    down = LastRun(7, streams={"s3": IngestState.DOWN})
    assert listed(a_network(OFF, prober=down)) == []
    assert listed(a_network(OFF, prober=LastRun())) == []
    assert listed(a_network(OFF, up=Outcome.DOWN)) == []
    control = replace(LIVE, controls={"n0": Control.GOOD})
    assert listed(a_network(OFF, prober=control)) == []


def test_while_many_fail_lists_stay_as_they_are() -> None:
    """Such a node is verified still, and its operator is told that its check failed."""
    network = a_network(WAITS, PROVEN, PROVEN, PROVEN)
    assert listed(network) == ["n0", "n1", "n2", "n3"]
    assert (network.nodes["n0"].status, network.nodes["n0"].reason) == (
        NodeStatus.HEALTHY,
        Reason.CHECK_FAILED,
    )


def test_a_degraded_check_brings_nobody_back() -> None:
    """The node is off, although its last check served in the end."""
    network = a_network(replace(OFF, last_reason="degraded"), PROVEN, PROVEN, PROVEN)
    assert listed(network) == ["n1", "n2", "n3"]
    assert network.nodes["n0"].reason is Reason.DEGRADED


def test_news_of_lists_move_whoever_they_name_and_no_other() -> None:
    """Older ones than the network's own move nobody."""
    network = a_network(PROVEN, PROVEN, PROVEN, OFF)
    newer = network.with_trust(
        {
            "n0": replace(OFF, last_check_s=11.5, delisted_s=11.5),
            "n3": replace(PROVEN, last_check_s=11.5),
            "n404": PROVEN,
        }
    )
    assert listed(newer) == ["n1", "n2", "n3"]
    assert listed(network) == ["n0", "n1", "n2"]
    assert network.with_trust({"n0": replace(OFF, last_check_s=9.0)}) is network
