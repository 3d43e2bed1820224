"""A small network that has lived for a day: real rules, every document written by its writer.

Sweeps, runs and settlements are made minute by minute and hour by hour, with a story for each node.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from collector.network_projector import NetworkProjector
from coordinator.adapters.log import Log
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.projection_documents import ProjectionWriter
from coordinator.adapters.store.protocol import Store
from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.epochs import Calendar
from coordinator.ledger.balances import opening_balance
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from payout.projector import Projector
from payout.settler import Settler
from tests.builders import a_stream
from tests.doubles.memory import MemoryStore

CALENDAR = Calendar()
FIRST_EPOCH = 498_700
START_S = FIRST_EPOCH * 3600
STREAM_ID = "s3"
NAME = "<script>alert('stage')</script> & friends"
PICTURE = "s3.2992200"
"""Of a passed check."""
NODES = ("n-good", "n-shaky", "n-absent", "n-fraud", "n-new", "n-gone")
JOINS_AT = {"n-new": 90}
"""Minutes after the start, the others join at once."""
LEAVES_AT = {"n-gone": 75}
"""Given up as offline."""
IDLE = range(20, 26)
"""Nobody publishes."""
UNSWEPT = range(40, 43)
"""Our own outage."""
BAD = {
    "n-shaky": (range(10, 14), range(62, 71)),
    "n-gone": (range(72, 75),),
}
"""Down when polled."""
REASONS = {
    "n-shaky": Reason.TOO_SLOW,
    "n-absent": Reason.UNREACHABLE,
    "n-fraud": Reason.WRONG_CONTENT,
}
"""Why checks of these fail."""


@dataclass
class Lived:
    """The network after so many whole hours, with the last of them settled."""

    hours: int
    measured: Store = field(default_factory=MemoryStore)
    money: Store = field(default_factory=MemoryStore)
    balance_micros: int = 90_000_000
    pictures: bool = True
    minutes: int = 5
    """Of the hour that is not over."""

    @property
    def now_s(self) -> float:
        """A moment after the last minute."""
        return START_S + self.hours * 3600 + self.minutes * 60.0

    async def live(self) -> "Lived":
        """Lives through it."""
        measurements, ledger = Measurements(self.measured), Ledger(self.money)
        await measurements.create_stream(STREAM)
        await ledger.open(opening_balance(STREAM, self.balance_micros, CALENDAR), float(START_S))
        for name in NODES:
            await measurements.put_node(_node(name))
        roster = Roster(WHOLE, 1, 1.0, tuple(_slot(name) for name in NODES))
        await measurements.put_roster(roster)
        for minute in range(self.hours * 60 + self.minutes):
            await _minute(measurements, minute, PICTURE if self.pictures else None)
            if minute % 60 == 4:
                await self.settler(START_S + minute * 60.0).settle_due()
        await self.publish(roster)
        return self

    async def publish(self, roster: Roster) -> None:
        """The network's document, as the collector writes it after a sweep."""
        measurements = Measurements(self.measured)
        publisher = NetworkProjector(
            measurements, CALENDAR, lambda: self.now_s, Log("collector", "ERROR")
        )
        (sweep,) = await measurements.latest_sweeps()
        before = await publisher.before(sweep.shard, sweep.tick)
        await publisher.publish(before, sweep, roster, 0.5, rolled=False)

    def settler(self, now_s: float) -> Settler:
        """The payout, at an instant."""
        measurements, ledger, log = (
            Measurements(self.measured),
            Ledger(self.money),
            Log("payout", "ERROR"),
        )
        projector = Projector(measurements, ledger, ProjectionWriter(self.measured), log)
        return Settler(measurements, ledger, CALENDAR, 24, lambda: now_s, log, 100, projector)


_LIVED: dict[tuple[int, int], tuple[MemoryStore, MemoryStore]] = {}


async def lived_through(hours: int, minutes: int = 5) -> Lived:
    """A network that has lived. It lives once: each caller has stores of its own, with copies."""
    if (hours, minutes) not in _LIVED:
        first = MemoryStore(), MemoryStore()
        await Lived(hours, *first, minutes=minutes).live()
        _LIVED[hours, minutes] = first
    measured, money = _LIVED[hours, minutes]
    return Lived(hours, measured.copy(), money.copy(), minutes=minutes)


STREAM = a_stream(
    stream_id=STREAM_ID,
    name=NAME,
    reward_micros_per_hour=1_500_000,
    max_paid_nodes=50,
    created_s=float(START_S),
)


