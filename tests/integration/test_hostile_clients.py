"""Whatever clients do to a relay: it lives, keeps to its memory, and honest viewers miss nothing.

All of the catalogue is done at once to an ingest and its node, while an honest publisher sends and
an honest viewer of each watches. Each misbehaviour then has a test of its own.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.coordinator_stand_in import STREAM_KEY
from tests.integration.hostile_catalogue import CASES, HOSTILE_STREAMS, misbehave
from tests.integration.hostile_clients import MISBEHAVIOURS, ROLES
from tests.integration.relays import Relays, relays_in
from tests.numbered_media import Seen, publishing, watched

PEAK_MB_MAX = 250.0


@dataclass(frozen=True, slots=True)
class Attack:
    """What came of the whole catalogue."""

    happened: dict[tuple[str, str], str]
    seen: dict[str, Seen]
    crashes: list[str]
    peak_mb: dict[str, float]


async def _all(relays: Relays) -> tuple[dict[tuple[str, str], str], dict[str, Seen]]:
    async with publishing(relays.address("ingest"), STREAM_KEY):
        async with watched(*(relays.address(role) for role in ROLES)) as seen:
            found = await misbehave(relays)
        return found, dict(zip(ROLES, seen, strict=True))


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    """Done once for all tests here."""
    folder: Path = tmp_path_factory.mktemp("relays")
    with relays_in(folder, HOSTILE_STREAMS) as relays:
        found, seen = asyncio.run(_all(relays))
        peak_mb = {role: relays.peak_mb(role) for role in ROLES}
        yield Attack(found, seen, relays.crashes(), peak_mb)


@pytest.mark.parametrize(("name", "role"), CASES, ids=[f"{n}-{r}" for n, r in CASES])
def test_it_comes_to_what_was_expected(name: str, role: str, attack: Attack) -> None:
    assert attack.happened[name, role] == ""


@pytest.mark.parametrize("role", ROLES)
def test_an_honest_viewer_misses_nothing(role: str, attack: Attack) -> None:
    assert attack.seen[role].faults == {}
    assert attack.seen[role].last > 500


def test_no_engine_ended_or_failed_to_catch(attack: Attack) -> None:
    assert attack.crashes == []


@pytest.mark.parametrize("role", ROLES)
def test_memory_is_bounded(role: str, attack: Attack) -> None:
    assert attack.peak_mb[role] < PEAK_MB_MAX


def test_there_are_enough_of_them() -> None:
    assert len(MISBEHAVIOURS) >= 80
