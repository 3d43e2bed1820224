"""A small network, recorded by the real handlers, whose record is then tampered with.

Heartbeats, registrations and deposits go through the real api; the real collector sweeps, the real
prober draws and records, the real payout settles. Only the outside is simulated: polls are answered
and checks come out as the script below says. A minute lasts five here, so that a day is short.
One module, so that a reader sees how much of it is not real.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import httpx
from fastapi import FastAPI

from agent.client.signing import SignedBy
from agent.node_key import encode_key, node_id_of
from api.wiring import build_on
from bench.simulations.simulated_day import (
    INGEST_URL,
    LivePool,
    PassingChecker,
    Relays,
    a_picture,
)
from collector.sweeper import Sweeper
from coordinator.adapters.log import Log
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.outbound.replies import Failed, Fetched
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.settings import ApiSettings
from coordinator.checking.checks import Check, Control, Verdict
from coordinator.checking.lengths import Length
from coordinator.epochs import Calendar
from coordinator.proof.judging import ProofParameters
from coordinator.reasons import Reason
from coordinator.strangers.addresses import HttpAddress
from payout.settler import Settler
from prober.capacity import Capacity
from prober.captor import captor_of
from prober.draws import Due
from prober.ingest_checks import IngestChecks
from prober.pictures import Pictures
from prober.prober import Prober
from prober.sealer import Sealer
from tests.builders import an_attempt
from tests.doubles.memory import MemoryStore
from tests.sponsors import entered

CALENDAR = Calendar(sweep_seconds=300, check_seconds=300, grace_seconds=420)
MIDNIGHT_S = 1_795_305_600
DAY = date(2026, 11, 22)
HOURS = 24
CHECKS_PER_HOUR = 4
HOLDING_EPOCHS, NETWORK_PERCENT = 5, 20
LOG = Log("tamper", "ERROR")
SPONSOR_KEY = "sponsor-key-of-the-record"
TOP_UPS_S = {MIDNIGHT_S + 8 * 3_600 + 1_700: 7_000_000, MIDNIGHT_S + 15 * 3_600 + 900: 3_000_000}
"""When the sponsor adds how many micro-tokens."""
CLOSES_S = MIDNIGHT_S + 21 * 3_600 + 1_200
CHECK_LASTS_S = 5.017
CUT_AFTER_S = 58.0
RUN_LASTS_S = 280.0
"""From the end of a draw until its last check, a very long one, is over and recorded."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A node of the cast."""

    name: str
    comes_s: int = 0
    """Since midnight."""
    goes_s: int | None = None
    returns_s: int | None = None
    down: range = range(0)
    """Ticks of the day in which nothing answers."""
    fails: int = 0
    """One of so many checks fails; none if 0."""
    replays_from_s: int | None = None

    @property
    def key(self) -> str:
        """Its node key."""
        return encode_key(hashlib.sha256(self.name.encode()).digest())

    @property
    def node_id(self) -> str:
        """As the coordinator calls it."""
        return node_id_of(self.key)

    @property
    def address(self) -> str:
        """A public one, in a network of its own."""
        return f"{20 + CAST.index(self)}.11.13.17"


CAST = (
    Actor("steady"),
    Actor("eager"),
    Actor("shaky", fails=7),
    Actor("absent", down=range(135, 160)),
    Actor("newcomer", comes_s=10 * 3_600 + 480),
    Actor("guest", goes_s=14 * 3_600 + 900, returns_s=17 * 3_600),
    Actor("false", replays_from_s=12 * 3_600),
    Actor("control"),
)
BY_NODE = {member.node_id: member for member in CAST}
CONTROLS = {CAST[-1].node_id: Control.GOOD}


def drawn(*of: object) -> int:
    """A number that looks drawn, the same in every recording."""
    said = "|".join(map(str, of)).encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:4])


class ScriptedRelays(Relays):
    """Relays that answer as the cast says; one poll of ninety fails by our own fault."""

    def __init__(self, clock: "Recording") -> None:
        super().__init__()
        self._clock = clock

    async def get(
        self,
        address: HttpAddress,
        known: Reason | None = None,
        judge: Callable[[str], None] | None = None,
        *,
        at: str | None = None,
    ) -> Fetched | Failed:
        node_id = address.path.split("/")[1]
        tick = int(self._clock.now_s - MIDNIGHT_S) // CALENDAR.sweep_seconds
        if tick in BY_NODE[node_id].down:
            return Failed(Reason.CONNECT_FAILED, "refused", 0.05)
        if drawn("poll", node_id, tick) % 90 == 0:
            return Failed(Reason.UNKNOWN_INTERNAL, "no socket was free", 0.05)
        return await super().get(address, known, judge)