def _node(name: str) -> Node:
    at_s = START_S + 60.0 * JOINS_AT.get(name, 0)
    slot = _slot(name)
    return Node(
        node_id=name,
        stream_id=STREAM_ID,
        stats_url=slot.stats_url,
        rtmp_host=slot.rtmp_host,
        rtmp_port=slot.rtmp_port,
        agent="0.1.0",
        engine="restream",
        state="running",
        joined_s=at_s,
        changed_s=at_s,
    )


def _slot(name: str) -> Slot:
    host = f"203.0.114.{NODES.index(name) + 7}"
    first = START_S // 60
    left = LEAVES_AT.get(name)
    return Slot(
        name,
        STREAM_ID,
        f"http://{host}:8080/stats.json",
        host,
        1935,
        first + JOINS_AT.get(name, 0),
        1.0,
        None if left is None else first + left,
        None if left is None else "offline",
    )


async def _minute(measurements: Measurements, minute: int, picture: str | None) -> None:
    tick, at_s = START_S // 60 + minute, START_S + minute * 60.0
    if minute not in UNSWEPT:
        polls = {
            at: _poll(name, minute) for at, name in enumerate(NODES) if _is_there(name, minute)
        }
        await measurements.create_sweep(Sweep(WHOLE, tick, 1, polls), at_s + 5)
    state = IngestState.DOWN if minute in IDLE else IngestState.LIVE
    checks = tuple(_checks(minute, picture)) if state is IngestState.LIVE else ()
    run = Run(tick, at_s, at_s + 50, (), {STREAM_ID: state}, checks)
    await measurements.record_run(run, at_s + 50)


def _is_there(name: str, minute: int) -> bool:
    return JOINS_AT.get(name, 0) <= minute < LEAVES_AT.get(name, 10**9)


def _poll(name: str, minute: int) -> Poll:
    since = START_S // 60 + max(JOINS_AT.get(name, 0), IDLE.stop)
    due = minute - JOINS_AT.get(name, 0) + 1
    if any(minute in bad for bad in BAD.get(name, ())):
        return Poll(Outcome.DOWN, Reason.RELAY_DOWN, due, due // 2, since_tick=since)
    if minute in IDLE:
        return Poll(Outcome.IDLE, Reason.STREAM_IDLE, due, due, since_tick=since)
    return Poll(Outcome.UP, Reason.OK, due, due - due // 50, viewers=3, since_tick=since)


def _checks(minute: int, picture: str | None) -> Iterator[Check]:
    for at, name in enumerate(NODES):
        drawn = minute % 13 == at and _is_there(name, minute)
        flagged = name in ("n-absent", "n-fraud") and 30 < minute < 45
        if drawn or flagged:
            check = _check(name, minute, is_retest=flagged and not drawn)
            yield check.showing(picture) if picture and check.verdict is Verdict.PASS else check


def _check(name: str, minute: int, *, is_retest: bool) -> Check:
    due_s = START_S + minute * 60 + 7.25
    fails = name in REASONS and (name != "n-shaky" or minute % 4 == 0)
    verdict, reason = Verdict.PASS, Reason.PASSED
    if fails:
        verdict, reason = Verdict.FAIL, REASONS[name]
    elif minute % 17 == 0:
        verdict, reason = Verdict.DEGRADED, Reason.DEGRADED
    attempts = [_attempt(due_s, reason, fails=fails)]
    if verdict is not Verdict.PASS:
        attempts.insert(0, _attempt(due_s, Reason.TOO_SLOW, fails=True))
    caused = START_S + 30 * 60 + 7.25 if is_retest else None
    return Check(
        name, STREAM_ID, START_S // 60 + minute, due_s, verdict, reason, caused, None,
        tuple(attempts),
    )  # fmt: skip


def _attempt(due_s: float, reason: Reason, *, fails: bool) -> dict[str, object]:
    return {
        "started_s": due_s,
        "seconds": 5.017,
        "verdict": "fail" if fails else "pass",
        "reason": reason.value,
        "received": 421,
        "eligible": 409,
        "matched": 211 if fails else 409,
        "byte_ratio": 0.5151 if fails else 1.0,
        "packet_ratio": 0.5159 if fails else 1.0,
        "foreign_ratio": 0.0,
        "keyframes": 2,
        "offset_span_ms": 0,
        "lag_s": None if fails else 0.213,
        "delay_s": 0.051,
        "bytes": 1_113_447,
        "cpu_s": 0.093,
        "address": "203.0.114.7",
    }
