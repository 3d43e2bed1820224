"""Real sessions with mutations, some thousands of them: nothing ends, hangs or is missed."""

import asyncio
from pathlib import Path

from tests.e2e.coordinator_stand_in import STREAM_ID, STREAM_KEY
from tests.integration.fuzzing import FUZZED, SESSIONS, Tally, fuzz
from tests.integration.hostile_clients import ROLES
from tests.integration.recorded_sessions import mutated, recorded
from tests.integration.relays import Relays, relays_in
from tests.numbered_media import Seen, publishing, watched

PEAK_MB_MAX = 250.0


async def _fuzzed(relays: Relays) -> tuple[Tally, list[Seen]]:
    tally = Tally()
    async with publishing(relays.address("ingest"), STREAM_KEY):
        there = relays.address("ingest", FUZZED), relays.address("node", STREAM_ID)
        async with watched(*(relays.address(role) for role in ROLES)) as seen:
            kinds = await recorded(*there, STREAM_KEY)
            sessions = kinds["publishers"] + kinds["players"]
            half = SESSIONS // 2
            await fuzz(there[0], sessions, range(half), tally)
            await fuzz(there[1], sessions, range(half, SESSIONS), tally)
    return tally, seen


def test_mutated_sessions_disturb_nobody(tmp_path: Path) -> None:
    with relays_in(tmp_path, [FUZZED]) as relays:
        tally, seen = asyncio.run(_fuzzed(relays))
        assert relays.crashes() == []
        assert [each.faults for each in seen] == [{}, {}]
        assert all(relays.peak_mb(role) < PEAK_MB_MAX for role in ROLES)
    assert tally.hung == []
    assert tally.sessions == SESSIONS
    # Both happen often: mutations neither leave sessions whole nor break all of them at once.
    assert min(tally.ends["closed"], tally.ends["open"]) > SESSIONS // 100


def test_a_mutation_is_decided_by_its_seed() -> None:
    sessions = [bytes(range(256)) * 20, b"\x03" * 4000]
    made = [mutated(sessions, seed) for seed in range(200)]
    assert made == [mutated(sessions, seed) for seed in range(200)]
    assert len(set(made)) > 190
    assert sum(each in sessions for each in made) < 10