@dataclass
class ScriptedChecker(PassingChecker):
    """Checks come out as the cast says; one of thirty finds no place, one passes only when it is
    repeated."""

    spared: str = ""

    async def check(self, due: Due, draw: int, reference: Reference, ingest: IngestChecks) -> Check:
        member = BY_NODE[due.slot.node_id]
        lot = drawn("check", member.name, draw)
        replays_s = member.replays_from_s
        verdict, reason = Verdict.PASS, Reason.PASSED
        if lot % 30 == 0 and member.node_id not in CONTROLS:
            verdict, reason = Verdict.UNKNOWN, Reason.UNKNOWN_CAPACITY
        elif replays_s is not None and due.due_s >= MIDNIGHT_S + replays_s:
            verdict, reason = Verdict.FAIL, Reason.REPLAYED
        elif member.fails and lot % member.fails == 0 and member.name != self.spared:
            verdict, reason = Verdict.FAIL, Reason.TOO_SLOW
        elif lot % 31 == 1:
            is_cut = due.length is Length.VERY_LONG
            verdict, reason = Verdict.DEGRADED, Reason.CUT if is_cut else Reason.DEGRADED
        return Check(
            node_id=member.node_id,
            stream_id=due.slot.stream_id,
            draw=draw,
            due_s=due.due_s,
            verdict=verdict,
            reason=reason,
            caused_by_s=due.caused_by_s,
            attempts=_attempts(due, member.address, verdict, reason),
            length=due.length,
            is_watched=due.is_watched,
        )


def _attempts(
    due: Due, address: str, verdict: Verdict, reason: Reason
) -> tuple[dict[str, object], ...]:
    """A failure is repeated once before it counts."""
    if verdict is Verdict.UNKNOWN:
        return ()
    seconds = due.length.at_least_s + CHECK_LASTS_S
    is_degraded = verdict is Verdict.DEGRADED
    reasons = (Reason.TOO_SLOW, Reason.PASSED) if is_degraded else (reason, reason)
    first, again = (
        an_attempt(due.due_s + at * seconds, each, seconds=seconds, address=address)
        for at, each in enumerate(reasons)
    )
    if reason is Reason.CUT:
        first["lasted_s"] = CUT_AFTER_S
    return (first,) if verdict is Verdict.PASS else (first, again)


