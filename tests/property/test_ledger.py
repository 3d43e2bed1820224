"""The ledger under everything at once: a machine that does what a network does, and crashes.

Real handlers on stores in memory. Whatever happened, in whatever order, however often and
wherever the process died: tokens are neither made nor lost, and the statements are those that
an undisturbed run writes.
"""

import asyncio
import itertools
from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from api.http.callers import Sponsor
from api.http.problems import Problem, ProblemKind
from api.services.registrar import Registrar
from api.services.subscriptions import Subscriptions
from api.services.treasurer import Treasurer
from api.wire.money import TopUpIn
from api.wire.streams import StreamIn
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.webhooks import Webhooks
from coordinator.adapters.store.protocol import StoreError
from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.epochs import Calendar
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.forfeits import paid_until
from coordinator.ledger.published_settings import PublishedSettings
from coordinator.ledger.rows import Row
from coordinator.ledger.settlements import draft
from coordinator.ledger.statements import Statement
from coordinator.money import format_tokens
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from payout.gatherer import Gatherer
from payout.settler import Settler
from tests.doubles.crashing import CrashingStore
from tests.doubles.memory import MemoryStore

T = TypeVar("T")

CALENDAR = Calendar(sweep_seconds=60, check_seconds=60, epoch_seconds=300, grace_seconds=30)
HOLDING = 3
START_S = 300_000
NODES = ["n2", "n3", "n5", "n7", "n11", "n13"]
ADDRESS = {node_id: f"203.0.114.{at // 2}" for at, node_id in enumerate(NODES)}
REASON = {
    Verdict.PASS: Reason.PASSED,
    Verdict.DEGRADED: Reason.DEGRADED,
    Verdict.UNKNOWN: Reason.UNKNOWN_REFERENCE,
}
OUTCOMES = st.sampled_from([*[Outcome.UP] * 6, *Outcome])
VERDICTS = st.sampled_from([None, None, Verdict.PASS, Verdict.PASS, Verdict.FAIL, *Verdict])
AMOUNTS = st.integers(1, 20 * 10**6)
DEATHS = st.none() | st.tuples(st.integers(0, 25), st.booleans())


