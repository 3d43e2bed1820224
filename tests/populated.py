"""A network of many nodes with every kind of news, written as its own functions would write it."""

import random

from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.store.protocol import Store
from coordinator.checking.checks import Control, IngestState
from coordinator.checking.controls import ControlCount
from coordinator.checking.last_run import LastRun
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.epochs import Calendar
from coordinator.keys import node_id_of
from coordinator.ledger.accounts import Account, Accounts, Held, Service
from coordinator.ledger.balances import opening_balance
from coordinator.projections.history import History, NodeHistory
from coordinator.projections.money_projection import MoneyProjection
from coordinator.projections.network_document import NetworkDocument
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rollups import NodeHour
from coordinator.sweeping.rosters import Slot
from coordinator.sweeping.shards import WHOLE
from tests.builders import a_stream
from tests.doubles.memory import MemoryStore

CALENDAR = Calendar()
NAMES = ("Main stage", "Village fête", "Chess night", "Harbour camera", "Radio 107", "Open court",
         "Night owls", "Choir practice")  # fmt: skip
_HEALTH = (
    (Outcome.DOWN, Reason.CONNECT_FAILED),
    (Outcome.INVALID, Reason.STATS_INVALID),
    (Outcome.STALLED, Reason.STALLED),
    (Outcome.IDLE, Reason.STREAM_IDLE),
    (Outcome.DOWN, Reason.UPSTREAM_DOWN),
)
_FAILURES = (Reason.NO_STREAM, Reason.TOO_SLOW, Reason.LAGGING, Reason.UNREACHABLE)


def node_id(number: int) -> str:
    """The id of the n-th node."""
    return node_id_of(number.to_bytes(32))


def stream(number: int, now_s: float) -> Stream:
    """The n-th stream; the last one has ended."""
    return a_stream(
        stream_id=f"stream{number}",
        name=NAMES[number],
        reward_micros_per_hour=1_500_000 + 250_000 * number,
        max_paid_nodes=500,
        created_s=now_s - 86_400 * (number + 1),
        ends_s=now_s - 7_200 if number == len(NAMES) - 1 else None,
    )


