"""What each function does with its stores, from the same beginning every time: for tests that kill
it at every call of a store, or run it twice at once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from agent.client.signing import Bearer
from api.wiring import build_on as build_api
from collector.wiring import build_on as build_collector
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.trust_books import book_ref
from coordinator.adapters.records.webhooks import Webhooks
from coordinator.adapters.scheduling.triggers import Handler
from coordinator.adapters.settings import CollectorSettings, PayoutSettings
from coordinator.adapters.store.protocol import Fields, Ref, StoreError
from coordinator.checking.last_run import LastRun
from coordinator.checking.partitions import UNDIVIDED
from coordinator.checking.trust_book import TRUST_BOOKS, TrustBook
from coordinator.epochs import Calendar
from coordinator.ledger.balances import opening_balance
from coordinator.ledger.webhooks import Webhook
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.polls import Outcome
from payout.wiring import build_on as build_payout
from tests.doubles.crashing import CrashingStore
from tests.doubles.memory import MemoryStore
from tests.settled_epochs import CALENDAR, DEPOSIT, START_S, evidence
from tests.settled_epochs import STREAM as SETTLED
from tests.signing import auth_of
from tests.unit.functions.conftest import (
    ADDRESS,
    INGEST_KEY,
    NODE_KEY,
    NOW_S,
    SPONSOR_KEY,
    STREAM,
    money_store,
    settings,
)
from tests.unit.functions.night import FIRST, Night, Patient

HOOK = "http://203.0.114.9/hook"
PORTS = {"stats_port": 8080, "rtmp_port": 1935, "address": ADDRESS}
PUBLIC_KEY = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"


class JitteringStore(MemoryStore):
    """Lets others go first at every call, as often as chance has it."""

    chance = random.Random(0)

    async def _turn(self) -> None:
        for _ in range(self.chance.randrange(1, 9)):
            await asyncio.sleep(0)
        await super()._turn()


@dataclass
class World:
    """Both databases, and the time."""

    measured: MemoryStore
    money: MemoryStore
    now_s: float = NOW_S
    known: dict[str, str] = field(default_factory=dict)
    """What the beginning found out."""

    def documents(self) -> dict[Ref, Fields]:
        """All but projections: those can be made again, and count how often they were.

        A sweep's `changes` spare a reader the roster, if that was written for this very sweep. What
        is written a minute later is kept a minute longer."""
        passing = ("changes", "expire_at")
        both = {**self.measured._documents, **self.money._documents}
        return {
            ref: {name: value for name, value in fields.items() if name not in passing}
            for ref, fields in both.items()
            if ref.collection != "projections"
        }

    def as_crashing(self) -> "World":
        """The same documents in stores that can die."""
        return self._in(CrashingStore)

    def as_jittering(self, seed: int) -> "World":
        """The same documents in stores whose calls take turns by chance."""
        world = self._in(JitteringStore)
        for store in (world.measured, world.money):
            assert isinstance(store, JitteringStore)
            store.chance = random.Random(seed)
        return world

    def _in(self, kind: type[MemoryStore]) -> "World":
        measured, money = kind.beginning_as(self.measured), kind.beginning_as(self.money)
        return World(measured, money, self.now_s, dict(self.known))


Step = Callable[[World], Awaitable[None]]


async def _nothing(_: World) -> None:
    """The usual way to go on: not at all."""


@dataclass(frozen=True)
class Procedure:
    """A handler's work; each step is a new instance of it."""

    begins: Step
    acts: Step
    """Raises StoreError where it was told that it has to be done again."""
    goes_on: Step = _nothing
    """What comes after it in any case: the next minute's call, say."""
    ends_alike: bool = True
    """Whether its documents are the same in the end however often it died."""


async def begun(procedure: Procedure) -> World:
    """How the world stands before it."""
    world = World(MemoryStore(), money_store())
    await procedure.begins(world)
    return world