class LedgerMachine(RuleBasedStateMachine):
    """Sponsors, nodes, sweeps, checks and payouts, interleaved at will."""

    streams: Bundle[str] = Bundle("streams")
    held_back: Bundle[Run] = Bundle("held_back")

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.Runner()
        self.measured, self.money = MemoryStore(), CrashingStore()
        self.now_s = float(START_S)
        self.slots: list[Slot] = []
        self.promised: dict[tuple[str, str], int] = {}
        self.failing = Reason.NO_STREAM
        self.failed: set[str] = set()
        """Who has failed a check so far, or passed one at its second connection only."""
        self._numbers = itertools.count()

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self._loop.run(awaited())

    def teardown(self) -> None:
        self._a_fraud_earns_and_is_found_out()
        self._settle_all()
        assert self._statements() == self._undisturbed()
        self._loop.close()

    # -- sponsors ------------------------------------------------------------------------------

    @initialize(target=streams, deposit=AMOUNTS)
    def first_stream(self, deposit: int) -> str:
        """With nodes on it, most of which have passed a check and been paid."""
        stream_id = self._register(deposit, 7_000_000, 4, None)
        for node_id in NODES[:5]:
            self.join_or_move(stream_id, node_id)
        self.an_ordinary_time(7)
        self.run(self._settler(self.money).settle_due())
        return stream_id

    @rule(
        target=streams,
        deposit=AMOUNTS,
        rate=st.integers(1, 10**8),
        paid_nodes=st.integers(1, 5),
        death=DEATHS,
    )
    def register(self, deposit: int, rate: int, paid_nodes: int, death: Any) -> Any:
        if len(self.promised) > 40:
            return multiple()
        return self._register(deposit, rate, paid_nodes, death)

    def _register(self, deposit: int, rate: int, paid_nodes: int, death: Any) -> str:
        ledger, webhooks = Ledger(self.money), Webhooks(self.money)
        registrar = Registrar(
            Measurements(self.measured),
            ledger,
            CALENDAR,
            self._clock,
            bytes,
            Subscriptions(webhooks, ledger, Guard(allow_private=False), CALENDAR, self._clock),
        )
        asked = StreamIn(
            name="Stage",
            token_balance=format_tokens(deposit),
            reward_per_node_hour=format_tokens(rate),
            max_paid_nodes=paid_nodes,
        )
        key = str(next(self._numbers))
        register = partial(registrar.register, asked, Sponsor("ada", "k" * 24), key)
        stream: Stream = self._until_done(register, death)[0]
        self.promised[stream.stream_id, "deposit"] = deposit
        return stream.stream_id

    @rule(stream_id=streams, micros=AMOUNTS, key=st.sampled_from("abc"), death=DEATHS)
    def top_up(self, stream_id: str, micros: int, key: str, death: Any) -> None:
        """One key stands for one amount: others are refused, repetitions add nothing."""
        micros = self.promised.get((stream_id, key), micros)
        asked = TopUpIn(amount=format_tokens(micros))
        stream = self.run(Measurements(self.measured).stream(stream_id))
        assert stream is not None
        kind = None
        try:
            self._until_done(lambda: self._treasurer().top_up(stream, asked, key), death)
        except Problem as problem:
            kind = problem.kind
        assert kind in {None, ProblemKind.STREAM_CLOSED}
        if kind is None:
            self.promised[stream_id, key] = micros

    @rule(stream_id=streams)
    def close(self, stream_id: str) -> None:
        stream = self.run(Measurements(self.measured).stream(stream_id))
        assert stream is not None
        self.run(self._treasurer().close(stream))

    # -- the network ---------------------------------------------------------------------------

    @rule(stream_id=streams, node_id=st.sampled_from(NODES))
    def join_or_move(self, stream_id: str, node_id: str) -> None:
        self._leave(node_id)
        tick = CALENDAR.tick_at(self.now_s)
        self.slots.append(Slot(node_id, stream_id, "", ADDRESS[node_id], 1935, tick, self.now_s))
        self._write_roster()

    @rule(node_id=st.sampled_from(NODES))
    def leave(self, node_id: str) -> None:
        self._leave(node_id)
        self._write_roster()

    @rule(
        target=held_back,
        outcomes=st.lists(OUTCOMES, min_size=6, max_size=6),
        verdicts=st.lists(VERDICTS, min_size=6, max_size=6),
        is_swept=st.sampled_from([True] * 7 + [False]),
        is_held_back=st.sampled_from([False] * 7 + [True]),
        ingest=st.sampled_from([IngestState.LIVE] * 5 + [IngestState.DOWN]),
    )
    def a_minute_passes(
        self,
        outcomes: list[Outcome],
        verdicts: list[Verdict | None],
        is_swept: bool,
        is_held_back: bool,
        ingest: IngestState,
    ) -> Any:
        """A sweep or none, twice even; a run recorded now or much later."""
        tick = CALENDAR.tick_at(self.now_s)
        due = [(at, slot) for at, slot in enumerate(self.slots) if slot.is_polled_at(tick)]
        measurements = Measurements(self.measured)
        if is_swept:
            of = dict(zip(NODES, outcomes, strict=True))
            polls = {at: Poll(of[slot.node_id], Reason.OK, 1, 1) for at, slot in due}
            sweep = Sweep(WHOLE, tick, 1, polls)
            assert self.run(measurements.create_sweep(sweep, self.now_s))
            assert not self.run(measurements.create_sweep(replace(sweep, polls={}), self.now_s))
        by_node = dict(zip(NODES, verdicts, strict=True))
        checks = tuple(
            _check(slot, tick, verdict, self.failing)
            for _, slot in due
            if (verdict := by_node[slot.node_id]) is not None
        )
        self.failed |= {c.node_id for c in checks if c.verdict in (Verdict.FAIL, Verdict.DEGRADED)}
        states = {slot.stream_id: ingest for _, slot in due}
        run = Run(tick, tick * 60.0, tick * 60.0 + 50, (), states, checks)
        self.now_s = (tick + 1) * 60.0
        if is_held_back:
            return run
        self.run(measurements.record_run(run, self.now_s))
        return multiple()

    @rule(target=held_back, minutes=st.integers(2, 12), is_held_back=st.booleans())
    def an_ordinary_time(self, minutes: int, is_held_back: bool = False) -> Any:
        """Everybody up, checked and passed every other minute; the last run may come late."""
        found: Any = multiple()
        for minute in range(minutes):
            verdicts: list[Verdict | None] = [Verdict.PASS if minute % 2 else None] * len(NODES)
            late = is_held_back and minute == minutes - 1
            found = self.a_minute_passes([Outcome.UP] * 6, verdicts, True, late, IngestState.LIVE)
        return found

    @rule(
        node_id=st.sampled_from(NODES),
        minutes=st.integers(3, 9),
        failing=st.sampled_from([Reason.NO_STREAM, Reason.REPLAYED]),
    )
    def a_cheat_is_looked_at(self, node_id: str, minutes: int, failing: Reason) -> None:
        """Failed checks in a row, after passed ones: flagged, then suspended or a fraud."""
        at, self.failing = NODES.index(node_id), failing
        for minute in range(minutes):
            verdicts: list[Verdict | None] = [Verdict.PASS] * len(NODES)
            verdicts[at] = Verdict.PASS if minute == 0 else Verdict.FAIL
            self.a_minute_passes([Outcome.UP] * 6, verdicts, True, False, IngestState.LIVE)
        self.failing = Reason.NO_STREAM

    @rule(run=consumes(held_back))
    def a_run_is_recorded_late(self, run: Run) -> None:
        late = replace(run, ended_s=self.now_s)
        self.run(Measurements(self.measured).record_run(late, self.now_s))

    @rule(minutes=st.integers(1, 7))
    def a_run_is_recorded_after_its_epoch_is_settled(self, minutes: int) -> None:
        """It changes nothing any more, neither now nor for whoever recomputes the statement."""
        run = self.an_ordinary_time(2 * minutes, is_held_back=True)
        self.now_s += 2 * CALENDAR.epoch_seconds
        self.run(self._settler(self.money).settle_due())
        self.a_run_is_recorded_late(run)

    # -- payouts -------------------------------------------------------------------------------

    @rule(deaths=st.lists(DEATHS, min_size=1, max_size=4))
    def settle(self, deaths: list[Any]) -> None:
        """Triggered again and again; some of the processes die at some call."""
        for death in deaths:
            self._with_death(death)
            try:
                self.run(self._settler(self.money).settle_due())
            except StoreError:
                assert death is not None
            finally:
                self.money.calls_left = None

    @rule()
    def settle_twice_at_once(self) -> None:
        async def both() -> None:
            await asyncio.gather(*(self._settler(self.money).settle_due() for _ in range(2)))

        self.run(both())

    @rule(epochs=st.integers(1, 3))
    def an_outage(self, epochs: int) -> None:
        """Nothing runs for a while."""
        self.now_s += epochs * CALENDAR.epoch_seconds

    # -- laws ----------------------------------------------------------------------------------

    @invariant()
    def tokens_are_neither_made_nor_lost(self) -> None:
        for stream_id in {stream_id for stream_id, _ in self.promised}:
            (balance,) = self.run(Ledger(self.money).balances([stream_id]))
            assert balance is not None
            promised = sum(m for (name, _), m in self.promised.items() if name == stream_id)
            assert balance.deposited_micros == promised
            assert balance.deposited_micros + balance.returned_micros == (
                balance.balance_micros + balance.paid_micros + balance.refunded_micros
            )
            assert min(balance.balance_micros, balance.refunded_micros) >= 0

    # -- inside --------------------------------------------------------------------------------

    def _a_fraud_earns_and_is_found_out(self) -> None:
        """Chance alone would seldom let one have something to lose."""
        stream_id = self._register(10**9, 7_000_000, 4, None)
        self.join_or_move(stream_id, NODES[-1])
        self.an_ordinary_time(12)
        self.now_s += CALENDAR.grace_seconds
        self.run(self._settler(self.money).settle_due())
        self.a_cheat_is_looked_at(NODES[-1], 9, Reason.REPLAYED)

    def _settle_all(self) -> None:
        self.now_s += (HOLDING + 2) * CALENDAR.epoch_seconds
        while self.run(self._settler(self.money).settle_due())["more"]:
            pass
        statements = self._statements()
        accounts = self.run(Ledger(self.money).accounts())
        kept = sum(s.paid_micros - s.forfeited_micros for s in statements)
        assert sum(a.earned_micros for a in accounts.nodes.values()) == kept
        event(f"frauds that lost tokens: {sum(s.forfeited_micros > 0 for s in statements)}")
        for account in accounts.nodes.values():
            assert min(account.pending_micros, account.available_micros) >= 0
        losers = _what_is_lost_was_pending(statements)
        assert losers <= self.failed

    def _undisturbed(self) -> list[Statement]:
        """Each statement again, out of its evidence and the balance that it names."""
        again = []
        measurements, ledger = Measurements(self.measured), Ledger(self.money)
        for statement in self._statements():
            stream = self.run(measurements.stream(statement.stream_id))
            assert stream is not None
            gatherer = Gatherer(measurements, ledger, [PublishedSettings.of(CALENDAR, HOLDING)])
            given, _ = self.run(gatherer.epoch_input(stream, statement.epoch))
            again.append(draft(given).paid_from(statement.balance_before_micros))
        return again

    def _statements(self) -> list[Statement]:
        names = sorted({stream_id for stream_id, _ in self.promised})
        return [s for name in names for s in self.run(Ledger(self.money).statements(name, 0, 200))]

    def _until_done(self, work: Any, death: Any) -> Any:
        """As a client does: a request that was cut off is repeated."""
        self._with_death(death)
        try:
            return self.run(work())
        except StoreError:
            self.money.calls_left = None
            return self.run(work())
        finally:
            self.money.calls_left = None

    def _with_death(self, death: tuple[int, bool] | None) -> None:
        self.money.calls_left, self.money.dies_after = death or (None, False)

    def _leave(self, node_id: str) -> None:
        tick = CALENDAR.tick_at(self.now_s)
        self.slots = [
            replace(slot, left_tick=tick, left_reason="left", changed_s=self.now_s)
            if slot.node_id == node_id and slot.left_tick is None
            else slot
            for slot in self.slots
        ]

    def _write_roster(self) -> None:
        roster = Roster(WHOLE, 1, 1.0, tuple(self.slots))
        self.run(Measurements(self.measured).put_roster(roster))

    def _clock(self) -> float:
        return self.now_s

    def _treasurer(self) -> Treasurer:
        return Treasurer(
            Measurements(self.measured), Ledger(self.money), CALENDAR, self._clock, bytes
        )

    def _settler(self, money: MemoryStore) -> Settler:
        return Settler(
            Measurements(self.measured),
            Ledger(money),
            CALENDAR,
            HOLDING,
            self._clock,
            Log("payout", "ERROR"),
        )


