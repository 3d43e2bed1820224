"""The collector's document after each sweep: complete, cheap, and never worth a sweep."""

from dataclasses import replace

import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import Fields, Ref, StoreError
from coordinator.checking.checks import Check, Control, IngestState, Run, Verdict
from coordinator.projections.money_projection import MoneyProjection
from coordinator.projections.network_view import NetworkView, network_of
from coordinator.reasons import Reason
from emulator.firestore_emulator import FirestoreEmulator
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore
from tests.integration.swept_network import CALENDAR, NODES, START_TICK, SweptNetwork
from tests.populated import money_projection, network_document

HOUR_TICKS = 60
NOW_S = 1_795_305_637.0


async def _shown(network: SweptNetwork, shards: int = 1) -> NetworkView:
    documents = await Measurements(network.store, shards).network_documents()
    return network_of(documents, {}, CALENDAR.sweep_seconds)


async def test_a_sweep_leaves_a_document_of_everything() -> None:
    """Nodes and their minutes, checks, controls, and how long it took."""
    network = SweptNetwork()
    async with network.serving():
        await network.announce(*range(3))
        await network.minute(1)
        draw = network.tick - 1
        checks = (
            Check("n0", "s3", draw, 7.0, Verdict.PASS, Reason.PASSED, attempts=({},)).showing(
                "s3.1"
            ),
            Check("n1", "s3", draw, 8.0, Verdict.FAIL, Reason.NO_STREAM),
            Check("n2", "s3", draw, 9.0, Verdict.PASS, Reason.PASSED),
        )
        states = {"s3": IngestState.LIVE}
        run = Run(draw, 1.0, 2.0, (), states, checks, controls={"n2": Control.GOOD})
        await Measurements(network.store).record_run(run, 3.0)
        await network.minute(1)
    shown = await _shown(network)
    assert shown.nodes.keys() == {"n0", "n1", "n2"}
    assert shown.swept_s == (network.tick - 1) * 60
    node = shown.nodes["n0"]
    assert node.poll is not None
    assert (node.is_verified, node.poll.minutes_up, node.thumbnail) == (True, 2, "s3.1")
    assert shown.nodes["n1"].trust.failed == 1
    assert shown.nodes["n2"].control is Control.GOOD
    assert (shown.prober.draw, shown.prober.verdicts) == (draw, {"pass": 2, "fail": 1})
    assert shown.prober.counts[Control.GOOD].checks == 1


@pytest.mark.parametrize("fresh", [False, True])
async def test_hours_are_added_as_they_end(fresh: bool) -> None:
    """By whichever instance sweeps then."""
    network = SweptNetwork()
    network.tick = START_TICK // HOUR_TICKS * HOUR_TICKS + 55
    async with network.serving():
        await network.announce(*range(3))
        for minute in range(2 * HOUR_TICKS):
            await network.minute(1, fresh=fresh and minute % 7 == 0)
    shown = await _shown(network)
    assert [node.history.hours for node in shown.nodes.values()] == ["dd"] * 3
    assert shown.nodes["n0"].until_hour == network.tick // HOUR_TICKS


async def test_an_hour_before_a_rest_is_shown_after_it() -> None:
    """Nothing is swept while nobody is there: that is a gap, and no end of the past."""
    network = SweptNetwork()
    network.tick = START_TICK // HOUR_TICKS * HOUR_TICKS + 5
    async with network.serving():
        await network.announce(*range(1))
        for _ in range(10):
            await network.minute(1)
        network.tick += 3 * HOUR_TICKS
        for _ in range(2):
            await network.minute(1)
    (node,) = (await _shown(network)).nodes.values()
    assert node.history.hours == "d--"


async def test_a_document_costs_a_read_and_a_write() -> None:
    """The trust book, which tells of the last run too, and the document itself."""
    network = SweptNetwork()
    network.store = counting = CountingStore(network.store)
    async with network.serving():
        await network.announce(*range(3))
        for _ in range(2):
            await network.minute(1)
        before = counting.operations.reads, counting.operations.writes
        await network.minute(1)
    reads, writes = counting.operations.reads - before[0], counting.operations.writes - before[1]
    assert (reads, writes) == (1 + 1, 1 + 1)  # looking for changed nodes; writing the sweep


class _BlindStore(MemoryStore):
    """Everything works but for projections, as when one has grown too large."""

    error: Exception | None = StoreError("no projection today")

    async def get(self, *refs: Ref) -> list[Fields | None]:
        if self.error and any(ref.collection == "projections" for ref in refs):
            raise self.error
        return await super().get(*refs)

    async def put(self, ref: Ref, fields: Fields) -> None:
        if self.error and ref.collection == "projections":
            raise self.error
        await super().put(ref, fields)


class _FullStore(_BlindStore):
    """Projections can be read, not written."""

    error: Exception | None = ValueError("larger than a document may be")

    async def get(self, *refs: Ref) -> list[Fields | None]:
        return await MemoryStore.get(self, *refs)


@pytest.mark.parametrize("broken", [_BlindStore, _FullStore])
async def test_no_sweep_is_lost_with_a_projection(broken: type[_BlindStore]) -> None:
    """And the document is there again as soon as it can be."""
    network = SweptNetwork()
    network.store = store = broken()
    async with network.serving():
        await network.announce(*range(2))
        summaries = [summary for _ in range(3) for summary in await network.minute(1)]
        assert [summary["result"] for summary in summaries] == ["swept"] * 3
        store.error = None
        assert not (await _shown(network)).documents
        await network.minute(1)
    assert (await _shown(network)).nodes.keys() == {"n0", "n1"}
    assert (await network.minutes())["n0"].up == 0b1111


@pytest.mark.parametrize(("before", "after"), [(1, 2), (3, 1), (2, 3)])
async def test_a_change_of_shards_forgets_nobodys_past(before: int, after: int) -> None:
    """Every node takes its hours along to the document of its new shard."""
    network = SweptNetwork()
    network.tick = START_TICK // HOUR_TICKS * HOUR_TICKS + 50
    async with network.serving():
        await network.announce(*range(NODES))
        for _ in range(20):
            await network.minute(before)
        for _ in range(2):
            await network.minute(after)
    shown = await _shown(network, after)
    assert (len(shown.documents), shown.is_whole) == (after, True)
    assert {name: node.history.hours for name, node in shown.nodes.items()} == {
        f"n{number}": "d" for number in range(NODES)
    }
    other = await _shown(network, before)  # a reader whose setting is the old one
    assert other.nodes.keys() == shown.nodes.keys()


async def test_firestore_keeps_the_projections_of_ten_thousand_nodes(
    firestore: FirestoreEmulator,
) -> None:
    """As they were written, each within a document; and the money only once a revision."""
    await firestore.clear("projections")
    store = FirestoreStore("projections")
    measurements = Measurements(store)
    document, money = network_document(10_000, NOW_S), money_projection(10_000, NOW_S)
    assert await measurements.network_documents() == []
    assert await measurements.money_projection() is None
    await measurements.put_network_document(document)
    assert await measurements.replace_money_projection(money, MoneyProjection())
    assert await measurements.replace_money_projection(money, MoneyProjection()) is None
    (read,) = await measurements.network_documents()
    assert (read.polls, read.history, read.prober) == (
        document.polls,
        document.history,
        document.prober,
    )
    written = await measurements.money_projection()
    assert written == replace(money, revision=1)
    await store.close()
