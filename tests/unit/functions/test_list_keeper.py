"""Lists hear of a failure while its run lasts, and of what its record takes back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace

import pytest

from bench.simulations.simulated_day import PassingChecker, World
from coordinator.adapters.log import Log
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import AsRead, Decide, Fields, Ref
from coordinator.checking.checks import Check, Control, Run, Verdict
from coordinator.checking.delistings import is_listed
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.checking.trust_book import TRUST_BOOKS, TrustBook
from coordinator.projections.listing_news import KEPT_S, NODES_MAX, ListingNews
from coordinator.reasons import Reason
from prober.draws import Due
from prober.ingest_checks import IngestChecks
from prober.list_keeper import ListKeeper
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore

NOW_S = 1_795_305_637.0
DRAW = int(NOW_S // 60)
PROVEN = TrustState(Trust.PROVEN, passed=3, last_check_s=1.0, last_pass_s=1.0)
BOOK = TrustBook(dict.fromkeys([f"n{number}" for number in range(10)], PROVEN))
CONTROLS = {"good": Control.GOOD}


def a_check(node_id: str, verdict: Verdict) -> Check:
    """Of the present draw."""
    reason = Reason.NO_STREAM if verdict is Verdict.FAIL else Reason.PASSED
    return Check(node_id, "s3", DRAW, NOW_S, verdict, reason)


@pytest.fixture
async def store() -> CountingStore:
    """With a book of ten proven nodes."""
    memory = MemoryStore()
    await memory.put(Ref("suspicions", "0"), TRUST_BOOKS.encode(BOOK))
    return CountingStore(memory)


def keeper_on(store: CountingStore) -> ListKeeper:
    """Of a run that has just begun."""
    log = Log("prober", "ERROR")
    return ListKeeper(Measurements(store), lambda: NOW_S + 20, log, BOOK, CONTROLS)


async def _told(store: CountingStore) -> dict[str, bool]:
    """By node id: whether it may stand on lists, as far as anything was told."""
    news = await Measurements(store).listing_news()
    return {name: is_listed(state) for each in news for name, state in each.states.items()}


async def test_a_failure_is_told_at_the_next_look_and_costs_one_write(store: CountingStore) -> None:
    """Passes cost none, and what was told once is not told again."""
    keeper = keeper_on(store)
    keeper.made.append(a_check("n1", Verdict.PASS))
    await keeper.look()
    assert (await _told(store), store.operations.writes) == ({}, 0)
    keeper.made.append(a_check("n2", Verdict.FAIL))
    await keeper.look()
    await keeper.look()
    assert (await _told(store), store.operations.writes) == ({"n2": False}, 1)


async def test_failures_that_are_many_are_not_told(store: CountingStore) -> None:
    """Lists wait for a second run."""
    keeper = keeper_on(store)
    keeper.made += [a_check("n2", Verdict.FAIL), a_check("n3", Verdict.FAIL)]
    await keeper.look()
    assert await _told(store) == {}


async def test_what_a_control_puts_in_doubt_later_is_taken_back(store: CountingStore) -> None:
    """The record counts: none of the run's failures does."""
    keeper = keeper_on(store)
    keeper.made.append(a_check("n2", Verdict.FAIL))
    await keeper.look()
    keeper.made.append(a_check("good", Verdict.FAIL))
    run = Run(DRAW, NOW_S, NOW_S + 23, (), {}, tuple(keeper.made), controls=CONTROLS)
    await Measurements(store).record_run(run, NOW_S + 23)
    assert await _told(store) == {}


async def test_what_the_next_run_has_told_already_stays(store: CountingStore) -> None:
    """Runs overlap: one is often recorded when the next has made its first checks."""
    before, after = a_check("n2", Verdict.PASS), a_check("n2", Verdict.FAIL)
    keeper = keeper_on(store)
    keeper.made.append(replace(after, draw=DRAW + 1, due_s=NOW_S + 60))
    await keeper.look()
    run = Run(DRAW, NOW_S, NOW_S + 60, (), {}, (before, a_check("n3", Verdict.FAIL)))
    await Measurements(store).record_run(run, NOW_S + 80)
    assert await _told(store) == {"n2": False, "n3": False}
    following = Run(DRAW + 1, NOW_S + 60, NOW_S + 120, (), {}, tuple(keeper.made))
    await Measurements(store).record_run(following, NOW_S + 125)
    assert await _told(store) == {"n2": False, "n3": False}