def _what_is_lost_was_pending(statements: list[Statement]) -> set[str]:
    """Each minute at most once, of no older epoch; of confirmed frauds all. Gives who has lost."""
    rows: dict[tuple[str, str, int], tuple[Row, EpochMinutes]] = {}
    left_s: dict[tuple[str, str, int], float] = {}
    """Up to when a statement's minutes are still paid."""
    losers: set[str] = set()
    frauds: set[tuple[str, str]] = set()
    for statement in sorted(statements, key=lambda s: s.epoch):
        for row in statement.rows:
            known = statement.stream_id, row.node_id
            from_s = 0.0 if row.carried.fraud and known not in frauds else row.forfeited_from_s
            frauds |= {known} if row.carried.fraud else set()
            lost = 0
            for epoch in range(statement.epoch - HOLDING, statement.epoch):
                key = *known, epoch
                if from_s is not None and key in rows:
                    before = paid_until(*rows[key], left_s.get(key, float("inf")))
                    left_s[key] = min(left_s.get(key, float("inf")), from_s)
                    lost += before[1] - paid_until(*rows[key], left_s[key])[1]
            assert row.forfeited_micros == lost
            losers |= {row.node_id} if lost else set()
            rows[*known, statement.epoch] = row, statement.epoch_minutes
    return losers


def _check(slot: Slot, tick: int, verdict: Verdict, failing: Reason) -> Check:
    return Check(
        slot.node_id,
        slot.stream_id,
        tick,
        tick * 60.0 + 7,
        verdict,
        failing if verdict is Verdict.FAIL else REASON[verdict],
        attempts=({"address": slot.rtmp_host},),
    )


TestLedger = LedgerMachine.TestCase
_IS_NIGHTLY = settings.default is not None and settings.default.max_examples > 100
TestLedger.settings = settings(
    max_examples=settings().max_examples if _IS_NIGHTLY else 50,
    stateful_step_count=50,
)
