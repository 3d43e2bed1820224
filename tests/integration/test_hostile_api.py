"""A part of `make hostile-api`: hostile inputs, each with the outcome that is right."""

import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from api.http.connection_places import ConnectionLimits
from api.wiring import build_on
from bench.hostile_api.address_cases import notations
from bench.hostile_api.campaign import all_cases, registered, tried
from bench.hostile_api.case import INGEST_KEY, SPONSOR_KEY
from bench.hostile_api.crowds import (
    HOUSEHOLD_CALLERS,
    NETWORK_CALLERS,
    call_backs_of_a_household,
    new_nodes_of_a_network,
)
from bench.hostile_api.hostile_api import CASES_MIN
from coordinator.adapters.clock import Clock, system_clock
from coordinator.adapters.outbound.guard import Guard
from coordinator.keys import sha256_hex
from coordinator.strangers.source_bounds import CALL_BACKS, ELSEWHERE, Side
from emulator.processes.ports import LOOPBACK
from tests.doubles.memory import MemoryStore
from tests.integration.edge_server import edge_server
from tests.sponsors import entered
from tests.unit.functions.conftest import settings

EVERY = 7
"""One case of so many is tried here; which ones changes with the list."""


@asynccontextmanager
async def _served(
    clock: Clock = system_clock, calls_back: Guard | None = None
) -> AsyncIterator[int]:
    """The port of a server with its limits, and stores in memory."""
    told = settings(
        TRUSTED_PROXIES="1",
        REQUESTS_PER_SECOND="100000",
        INGEST_KEY_HASH=sha256_hex(INGEST_KEY),
    )
    app = build_on(MemoryStore(), MemoryStore(entered(bench=SPONSOR_KEY)), told, clock, calls_back)
    async with edge_server(app, ConnectionLimits(linger_s=0.1, look_every_s=0.05), 1) as server:
        yield server.port


async def _nowhere(host: str) -> Sequence[str]:
    raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")


async def test_strangers_are_told_what_is_right_whatever_they_send() -> None:
    """One case of seven."""
    async with _served() as port:
        cases = await all_cases(LOOPBACK, port)
        assert len(cases) >= CASES_MIN
        drawn = cases[::EVERY]
        wrong = [
            f"{case.group}: {case.name}: {finding}"
            async for case, finding in tried(LOOPBACK, port, drawn)
            if finding is not None
        ]
    assert not wrong, "\n".join(wrong)


async def test_a_network_gets_little_of_what_its_crowd_asks_for() -> None:
    """Whoever gets nothing is told to wait."""
    begun_s = time.time()  # and no later: else slow machines would let more of them in
    guard = Guard(allow_private=False, resolve=_nowhere)
    async with _served(lambda: begun_s, guard) as port:
        household = await call_backs_of_a_household(LOOPBACK, port)
        stream_id = await registered(LOOPBACK, port)
        network = await new_nodes_of_a_network(LOOPBACK, port, stream_id)
    calls, nodes = CALL_BACKS[Side.ADDRESS].burst, ELSEWHERE[Side.NETWORK].burst
    assert household == {200: calls, 429: HOUSEHOLD_CALLERS - calls}
    assert network == {200: nodes, 429: NETWORK_CALLERS - nodes}


def test_addresses_are_named_in_every_notation() -> None:
    """136 of them, and no two are the same."""
    assert len(set(notations())) == len(notations()) >= 136
