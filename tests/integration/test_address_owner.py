"""An address belongs to the node whose own statistics answer there; claiming it is no weapon."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.outbound.replies import OutboundLimits
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Slot
from prober.address_owner import disowned
from tests.integration.hostile import (
    Server,
    saying,
    saying_and_staying,
    serving,
    sized,
    stats_of,
)
from tests.ports import free_port

LIMITS = OutboundLimits(connect_seconds=1.0, total_seconds=1.5)
NAME = "relay.example.org"
HERE = "127.0.0.1"


async def elsewhere(_: str) -> Sequence[str]:
    """A name server that has changed its mind since the capture."""
    return ["127.0.0.99"]


CLIENT = HttpClient(Guard(allow_private=True, resolve=elsewhere), LIMITS)


def _slot(port: int, host: str = NAME) -> Slot:
    return Slot("n-claims", "s3", f"http://{host}:{port}/stats.json", host, 1935, 0, 0.0)


def _answering(body: bytes | None) -> AbstractAsyncContextManager[Server]:
    """A statistics server at this address; with None it takes the request and says nothing."""
    return serving(saying_and_staying(b"") if body is None else saying(sized(body)))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (stats_of("n-claims"), None),
        (stats_of("n-honest"), Reason.WRONG_NODE),
        (b'{"streams": []}', Reason.UNKNOWN_ADDRESS),
        (b"not json", Reason.UNKNOWN_ADDRESS),
        (None, Reason.UNKNOWN_ADDRESS),
    ],
    ids=["its own id", "another's id", "a relay without ids", "nonsense", "silence"],
)
async def test_a_pass_counts_where_the_nodes_own_statistics_answer(
    body: bytes | None, reason: Reason | None
) -> None:
    """Asked at the address of the capture, wherever the name leads by now."""
    async with _answering(body) as server:
        assert await disowned(CLIENT, _slot(server.port), HERE) is reason


async def test_a_literal_address_is_not_asked_again() -> None:
    """The collector polls that very address; nothing listens here, and nothing is held against
    the node: flooding its statistics turns no pass into a failure."""
    assert await disowned(CLIENT, _slot(free_port(), HERE), HERE) is None


async def test_flooded_statistics_are_no_failure_for_a_named_node_either() -> None:
    """A closed port, as a flood leaves it: our own unknown."""
    reason = await disowned(CLIENT, _slot(free_port()), HERE)
    assert reason is Reason.UNKNOWN_ADDRESS
    assert reason.is_ours
