"""A process may die at any call of a store, before or after the call took effect, and a trigger may
come twice at once. Whatever happens, doing it again makes up for it, and nothing is done twice.
"""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import StoreError
from tests.doubles.crashing import CrashingStore
from tests.unit.functions.night import FIRST, NODES
from tests.unit.functions.procedures import PROCEDURES, Procedure, World, begun

every_procedure = pytest.mark.parametrize("name", PROCEDURES)
DATABASES = ("measured", "money")


@every_procedure
async def test_a_death_at_any_call_of_a_store_is_made_up_for(name: str) -> None:
    """By the same call of another instance, and what follows it anyway."""
    procedure = PROCEDURES[name]
    beginning, undisturbed = await _beginning_and_end(procedure)
    deaths = 0
    for database in DATABASES:
        for dies_after in (False, True):
            deaths += await _each_death(procedure, beginning, undisturbed, database, dies_after)
    assert deaths >= 4, "hardly any call of a store was tried"


async def _each_death(
    procedure: Procedure, beginning: World, undisturbed: World, database: str, dies_after: bool
) -> int:
    """Dies at the first call of the database, at the second, and so on; how often it died."""
    calls_left = 0
    while True:
        world = beginning.as_crashing()
        store: CrashingStore = getattr(world, database)
        store.calls_left, store.dies_after = calls_left, dies_after
        with suppress(StoreError):
            await procedure.acts(world)
        if not store.is_dead:
            return calls_left
        store.calls_left = None
        await _done(procedure, world)
        await _is_right(procedure, world, undisturbed, f"{database}, call {calls_left}")
        calls_left += 1


@every_procedure
async def test_two_at_once_do_what_one_does(name: str) -> None:
    """Their calls take turns by chance. One of them may be told to come again."""
    procedure = PROCEDURES[name]
    beginning, undisturbed = await _beginning_and_end(procedure)
    for seed in range(5):
        world = beginning.as_jittering(seed)
        both = procedure.acts(world), procedure.acts(world)
        for found in await asyncio.gather(*both, return_exceptions=True):
            assert found is None or isinstance(found, StoreError), found
        await _done(procedure, world)
        await _is_right(procedure, world, undisturbed, f"seed {seed}")


async def _beginning_and_end(procedure: Procedure) -> tuple[World, World]:
    """How the world stands before it, and after it where nothing went wrong."""
    beginning = await begun(procedure)
    undisturbed = beginning.as_crashing()
    await _done(procedure, undisturbed)
    return beginning, undisturbed


async def _done(procedure: Procedure, world: World) -> None:
    await procedure.acts(world)
    await procedure.goes_on(world)


async def _is_right(procedure: Procedure, world: World, undisturbed: World, where: str) -> None:
    if procedure.ends_alike:
        assert world.documents() == undisturbed.documents(), where
    else:
        await _every_draw_is_on_record_once(world, where)


async def _every_draw_is_on_record_once(world: World, where: str) -> None:
    """With everybody's check; and the trust book has counted each that is there, once."""
    measurements = Measurements(world.measured)
    runs = await measurements.runs(range(FIRST, FIRST + 5))
    draws = [run.draw for run in runs if not run.is_late]
    assert sorted(draws) == [FIRST + 1, FIRST + 2, FIRST + 3, FIRST + 4], where
    counted = Counter(check.node_id for run in runs for check in run.checks)
    assert counted == dict.fromkeys(NODES, len(draws)), where
    states = (await measurements.trust()).states
    told = {n: s.passed + s.failed + s.degraded + s.unknown for n, s in states.items()}
    assert told == counted, where
