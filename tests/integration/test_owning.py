"""An address belongs to the node whose own statistics answer there; claiming it is no weapon."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from coordinator.adapters.outbound import Outbound, OutboundLimits
from coordinator.polling.rosters import Slot
from coordinator.reasons import Reason
from prober.owning import disowned

LIMITS = OutboundLimits(connect_seconds=1.0, total_seconds=1.5)
NAME = "relay.example.org"
HERE = "127.0.0.1"


async def elsewhere(_: str) -> Sequence[str]:
    """A name server that has changed its mind since the capture."""
    return ["127.0.0.99"]


OUTBOUND = Outbound(allow_private=True, limits=LIMITS, resolve=elsewhere)


def _slot(port: int, host: str = NAME) -> Slot:
    return Slot("n-claims", "s3", f"http://{host}:{port}/stats.json", host, 1935, 0, 0.0)


def _stats(node_id: str) -> bytes:
    stream = {"id": "s3", "state": "live", "viewers": 2, "bytes_in": 7, "bytes_out": 11}
    relay = {"state": "running"}
    body = {"schema": "restream-node/1", "node_id": node_id, "relay": relay, "stream": stream}
    return json.dumps(body).encode()


@asynccontextmanager
async def _answering(body: bytes | None) -> AsyncIterator[int]:
    """A statistics server at this address; with None it takes the request and says nothing."""
    answers: list[asyncio.Task[None] | None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        if body is None:
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, HERE, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*(answer for answer in answers if answer is not None))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (_stats("n-claims"), None),
        (_stats("n-honest"), Reason.WRONG_NODE),
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
    async with _answering(body) as port:
        assert await disowned(OUTBOUND, _slot(port), HERE) is reason


async def test_a_literal_address_is_not_asked_again() -> None:
    """The collector polls that very address; nothing listens here, and nothing is held against
    the node: flooding its statistics turns no pass into a failure."""
    async with _answering(None) as port:
        pass
    assert await disowned(OUTBOUND, _slot(port, HERE), HERE) is None


async def test_flooded_statistics_are_no_failure_for_a_named_node_either() -> None:
    """A closed port, as a flood leaves it: our own unknown."""
    async with _answering(None) as port:
        pass
    reason = await disowned(OUTBOUND, _slot(port), HERE)
    assert reason is Reason.UNKNOWN_ADDRESS
    assert reason.is_ours
