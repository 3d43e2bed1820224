"""Who calls too often is told so, and costs nobody else anything."""

import base64
import re

import pytest
from starlette.types import Receive, Scope, Send

from api.http.rates import (
    ADDRESS_FACTOR,
    BURST_SECONDS,
    NETWORK_FACTOR,
    NODE_PART,
    RateLimit,
    require_node,
)
from tests.signing import key_of, public_key
from tests.unit.functions.conftest import ADDRESS, NODE_KEY, Coordinator

PER_SECOND = 10.0
NODE_BURST = round(PER_SECOND / NODE_PART * BURST_SECONDS)
NODES_PATH = "/nodes/heartbeat"
BEAT = {"stats_port": 8080, "rtmp_port": 1935, "address": ADDRESS}


def _limit() -> RateLimit:
    return RateLimit(_nothing, PER_SECOND, 0, lambda: 100.0)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(scope)


def _burst(limit: RateLimit, address: str) -> int:
    """How many calls of an address, or of others with it, pass at once."""
    return sum(not limit.wait_s(address, None) for _ in range(10_000))


def test_600_addresses_of_a_household_are_one_caller() -> None:
    """And another household of the same network is another one."""
    limit, most = _limit(), ADDRESS_FACTOR * PER_SECOND * BURST_SECONDS
    passed = sum(not limit.wait_s(f"2a01:4f8:13:17::{n % 600:x}", None) for n in range(2_000))
    assert passed == most
    assert limit.wait_s("2a01:4f8:13:18::1", None) == 0


def test_a_network_s_households_share_what_it_has() -> None:
    """A /48 has 65,536 of them."""
    limit, most = _limit(), NETWORK_FACTOR * PER_SECOND * BURST_SECONDS
    passed = sum(not limit.wait_s(f"2a01:4f8:13:{n:x}::1", None) for n in range(5_000))
    assert passed == most
    assert limit.wait_s("2a01:4f8:14::1", None) == 0


@pytest.mark.parametrize("key", [b"Bearer x", None])
def test_a_refused_call_costs_nothing(key: bytes | None) -> None:
    """Neither its address nor its network."""
    limit = _limit()
    passed = sum(not limit.wait_s(ADDRESS, key) for _ in range(10_000))
    assert passed == (PER_SECOND if key else ADDRESS_FACTOR * PER_SECOND) * BURST_SECONDS
    rest = NETWORK_FACTOR * PER_SECOND * BURST_SECONDS - passed
    others = (f"203.0.114.{n}" for n in range(8, 200) for _ in range(100))
    assert sum(not limit.wait_s(address, None) for address in others) == rest


def test_a_key_is_one_caller_however_its_header_is_written() -> None:
    """As whoever reads the key takes it: with any spaces, and the scheme in any case."""
    limit = _limit()
    written = (
        b"Bearer k" + b" " * spaces if spaces % 2 else b"bEaReR " + b"\t \xa0" * spaces + b"k"
        for spaces in range(400)
    )
    passed = sum(not limit.wait_s(ADDRESS, header) for header in written)
    assert passed == PER_SECOND * BURST_SECONDS
    assert limit.wait_s(ADDRESS, b"Bearer K") == 0


def test_a_node_that_calls_too_often_takes_nothing_of_its_address() -> None:
    """Its requests are refused before the address is counted, once it has been verified."""
    limit, key = _limit(), public_key(NODE_KEY)
    claimed = base64.b64encode(key).decode()
    passed = 0
    for _ in range(10_000):
        if not limit.wait_s(ADDRESS, None, claimed):
            passed += not limit.node_wait_s(ADDRESS, key)
    assert passed == NODE_BURST
    assert _burst(limit, ADDRESS) == ADDRESS_FACTOR * PER_SECOND * BURST_SECONDS - passed


def test_nobody_is_shut_out_by_what_others_claim() -> None:
    """Neither by unsigned requests in its name, nor by its own ones sent again from elsewhere."""
    limit, key = _limit(), public_key(NODE_KEY)
    claimed = base64.b64encode(key).decode()
    for n in range(100):
        assert limit.wait_s(f"203.0.{n}.9", None, claimed) == 0
        limit.node_wait_s("203.0.115.9", key)
    assert limit.wait_s("203.0.115.9", None, claimed) > 0
    assert limit.wait_s(ADDRESS, None, claimed) == 0
    assert limit.node_wait_s(ADDRESS, key) == 0


def test_a_node_is_counted_only_where_requests_are() -> None:
    """A request that went through no limit has none."""
    require_node({"type": "http"}, public_key(NODE_KEY))
    scope = {"type": "http", "api.rate_limit": (_limit(), ADDRESS)}
    for _ in range(NODE_BURST):
        require_node(scope, public_key(NODE_KEY))
    with pytest.raises(Exception, match="Call again in 1 s"):
        require_node(scope, public_key(NODE_KEY))


async def test_one_node_behind_a_router_leaves_its_neighbours_theirs(
    coordinator: Coordinator,
) -> None:
    """Whatever it sends; and it is told when to call again."""
    body = {"stream_id": (await coordinator.registered())["stream_id"], **BEAT}
    wild = [
        await coordinator.client.post(NODES_PATH, json=body, auth=coordinator.signed())
        for _ in range(60)
    ]
    answers = [answer.status_code for answer in wild]
    assert answers == [200] * NODE_BURST + [429] * (60 - NODE_BURST)
    assert re.fullmatch("Call again in [0-9]+ s\\.", wild[-1].json()["detail"])
    assert wild[-1].headers["Retry-After"] == "1"
    neighbour = coordinator.signed(key_of(5))
    assert (await coordinator.client.post(NODES_PATH, json=body, auth=neighbour)).is_success
    coordinator.now_s[0] += 1
    again = await coordinator.client.post(NODES_PATH, json=body, auth=coordinator.signed())
    assert again.status_code == 200