async def _calls(world: World, path: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A call of an api that has just started, and what it answers."""
    app = build_api(world.measured, world.money, settings(), lambda: world.now_s)
    transport = httpx.ASGITransport(app=app, client=(ADDRESS, 40_000))
    auth = auth_of(key, lambda: world.now_s) if key == NODE_KEY else Bearer(key)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        answer = await client.post(path, json=body, headers={"Idempotency-Key": "7"}, auth=auth)
    if answer.status_code == 503:
        raise StoreError(answer.text)
    assert answer.status_code < 300, answer.text
    return dict(answer.json()) if answer.content else {}


async def _registered(world: World) -> None:
    answer = await _calls(world, "/streams", STREAM, SPONSOR_KEY)
    world.known |= {"stream": answer["stream_id"], "key": answer["publish_url"].split("=")[1]}


def _of_the_api(path: str, body: Mapping[str, Any], key: str) -> Procedure:
    async def acts(world: World) -> None:
        named = {
            name: value.format(**world.known) if isinstance(value, str) else value
            for name, value in body.items()
        }
        await _calls(world, path.format(**world.known), named, key)

    return Procedure(_registered, acts)


async def _registers(world: World) -> None:
    more = {"ends_at": "2026-12-01T20:00:00Z", "webhook_url": HOOK}
    await _calls(world, "/streams", {**STREAM, **more}, SPONSOR_KEY)


async def _triggered(handler: Handler) -> None:
    app = Starlette(routes=[Route("/", handler, methods=["POST"])])
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://trigger") as client:
        answer = await client.post("/")
    if answer.status_code >= 500:
        raise StoreError(answer.text)


async def _announces(world: World, node_id: str, state: str = "running") -> None:
    """Addresses that must not be called: no poll leaves the process."""
    await Measurements(world.measured).put_node(
        Node(
            node_id=node_id,
            stream_id="s3",
            stats_url="http://127.0.0.1:8080/stats.json",
            rtmp_host="127.0.0.1",
            rtmp_port=1935,
            agent="",
            engine="",
            state="leaving" if state == "leaving" else "running",
            joined_s=world.now_s,
            changed_s=world.now_s,
        )
    )


async def _sweeps(world: World) -> None:
    told = CollectorSettings.from_env({"GOOGLE_CLOUD_PROJECT": "tests", "LOG_LEVEL": "ERROR"})
    await _triggered(build_collector(world.measured, told, lambda: world.now_s))


async def _swept_before(world: World) -> None:
    """A minute before the hour; then one node leaves and another comes."""
    world.now_s = 498_700 * 3600.0 - 60
    await _announces(world, "n2")
    await _announces(world, "n3")
    await _sweeps(world)
    world.now_s += 30
    await _announces(world, "n2", "leaving")
    await _announces(world, "n5")
    world.now_s += 30


async def _next_minute(world: World) -> None:
    world.now_s += 60
    await _sweeps(world)


async def _measured(world: World) -> None:
    world.now_s = START_S + 2 * 3600 + CALENDAR.grace_seconds
    await evidence(world.measured, epochs=2)
    await Ledger(world.money).open(opening_balance(SETTLED, DEPOSIT, Calendar()))


async def _settled_and_untold(world: World) -> None:
    """Everything is settled, and nobody was told; since an hour nobody can be verified either."""
    await _measured(world)
    await _settles(world)
    webhook = Webhook(
        stream_id=SETTLED.stream_id,
        url="http://127.0.0.1/",  # must not be called: no message leaves the process
        secret="whsec_AAAA",
        next_epoch=Calendar().epoch_at(START_S),
        due_s=world.now_s - 1,
    )
    assert await Webhooks(world.money).create(webhook)
    begun_s = int(world.now_s) - 1_200
    known = LastRun(
        1, unverified={webhook.stream_id: begun_s}, undecided={webhook.stream_id: begun_s + 600}
    )
    fields = TRUST_BOOKS.encode(TrustBook(last_run=known))
    await world.measured.put(book_ref(UNDIVIDED), fields)


async def _is_served(world: World) -> None:
    await _registered(world)
    await _calls(world, "/nodes/heartbeat", {"stream_id": world.known["stream"], **PORTS}, NODE_KEY)
    world.now_s += 1  # a node signs no two things in the same second


async def _settles(world: World) -> None:
    told = PayoutSettings.from_env(
        {"GOOGLE_CLOUD_PROJECT": "tests", "GRACE_SECONDS": "120", "LOG_LEVEL": "ERROR"}
    )
    await _triggered(build_payout(world.measured, world.money, told, lambda: world.now_s, None))


async def _night(world: World) -> None:
    await Night(world.measured).is_swept(range(FIRST - 2, FIRST + 9), Outcome.UP)
    world.now_s = FIRST + 1.0
    await _checks(world)
    world.now_s += 1


async def _checks(world: World) -> None:
    """All nodes are due in every draw; one of them serves nothing."""
    night = Night(world.measured)
    prober = night.prober()
    prober.checker = patient = Patient(prober.checker, "", {"n5": Reason.NO_STREAM})
    patient.go_on.set()
    try:
        await night.runs(prober, int(world.now_s))
        await prober.finished()
    finally:
        await prober.references.close()


async def _later_draws(world: World) -> None:
    for _ in range(2):
        world.now_s += 1
        await _checks(world)


PROCEDURES: Mapping[str, Procedure] = {
    "api registers": Procedure(_nothing, _registers),
    "api tops up": _of_the_api("/streams/{stream}/top-ups", {"amount": "7"}, SPONSOR_KEY),
    "api closes": _of_the_api("/streams/{stream}/close", {}, SPONSOR_KEY),
    "api moves a webhook": _of_the_api(
        "/streams/{stream}/webhook", {"webhook_url": f"{HOOK}/new"}, SPONSOR_KEY
    ),
    "api takes a heartbeat": _of_the_api(
        "/nodes/heartbeat", {"stream_id": "{stream}", **PORTS}, NODE_KEY
    ),
    "api hears a goodbye": replace(
        _of_the_api(
            "/nodes/heartbeat", {"stream_id": "{stream}", **PORTS, "state": "leaving"}, NODE_KEY
        ),
        begins=_is_served,
    ),
    "api lets publish": _of_the_api(
        "/ingest/publish",
        {"stream_id": "{stream}", "stream_key": "{key}", "ingest_public_key": PUBLIC_KEY},
        INGEST_KEY,
    ),
    "api hears of media": _of_the_api(
        "/ingest/media",
        {"stream_id": "{stream}", "video": "H264", "audio": "AAC", "key_interval_ms": 2_000},
        INGEST_KEY,
    ),
    "collector sweeps": Procedure(_swept_before, _sweeps, _next_minute),
    "payout settles": Procedure(_measured, _settles),
    "payout tells": Procedure(_settled_and_untold, _settles),
    "prober checks": Procedure(_night, _checks, _later_draws, ends_alike=False),
}
