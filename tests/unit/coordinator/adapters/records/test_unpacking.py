"""Large documents are unpacked beside all other work, and no more of them than is asked for."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Fields, Query, Ref
from coordinator.checking.checks import RUNS, Check, IngestState, Run, Verdict
from coordinator.checking.partitions import Partition, partitions_of
from coordinator.projections.network_document import NetworkDocument
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from tests.doubles.memory import MemoryStore

DRAW = 700


class _NotedFields(dict[str, Any]):
    """A document that notes who looks into it."""

    def __init__(self, fields: Mapping[str, Any], seen: set[int]) -> None:
        super().__init__(fields)
        self._seen = seen

    def __getitem__(self, name: str) -> Any:
        self._seen.add(threading.get_ident())
        return super().__getitem__(name)


class _NotedStore(MemoryStore):
    """Hands out documents that note in which threads they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    async def get(self, *refs: Ref) -> list[Fields | None]:
        found = await super().get(*refs)
        return [None if fields is None else _NotedFields(fields, self.threads) for fields in found]

    async def find(self, query: Query) -> list[tuple[str, Fields]]:
        found = await super().find(query)
        return [(name, _NotedFields(fields, self.threads)) for name, fields in found]


def _run(draw: int, checks: int, part: Partition) -> Run:
    made = tuple(
        Check(f"n{at}", "s3", draw, draw * 60.0, Verdict.PASS, Reason.PASSED)
        for at in range(checks)
    )
    live = {"s3": IngestState.LIVE}
    return Run(draw, draw * 60.0, draw * 60.0 + 50, (), live, made, {}, {}, part.number, part.count)


@pytest.mark.parametrize(
    ("checks_max", "draws"), [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3), (999, 4), (None, 4)]
)
async def test_as_many_runs_are_unpacked_as_have_so_many_checks(
    checks_max: int | None, draws: int
) -> None:
    """Whole draws: both parts of the prober have five checks in each of four."""
    store = MemoryStore()
    for draw in range(DRAW, DRAW + 4):
        for part in partitions_of(2):
            run = _run(draw, 5, part)
            await store.create(Ref("probe_results", run.id), RUNS.encode(run))
    found = await Measurements(store).runs(range(DRAW, DRAW + 9), checks_max)
    assert [run.draw for run in found] == [
        draw for draw in range(DRAW, DRAW + draws) for _ in partitions_of(2)
    ]


async def test_runs_and_the_network_are_unpacked_in_a_thread_of_their_own() -> None:
    """Else every heartbeat would wait for each of them."""
    store = _NotedStore()
    run = _run(DRAW, 3, Partition(0, 1))
    await store.create(Ref("probe_results", run.id), RUNS.encode(run))
    assert await Measurements(store).runs(range(DRAW, DRAW + 1)) == [run]
    await Measurements(store).put_network_document(NetworkDocument(WHOLE, DRAW))
    assert [page.tick for page in await Measurements(store).network_documents()] == [DRAW]
    assert len(store.threads) > 0
    assert threading.get_ident() not in store.threads


async def test_a_roster_is_told_in_part() -> None:
    """Slots by their places, with the URLs that were announced."""
    slots = tuple(
        Slot(f"n{at}", "s3", f"http://10.0.0.{at}/{at}.json", f"10.0.0.{at}", 1935, 7, 1.5)
        for at in range(7)
    )
    measurements = Measurements(MemoryStore())
    await measurements.put_roster(Roster(WHOLE, 7, 1.0, slots))
    assert (await measurements.roster(WHOLE, 7, slice(2, 5))).slots == slots[2:5]
    assert (await measurements.roster(WHOLE, 7, slice(7, 9))).slots == ()
    assert (await measurements.roster(WHOLE, 7)).slots == slots
