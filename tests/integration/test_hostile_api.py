"""A part of `make hostile-api`: hostile inputs, each with the outcome that is right."""

from api.http.doorway import ConnectionLimits
from api.wiring import build_on
from bench.hostile_api.address_cases import notations
from bench.hostile_api.campaign import all_cases, tried
from bench.hostile_api.case import INGEST_KEY, SPONSOR_KEY
from bench.hostile_api.hostile_api import CASES_MIN
from coordinator.adapters.clock import system_clock
from coordinator.keys import sha256_hex
from emulator.processes.ports import LOOPBACK
from tests.doubles.memory import MemoryStore
from tests.integration.edge_server import edge_server
from tests.unit.functions.conftest import settings

EVERY = 7
"""One case of so many is tried here; which ones changes with the list."""


async def test_strangers_are_told_what_is_right_whatever_they_send() -> None:
    """By a server with its limits, and stores in memory."""
    told = settings(
        TRUSTED_PROXIES="1",
        REQUESTS_PER_SECOND="100000",
        SPONSOR_KEY_HASHES=f"bench:{sha256_hex(SPONSOR_KEY)}",
        INGEST_KEY_HASH=sha256_hex(INGEST_KEY),
    )
    app = build_on(MemoryStore(), MemoryStore(), told, system_clock)
    async with edge_server(app, ConnectionLimits(linger_s=0.1, look_every_s=0.05), 1) as server:
        cases = await all_cases(LOOPBACK, server.port)
        assert len(cases) >= CASES_MIN
        drawn = cases[::EVERY]
        wrong = [
            f"{case.group}: {case.name}: {finding}"
            async for case, finding in tried(LOOPBACK, server.port, drawn)
            if finding is not None
        ]
    assert not wrong, "\n".join(wrong)


def test_addresses_are_named_in_every_notation() -> None:
    """136 of them, and no two are the same."""
    assert len(set(notations())) == len(notations()) >= 136
