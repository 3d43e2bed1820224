"""Floods of connections: who watches misses nothing, and honest newcomers get in meanwhile."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agent.relay.restream.admission import ARRIVALS_AT_ONCE, ARRIVALS_PER_S
from rtmp.addresses import RtmpAddress
from tests.e2e.coordinator_stand_in import STREAM_KEY
from tests.integration.hostile_clients import ROLES
from tests.integration.hostile_floods import FLOODERS, FLOODS, Flood
from tests.integration.hostile_peer import Peer
from tests.integration.relays import Relays, relays_in
from tests.numbered_media import Seen, publishing, watched

PEAK_MB_MAX = 300.0
NEWCOMERS = 10
CASES = [(name, role) for name in FLOODS for role in ROLES]


@dataclass(frozen=True, slots=True)
class Flooded:
    """What came of one flood at one relay."""

    height: int
    """Connections that were open at once."""
    took_s: float
    newcomers: int
    """Honest ones who came meanwhile and saw a picture."""
    seen: Seen
    peak_mb: float


async def _newcomer(address: RtmpAddress) -> bool:
    peer = Peer(address)
    await peer.dial()
    try:
        await peer.play()
        return bool(peer.numbers)
    finally:
        peer.hang_up()


async def _newcomers(address: RtmpAddress) -> int:
    return sum([await _newcomer(address) for _ in range(NEWCOMERS)])


async def _flooded(relays: Relays, role: str, flood: Flood) -> Flooded:
    address, loop = relays.address(role), asyncio.get_running_loop()
    began_s = loop.time()
    async with watched(address) as (seen,):
        height, came = await asyncio.gather(flood(address), _newcomers(address))
    return Flooded(height, loop.time() - began_s, came, seen, relays.peak_mb(role))


async def _all(relays: Relays) -> dict[tuple[str, str], Flooded]:
    """One flood after the other, each at both relays at once."""
    found: dict[tuple[str, str], Flooded] = {}
    async with publishing(relays.address("ingest"), STREAM_KEY):
        for name, flood in FLOODS.items():
            flooded = await asyncio.gather(*(_flooded(relays, role, flood) for role in ROLES))
            found |= {(name, role): f for role, f in zip(ROLES, flooded, strict=True)}
    return found


@pytest.fixture(scope="module")
def relays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relays]:
    """One pair for all floods."""
    with relays_in(tmp_path_factory.mktemp("relays")) as relays:
        yield relays


@pytest.fixture(scope="module")
def floods(relays: Relays) -> dict[tuple[str, str], Flooded]:
    """All of them, one after the other."""
    return asyncio.run(_all(relays))


@pytest.mark.parametrize(("name", "role"), CASES)
def test_a_flood_disturbs_nobody(
    name: str, role: str, floods: dict[tuple[str, str], Flooded], relays: Relays
) -> None:
    flooded = floods[name, role]
    assert flooded.seen.faults == {}
    assert flooded.newcomers == NEWCOMERS
    assert flooded.peak_mb < PEAK_MB_MAX
    assert relays.crashes() == []


def test_one_address_does_not_get_all_that_it_asks_for(
    floods: dict[tuple[str, str], Flooded],
) -> None:
    """What came in is what the limit lets in at once and a second; of many addresses all do."""
    one = floods["silent_connections_of_one_address", "node"]
    many = floods["silent_connections_of_many_addresses", "node"]
    assert 0 < one.height <= ARRIVALS_AT_ONCE + ARRIVALS_PER_S * one.took_s
    assert many.height == FLOODERS
