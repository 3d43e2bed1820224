"""The trust book in parts: nothing that is known of a node is lost when they change."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import StoreError
from coordinator.checking.checks import Check, Control, IngestState, Run, Verdict
from coordinator.checking.controls import ControlCount
from coordinator.checking.last_run import BEHIND_DRAWS_MAX, LastRun, runs_together
from coordinator.checking.partitions import UNDIVIDED, Partition, partitions_of
from coordinator.checking.suspicion import TrustState
from coordinator.checking.trust_book import NODES_KEPT_MAX, TrustBook, together
from coordinator.reasons import Reason
from tests.doubles.crashing import CrashingStore
from tests.doubles.memory import MemoryStore

NODES = [f"n{number}" for number in range(40)]
CONTROLS = {"good": Control.GOOD}


def a_run(draw: int, part: Partition) -> Run:
    """Everybody of the part passes, and the control with them."""
    due_s = draw * 60.0
    checks = tuple(
        Check(name, "s3", draw, due_s, Verdict.PASS, Reason.PASSED)
        for name in [*NODES, "good"]
        if part.holds(name) or name in CONTROLS
    )
    streams = {"s3": IngestState.LIVE}
    return Run(draw, due_s, due_s + 50, (), streams, checks, {}, CONTROLS, part.number, part.count)


async def _runs(measurements: Measurements, draw: int, count: int) -> list[Run | None]:
    """All parts of a division run a draw, the one first whose book is written first."""
    found = []
    for part in reversed(partitions_of(count)):
        await measurements.trust_of(part)
        found.append(await measurements.record_run(a_run(draw, part), draw * 60.0 + 51))
    return found


@pytest.mark.parametrize("counts", [(1, 2), (2, 1), (1, 3, 2), (2, 3, 1, 2), (1, 16, 1)])
async def test_everybody_is_known_after_every_division(counts: tuple[int, ...]) -> None:
    """By readers of any setting, and by each part of its own nodes alone."""
    store = MemoryStore()
    for draw, count in enumerate(counts, start=7):
        measurements = Measurements(store, partitions=count)
        assert all(await _runs(measurements, draw, count))
        for part in partitions_of(count):
            known = (await measurements.trust_of(part)).states
            assert known.keys() == {name for name in NODES if part.holds(name)}
    for setting in (1, 2, 3, 16):
        book = await Measurements(store, partitions=setting).trust()
        assert {state.passed for state in book.states.values()} == {len(counts)}
        assert book.states.keys() == set(NODES)
        assert book.controls[Control.GOOD] == ControlCount(checks=sum(counts))
        assert (book.last_run.draw, book.last_run.verdicts["pass"]) == (
            6 + len(counts),
            len(NODES) + counts[-1],
        )


async def test_a_run_of_a_division_that_is_over_is_not_recorded() -> None:
    """It would be known to nobody: the new parts have taken the books over."""
    store = MemoryStore()
    old, new = Measurements(store), Measurements(store, partitions=2)
    assert all(await _runs(old, 7, 1))
    assert all(await _runs(new, 8, 2))
    assert await old.record_run(a_run(9, UNDIVIDED), 600.0) is None
    assert [run.part for run in await new.runs(range(9, 10))] == []
    assert [run.id for run in await new.runs(range(7, 10))] == [
        "checks-000000000007",
        "checks-000000000008-0of2",
        "checks-000000000008-1of2",
    ]


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize(
    ("before", "after", "then"),
    [([1], 3, 3), ([3], 2, 2), ([2], 5, 2), ([2], 1, 3), ([1, 2, 1], 2, 2)],
)
async def test_a_division_is_gone_on_with_wherever_it_broke_off(
    before: list[int], after: int, then: int, writes: bool
) -> None:
    """By the same setting or by another one; nobody is forgotten, and readers see all throughout.

    It is broken off at each of its calls, one after the other."""
    breaks = 0
    for calls in itertools.count():
        store = CrashingStore()
        for draw, each in enumerate(before, start=7):
            assert all(await _runs(Measurements(store, partitions=each), draw, each))
        store.calls_left, store.dies_after = calls, writes
        try:
            await Measurements(store, partitions=after).trust_of(Partition(after - 1, after))
        except StoreError:
            breaks += 1
        store.calls_left = None
        for setting in (1, before[-1], after, 16):
            book = await Measurements(store, partitions=setting).trust()
            assert {state.passed for state in book.states.values()} == {len(before)}
            assert book.states.keys() == set(NODES)
        assert all(await _runs(Measurements(store, partitions=then), 17, then))
        book = await Measurements(store, partitions=then).trust()
        assert book.states.keys() == set(NODES)
        assert {state.passed for state in book.states.values()} == {len(before) + 1}
        assert book.controls[Control.GOOD] == ControlCount(checks=sum(before) + then)
        if breaks <= calls:
            break
    assert breaks >= before[-1] + after


async def test_a_division_writes_one_book_at_a_time() -> None:
    """All at once may be more than the ten megabytes that one transaction takes."""
    store = CrashingStore()
    await _runs(Measurements(store), 7, 1)
    store.written_at_once.clear()
    await Measurements(store, partitions=16).trust_of(Partition(3, 16))
    await Measurements(store, partitions=1).trust_of(UNDIVIDED)
    assert set(store.written_at_once) == {1}
    assert len(store.written_at_once) == 1 + 16 + 16 + 1


async def test_two_that_divide_at_once_agree() -> None:
    """Two parts of the new division, one with another setting: in the end one division stands."""
    store = MemoryStore()
    await _runs(Measurements(store), 7, 1)
    parts = [Partition(0, 2), Partition(1, 2), Partition(2, 3)]
    await asyncio.gather(*(Measurements(store).trust_of(part) for part in parts))
    assert all(await _runs(Measurements(store, partitions=2), 8, 2))
    book = await Measurements(store).trust()
    assert {(name, state.passed) for name, state in book.states.items()} == {
        (name, 2) for name in NODES
    }


def test_what_many_parts_knew_is_shortened_to_what_one_document_holds() -> None:
    """A book that no document takes would keep the prober from recording anything."""
    states = {f"n{at}": TrustState(last_check_s=float(at)) for at in range(NODES_KEPT_MAX + 7)}
    kept = TrustBook(states).part(UNDIVIDED).states
    assert kept.keys() == {f"n{at}" for at in range(7, NODES_KEPT_MAX + 7)}


async def test_each_part_finds_its_own_newest_run() -> None:
    """The first one of a new part goes on from whoever ran before."""
    store = MemoryStore()
    await _runs(Measurements(store), 7, 1)
    measurements = Measurements(store, partitions=2)
    second = Partition(1, 2)
    found = await measurements.latest_run(None, second)
    assert found is not None
    assert (found.draw, found.part) == (7, UNDIVIDED)
    await _runs(measurements, 8, 2)
    found = await measurements.latest_run(None, second)
    assert found is not None
    assert (found.draw, found.part) == (8, second)
    assert {run.part for run in await measurements.latest_runs()} == set(partitions_of(2))


async def test_claims_of_parts_do_not_exclude_each_other() -> None:
    """Each draw is run once by each."""
    measurements = Measurements(MemoryStore(), partitions=2)
    claimed = [await measurements.claim_run(7, 420.0, part) for part in partitions_of(2)]
    again = [await measurements.claim_run(7, 420.0, part) for part in partitions_of(2)]
    assert (claimed, again) == ([True, True], [False, False])


def test_a_part_that_is_far_behind_is_not_shown() -> None:
    """One that runs beside the others is; a stream that one of them reads is live."""
    here = LastRun(9, verdicts={"pass": 2}, streams={"s3": IngestState.LIVE})
    late = LastRun(9 - BEHIND_DRAWS_MAX, verdicts={"pass": 3}, streams={"s3": IngestState.DOWN})
    gone = replace(late, draw=late.draw - 1, verdicts={"fail": 5})
    shown = runs_together([here, late, gone])
    assert (shown.draw, shown.verdicts) == (9, {"pass": 5})
    assert shown.streams == {"s3": IngestState.LIVE}
    assert runs_together([]) == LastRun()
    assert together([]) == TrustBook()