@dataclass
class Recording:
    """The network while it lives. `before` has the tokens as they were before each settlement."""

    measured: MemoryStore = field(default_factory=MemoryStore)
    money: MemoryStore = field(default_factory=lambda: MemoryStore(entered(ada=SPONSOR_KEY)))
    now_s: float = MIDNIGHT_S - 86_400.0
    before: dict[int, MemoryStore] = field(default_factory=dict)
    stream_ids: list[str] = field(default_factory=list)
    spared: str = ""
    """A member whose failures never happen: the record of a coordinator that rewrote everything."""

    def clock(self) -> float:
        """What every handler takes for now."""
        return self.now_s

    async def live(self) -> None:
        """A day, and as much of the next one as opens the secret and settles the last hour."""
        sweeper = Sweeper(
            Measurements(self.measured), ScriptedRelays(self), CALENDAR, self.clock, LOG
        )
        prober = prober_of(self)
        self.now_s += 7
        await prober.sealer.lottery(self.now_s, date(2026, 11, 21))  # the lottery ran before
        self.now_s = MIDNIGHT_S
        await self._register()
        ticks = HOURS * 3_600 // CALENDAR.sweep_seconds + 16
        for tick in range(ticks):
            start_s = float(MIDNIGHT_S + tick * CALENDAR.sweep_seconds)
            self.now_s = start_s + 3
            await self._come_and_go(start_s)
            await sweeper.sweep(0)
            await prober.run()
            self.now_s = start_s + CALENDAR.sweep_seconds - 1
            await self._spend(start_s)
            await self.settle()

    async def settle(self) -> None:
        """The payout's call; what it finds is kept before an epoch is settled."""
        due = CALENDAR.epoch_at(self.now_s - CALENDAR.grace_seconds) - 1
        if due not in self.before and due >= CALENDAR.epoch_at(MIDNIGHT_S):
            self.before[due] = self.money.copy()
        await settler_of(self.measured, self.money, self.now_s, {}).settle_due()

    async def _register(self) -> None:
        for name, rate, balance in (("main", "6", "700"), ("side", "3.3", "1000")):
            body = {"name": name, "token_balance": balance, "reward_per_node_hour": rate}
            answer = await self._sponsor("/streams", name, {**body, "max_paid_nodes": 5})
            self.stream_ids.append(answer["stream_id"])

    async def _come_and_go(self, start_s: float) -> None:
        for member in CAST:
            stream_id = self.stream_ids[member.name == "eager"]
            for state, when_s in (
                ("running", member.comes_s),
                ("leaving", member.goes_s),
                ("running", member.returns_s),
            ):
                if when_s is not None and 0 <= start_s - MIDNIGHT_S - when_s + 299 < 300:
                    await self._beat(member, stream_id, state)

    async def _spend(self, start_s: float) -> None:
        """What the sponsor does in these minutes."""
        for at_s, micros in TOP_UPS_S.items():
            if start_s <= at_s < start_s + CALENDAR.sweep_seconds:
                path = f"/streams/{self.stream_ids[0]}/top-ups"
                await self._sponsor(path, str(at_s), {"amount": str(micros // 10**6)})
        if start_s <= CLOSES_S < start_s + CALENDAR.sweep_seconds:
            await self._sponsor(f"/streams/{self.stream_ids[1]}/close", "close", None)

    async def _beat(self, member: Actor, stream_id: str, state: str) -> None:
        body = {
            "stream_id": stream_id,
            "stats_url": f"http://{member.address}:8080/{member.node_id}/{stream_id}",
            "rtmp_port": 1935,
            "state": state,
        }
        transport = httpx.ASGITransport(app=self.api(), client=(member.address, 40_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            auth = SignedBy(member.key, lambda: self.now_s)
            answer = await client.post("/nodes/heartbeat", json=body, auth=auth)
            answer.raise_for_status()

    async def _sponsor(self, path: str, key: str, body: object) -> dict[str, str]:
        transport = httpx.ASGITransport(app=self.api())
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            headers = {"Authorization": f"Bearer {SPONSOR_KEY}", "Idempotency-Key": key}
            answer = await client.post(path, json=body, headers=headers)
            answer.raise_for_status()
            return dict(answer.json())

    def api(self) -> FastAPI:
        """The api on these stores."""
        return api_of(self.measured, self.money, self.now_s)


def api_of(measured: MemoryStore, money: MemoryStore, now_s: float) -> FastAPI:
    """The real api, whose clock stands still."""
    return build_on(measured, money, _SETTINGS, lambda: now_s)


def settler_of(
    measured: MemoryStore, money: MemoryStore, now_s: float, changed: Mapping[str, int]
) -> Settler:
    """The payout, at an instant, with settings that are `changed`."""
    grace_s = changed.get("grace_seconds", CALENDAR.grace_seconds)
    return Settler(
        Measurements(measured),
        Ledger(money),
        replace(CALENDAR, grace_seconds=grace_s),
        changed.get("holding_epochs", HOLDING_EPOCHS),
        lambda: now_s,
        LOG,
        changed.get("network_percent", NETWORK_PERCENT),
    )


def prober_of(recording: Recording) -> Prober:
    """The prober, whose runs end when their draw is over and their last check is."""

    async def sleep(seconds: float) -> None:
        recording.now_s += seconds + RUN_LASTS_S

    clock, measurements = recording.clock, Measurements(recording.measured)
    checker = ScriptedChecker(
        captor_of(clock),
        HttpClient(Guard(allow_private=False)),
        ProofParameters(),
        clock,
        sleep,
        LOG,
        Capacity(1e6),
        spared=recording.spared,
    )
    sealer = Sealer(measurements, "k" * 32, CALENDAR.check_seconds, CHECKS_PER_HOUR, CONTROLS)
    return Prober(
        measurements,
        LivePool(now=clock),
        checker,
        sealer,
        CALENDAR,
        INGEST_URL,
        Pictures(measurements, a_picture, clock, LOG),
        clock,
        sleep,
        LOG,
    )


def _environment() -> Mapping[str, str]:
    return {
        "GOOGLE_CLOUD_PROJECT": "tamper",
        "SWEEP_SECONDS": str(CALENDAR.sweep_seconds),
        "CHECK_SECONDS": str(CALENDAR.check_seconds),
        "GRACE_SECONDS": str(CALENDAR.grace_seconds),
        "REQUESTS_PER_SECOND": "100000",
        "INGEST_URL": "rtmp://203.0.113.5:1935/live",
        "INGEST_KEY_HASH": "0" * 64,
    }


_SETTINGS = ApiSettings.from_env(_environment())