def network_document(nodes: int, now_s: float, seed: int = 7) -> NetworkDocument:
    """One shard: most nodes fine, some new, some with each kind of trouble."""
    chance = random.Random(seed)
    tick = CALENDAR.tick_at(now_s) - 1
    slots, polls, trust, past = [], {}, {}, {}
    for at in range(nodes):
        slot, poll, state = _node(at, tick, now_s, chance)
        slots.append(slot)
        if poll is not None:
            polls[at] = poll
        if state is not None:
            trust[slot.node_id] = state
            past[slot.node_id] = _past(chance, good=state.trust is Trust.PROVEN)
    controls = {node_id(1): Control.GOOD, node_id(2): Control.BAD}
    news = LastRun(
        tick - 1,
        now_s - 115,
        now_s - 42,
        {"pass": 63, "fail": 2, "unknown": 1},
        {f"stream{n}": IngestState.LIVE if n % 3 else IngestState.DOWN for n in range(len(NAMES))},
        controls,
        {Control.GOOD: ControlCount(1_440, 0, 3), Control.BAD: ControlCount(1_437, 0, 0)},
    )
    history = History(int(now_s // 3600), past)
    return NetworkDocument(WHOLE, tick, 4.2, tuple(slots), polls, trust, history, {}, news)


def _node(
    at: int, tick: int, now_s: float, chance: random.Random
) -> tuple[Slot, Poll | None, TrustState | None]:
    host = f"203.0.{114 + at // 250 % 100}.{at % 250}" if at % 7 else f"relay{at}.example.net"
    joined = tick - chance.randrange(100, 50_000)
    left = (
        (tick - chance.randrange(900), "offline" if at % 3 else "left") if at % 41 == 40 else None
    )
    slot = Slot(
        node_id(at),
        f"stream{at % streams_with_nodes() if at % 5 else 1}",
        f"http://{host}:8080/stats.json",
        host,
        1935,
        joined,
        now_s - 999.0,
        *(left or (None, None)),
    )
    due = tick - joined
    lost = int(due * chance.choice((0, 0, 0.001, 0.01, 0.2)))
    sick = at % 23 == 22
    outcome, reason = _HEALTH[at % len(_HEALTH)] if sick else (Outcome.UP, Reason.OK)
    viewers = 0 if sick else chance.randrange(9)
    poll = (
        None if left else Poll(outcome, reason, due, due - lost, viewers=viewers, since_tick=joined)
    )
    return slot, poll, None if at % 31 == 30 else _trust(at, now_s, chance)


def streams_with_nodes() -> int:
    """How many streams have nodes."""
    return len(NAMES) - 1


def _trust(at: int, now_s: float, chance: random.Random) -> TrustState:
    kinds = {17: Trust.FLAGGED, 51: Trust.SUSPENDED, 85: Trust.FRAUD}
    trust = kinds.get(at % 101, Trust.PROVEN)
    last_s = round(now_s - chance.randrange(20, 3_000), 3)
    bad = trust is not Trust.PROVEN
    reason = (
        chance.choice(_FAILURES)
        if bad
        else chance.choice((Reason.PASSED,) * 9 + (Reason.DEGRADED,))
    )
    return TrustState(
        trust,
        score=chance.randrange(5_000),
        passed=chance.randrange(1, 900),
        failed=chance.randrange(3, 20) if bad else chance.randrange(3),
        degraded=chance.randrange(9),
        unknown=chance.randrange(5),
        last_check_s=last_s,
        last_pass_s=last_s if not bad else last_s - 5_000,
        last_reason=reason.value,
    )


def _past(chance: random.Random, *, good: bool) -> NodeHistory:
    weights = (90, 4, 2, 1, 1, 1, 1) if good else (20, 10, 10, 10, 10, 20, 20)

    def line(count: int) -> str:
        return "".join(chance.choices("dca730~", weights, k=count))

    new = chance.random() < 0.1
    return NodeHistory(line(5 if new else 24), "" if new else line(29), NodeHour(400, 396, 0, 0))


def money_projection(nodes: int, now_s: float) -> MoneyProjection:
    """Balances of every kind, and what each node has."""
    streams = [stream(number, now_s) for number in range(len(NAMES))]
    balances = []
    for number, each in enumerate(streams):
        opened = opening_balance(each, 10**9 * (number + 1), CALENDAR)
        spent = opened.deposited_micros * (number % 5) // 4
        balance = opened.model_copy(
            update={
                "balance_micros": opened.deposited_micros - spent,
                "paid_micros": spent,
                "next_epoch": CALENDAR.epoch_at(now_s) - 1,
                "due_epoch": CALENDAR.epoch_at(now_s) - 1,
            }
        )
        balances.append(balance)
    accounts = Accounts({}, {node_id(at): _account(at) for at in range(nodes)})
    projection = MoneyProjection(written_s=now_s - 700).with_streams(
        zip(streams, balances, strict=True)
    )
    return projection.with_accounts(accounts)


def _account(at: int) -> Account:
    held = Held(100, 1_200_000 + at * 317, 124)
    return Account({"stream1": Service(90, 100, (held,))}, available_micros=at * 7_919_000)


_POPULATED: dict[tuple[int, float], tuple[MemoryStore, MemoryStore]] = {}


async def populated(nodes: int, now_s: float) -> tuple[MemoryStore, MemoryStore]:
    """Two filled stores. They are filled once: each caller has copies."""
    if (nodes, now_s) not in _POPULATED:
        first = MemoryStore(), MemoryStore()
        await populate(*first, nodes, now_s)
        _POPULATED[nodes, now_s] = first
    measured, money = _POPULATED[nodes, now_s]
    return measured.copy(), money.copy()


async def populate(measured: Store, money: Store, nodes: int, now_s: float) -> None:
    """Fills two stores; the ledger itself holds only the streams' balances."""
    measurements, ledger = Measurements(measured), Ledger(money)
    projection = money_projection(nodes, now_s)
    for each in projection.streams.values():
        await measurements.create_stream(each)
        await ledger.open(projection.balances[each.stream_id])
    await measurements.replace_money_projection(projection, MoneyProjection())
    await measurements.put_network_document(network_document(nodes, now_s))