async def _recorded(store: CountingStore, draw: int, *checks: Check, told: Collection[str]) -> int:
    """What it costs to record them, in reads."""
    before = store.operations.reads
    made = tuple(replace(check, draw=draw) for check in checks)
    run = Run(draw, NOW_S, NOW_S + 23, (), {}, made, controls=CONTROLS)
    assert await Measurements(store).record_run(run, NOW_S + 23, told)
    return store.operations.reads - before


async def test_a_record_looks_at_the_news_only_where_somebody_moves(store: CountingStore) -> None:
    """What lies there of others stays, and a run that brings somebody back reads trust twice."""
    failed, passed = a_check("n2", Verdict.FAIL), a_check("n2", Verdict.PASS)
    keeper = keeper_on(store)
    keeper.made.append(failed)
    await keeper.look()
    assert keeper.told == {"n2"}
    assert await _recorded(store, DRAW, failed, told=keeper.told) == 2
    assert await _told(store) == {"n2": False}
    assert await _recorded(store, DRAW + 1, a_check("n5", Verdict.PASS), told=()) == 1
    assert await _told(store) == {"n2": False}
    assert await _recorded(store, DRAW + 2, replace(passed, due_s=NOW_S + 9), told=()) == 3
    assert await _told(store) == {"n2": True}


async def test_a_record_takes_back_what_its_own_run_has_told_alone(store: CountingStore) -> None:
    """The run after it has begun by then. Of a run that crashed nobody knows what it told."""
    keeper = keeper_on(store)
    keeper.made.append(a_check("n2", Verdict.FAIL))
    await keeper.look()
    await _recorded(store, DRAW - 1, a_check("n5", Verdict.FAIL), told={"n5"})
    assert await _told(store) == {"n2": False, "n5": False}
    run = Run(DRAW, NOW_S, NOW_S, (), {}, (a_check("n2", Verdict.UNKNOWN),))
    assert await Measurements(store).record_run(run, NOW_S + 90)
    assert await _told(store) == {"n5": False}


class _AskedStore(MemoryStore):
    """Notes how many documents each record of a run asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    async def transact(
        self,
        refs: Sequence[Ref],
        decide: Decide,
        new: Collection[Ref] = (),
        seen: Mapping[Ref, AsRead] | None = None,
    ) -> Mapping[Ref, Fields]:
        if any(ref.collection == "suspicions" for ref in refs):
            self.asked.append(len(refs))
        return await super().transact(refs, decide, new, seen)


class _FailingChecker(PassingChecker):
    """Every check of one node fails."""

    fails = ""

    async def check(self, due: Due, draw: int, reference: Reference, ingest: IngestChecks) -> Check:
        done = await super().check(due, draw, reference, ingest)
        fails = due.slot.node_id == self.fails
        return replace(done, verdict=Verdict.FAIL, reason=Reason.NO_STREAM) if fails else done


async def test_a_run_says_itself_of_whom_it_has_told() -> None:
    """A quiet one's record asks for the run and the trust, another's for the news as well."""
    store = _AskedStore()
    world = World(10, 1, measured=CountingStore(store))
    await world.open()
    proven = replace(PROVEN, last_check_s=world.now_s)
    book = TrustBook({node.node_id: proven for node in world.nodes})
    await store.put(Ref("suspicions", "0"), TRUST_BOOKS.encode(book))
    known = world.prober.checker
    given = {each.name: getattr(known, each.name) for each in fields(known) if each.init}
    world.prober.checker = failing = _FailingChecker(**given)
    await world.minute([], [])
    await world.minute([], [])
    assert store.asked == [2, 2]
    failing.fails = world.nodes[3].node_id
    runs = 2
    while 3 not in store.asked:
        await world.minute([], [])
        runs += 1
    assert store.asked == [2] * (runs - 1) + [3]


async def test_a_store_that_fails_costs_no_check(store: CountingStore) -> None:
    """The record tells it again."""
    keeper = keeper_on(store)
    keeper.made.append(a_check("n2", Verdict.FAIL))
    await store.close()
    await keeper.look()
    assert (len(keeper.made), keeper.told) == (1, {"n2"})  # it may have been written all the same


def test_news_are_forgotten_when_others_have_told_them_and_stay_few() -> None:
    """Or the document would grow for ever."""
    old = TrustState(Trust.PROVEN, last_check_s=NOW_S)
    news = ListingNews().adding({"n1": old}, NOW_S)
    assert news.states.keys() == {"n1"}
    assert news.adding({}, NOW_S + KEPT_S + 1).states == {}
    crowd = {f"c{n}": TrustState(last_check_s=NOW_S + n) for n in range(NODES_MAX + 7)}
    assert "n1" not in news.adding(crowd, NOW_S).states
    assert len(news.adding(crowd, NOW_S).states) == NODES_MAX
