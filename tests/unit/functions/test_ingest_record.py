"""What was read at the ingest is asked for once, and only of draws that somebody asks about."""

from collector.ingest_record import IngestRecord
from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore

DRAWS = range(1_000, 1_010)


async def _recorded() -> tuple[CountingStore, IngestRecord]:
    store = CountingStore(MemoryStore())
    measurements = Measurements(store)
    for draw in DRAWS:
        at_s = draw * 60.0
        check = Check("n2", "s3", draw, at_s, Verdict.PASS, Reason.PASSED)
        cut = ("s3",) if draw == 1_004 else ()
        live = {"s3": IngestState.LIVE}
        run = Run(draw, at_s, at_s + 70, (), live, (check,), interrupted=cut)
        await measurements.record_run(run, at_s + 70)
    return store, IngestRecord(measurements, Calendar())


async def test_each_draw_is_read_once_and_without_its_checks() -> None:
    """A node that waits for hours is asked about again and again."""
    store, record = await _recorded()
    before = store.operations.reads
    assert [run.draw for run in await record.runs([1_002, 1_003])] == [1_002, 1_003]
    found = await record.runs([1_003, 1_004, 1_007])
    assert [run.draw for run in found] == [1_003, 1_004, 1_007]
    assert {run.checks for run in found} == {()}
    await record.runs([1_002, 1_003, 1_004, 1_007])
    assert store.operations.reads - before == 4


async def test_of_nothing_nothing_is_read() -> None:
    """Where nobody waited."""
    store, record = await _recorded()
    before = store.operations.reads
    assert await record.runs(()) == []
    of = await record.streams([], range(1_000, 1_010))
    assert of("s3").idle == frozenset()
    assert store.operations.reads == before


async def test_ticks_in_which_somebody_waited_are_told_by_stream() -> None:
    """Of another stream nobody has read anything."""
    _, record = await _recorded()
    of = await record.streams([1_003, 1_004], range(1_000, 1_010))
    assert (of("s3").steady, of("s5").steady) == (frozenset({1_003}), frozenset())


async def test_what_is_older_than_two_hours_is_forgotten() -> None:
    """An instance may live for days."""
    store, record = await _recorded()
    await record.runs([1_001])
    await record.runs([1_001 + 121])
    before = store.operations.reads
    await record.runs([1_001])
    assert store.operations.reads == before + 1
