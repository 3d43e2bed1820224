"""What heartbeats cost, and what becomes of nodes that the roster lost."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import httpx
import pytest

from api.wiring import build_on
from collector.sweeping import announced
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.records import Measurements
from coordinator.polling.polls import Poll, judge
from coordinator.polling.rosters import Roster
from coordinator.polling.shards import WHOLE
from coordinator.polling.sweeps import Sweep
from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore
from tests.unit.functions.conftest import NOW_S, SPONSOR_KEY, STREAM, bearer, settings
from tests.unit.functions.declared import declared_only
from tests.unit.functions.test_api_nodes import NODE_ID, NODE_KEY

TICK = int(NOW_S // 60)


async def _nowhere(host: str) -> Sequence[str]:
    raise OSError(f"{host} has no address")


class _World:
    """An api whose store counts, and one node that beats."""

    def __init__(self, store: MemoryStore, *, calls_back: bool = False) -> None:
        self.now_s = NOW_S
        self.store = CountingStore(store)
        self.measurements = Measurements(store)
        guard = Guard(allow_private=False, resolve=_nowhere) if calls_back else None
        self.app = build_on(self.store, MemoryStore(), settings(), lambda: self.now_s, guard)
        transport = httpx.ASGITransport(app=self.app, client=("203.0.114.7", 40_000))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://api.example")
        self.client.event_hooks = {"response": [declared_only(self.app)]}
        self.stream_id = ""
        self.lease: str | None = None
        self.roster = Roster(WHOLE, 1, 0.0)
        self.polls: dict[int, Poll] = {}

    async def beat(self, **more: object) -> dict[str, object]:
        """One heartbeat, its lease echoed."""
        body = {"stream_id": self.stream_id, "stats_port": 8080, "rtmp_port": 1935, **more}
        if self.lease:
            body["lease"] = self.lease
        answer = await self.client.post("/nodes/heartbeat", json=body, headers=bearer(NODE_KEY))
        assert answer.status_code == 200, answer.text
        self.lease = answer.json()["lease"]
        return dict(answer.json())

    async def sweep(self, answer: RelayStats | Reason) -> None:
        """What the collector leaves after a minute."""
        self.now_s += 60
        tick = int(self.now_s // 60)
        changed = await self.measurements.changed_nodes(0.0)
        lost = Sweep(WHOLE, tick, 1, self.polls).lost()
        lost = [at for at in lost if self.roster.slots[at].left_tick is None]
        self.roster = self.roster.without(lost, tick).taking_in(announced(changed), tick)
        await self.measurements.put_roster(self.roster)
        self.polls = {
            at: judge(slot, answer, self.polls.get(at), stream_is_live=True, tick=tick)
            for at, slot in enumerate(self.roster.slots)
            if slot.is_polled_at(tick)
        }
        await self.measurements.create_sweep(Sweep(WHOLE, tick, 1, self.polls), self.now_s)

    def cost(self) -> tuple[int, int]:
        """(reads, writes) of the measurement database since it was last asked."""
        operations = self.store.operations
        cost = (operations.reads, operations.writes)
        operations.reads = operations.writes = 0
        return cost


Make = Callable[..., Awaitable[_World]]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes worlds with a registered stream, and closes them."""
    worlds = []

    async def world(**more: bool) -> _World:
        made = _World(MemoryStore(), **more)
        worlds.append(made)
        stream = await made.client.post("/streams", json=STREAM, headers=bearer(SPONSOR_KEY))
        made.stream_id = stream.json()["stream_id"]
        return made

    yield world
    for made in worlds:
        await made.client.aclose()


NAMED = {"stats_url": "http://relay.example.org:8080/stats.json", "stats_port": None}
LIVE = RelayStats(Media.LIVE, 3, 7, 11, NODE_ID)


async def test_a_heartbeat_that_says_nothing_new_costs_nothing(make: Make) -> None:
    """No read and no write while the snapshot is fresh, for as long as the lease is renewed."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    for _ in range(40):
        await world.client.get("/healthz")  # whatever a snapshot costs is not the heartbeat's
        world.cost()
        await world.beat()
        assert world.cost() == (0, 0)
        world.now_s += 30


async def test_a_heartbeat_without_its_lease_costs_one_read(make: Make) -> None:
    """An agent that does not echo it, or echoes one that has expired."""
    world = await make()
    await world.beat()
    world.lease = None
    await world.client.get("/healthz")
    world.cost()
    await world.beat()
    assert world.cost() == (1, 0)
    world.now_s += 3_600
    await world.client.get("/healthz")
    world.cost()
    await world.beat()
    reads, writes = world.cost()
    assert (reads, writes) == (1, 1)  # and no roster has shown it for an hour: it is written again


async def test_the_short_way_gives_the_same_answer(make: Make) -> None:
    """With a lease the routes are not asked; what a node is told is the same."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    world.now_s += 400  # past half of a lease's life, so that both answers hold a new one
    by_lease = await world.beat()
    world.lease = None
    assert await world.beat() == by_lease
    assert by_lease["status"] == "healthy"
    world.app.router.routes.clear()
    assert await world.beat() == by_lease
    answer = await world.client.get("/streams")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"rtmp_port": "1935"}, 422),
        ({"state": "sleeping"}, 422),
        ({"stats_port": 22}, 422),
        ({"stream_id": "s404"}, 404),
        ({"unknown": 1}, 422),
    ],
)
async def test_a_lease_excuses_nothing(make: Make, change: dict[str, object], status: int) -> None:
    """What is wrong is refused as without one."""
    world = await make()
    await world.beat()
    body = {"stream_id": world.stream_id, "stats_port": 8080, "rtmp_port": 1935}
    answers = [
        await world.client.post(
            "/nodes/heartbeat", json={**body, **lease, **change}, headers=bearer(NODE_KEY)
        )
        for lease in ({}, {"lease": world.lease})
    ]
    assert [answer.status_code for answer in answers] == [status, status]
    assert answers[0].text == answers[1].text


async def test_a_lease_is_no_way_around_the_limits(make: Make) -> None:
    """So many at once and no more, counted once each; and only JSON, and only so much of it."""
    world = await make()
    await world.beat()
    body = {"stream_id": world.stream_id, "stats_port": 8080, "rtmp_port": 1935}
    body["lease"] = world.lease
    wrong = {**bearer(NODE_KEY), "Content-Type": "text/plain"}
    text = json.dumps(body)
    answer = await world.client.post("/nodes/heartbeat", content=text, headers=wrong)
    assert answer.status_code == 415
    right = {**bearer(NODE_KEY), "Content-Type": "application/json"}
    long = text + " " * 70_000
    answer = await world.client.post("/nodes/heartbeat", content=long, headers=right)
    assert answer.status_code == 413
    statuses = []
    for _ in range(120):
        answer = await world.client.post("/nodes/heartbeat", content=text, headers=right)
        statuses.append(answer.status_code)
    taken = statuses.count(200)
    assert statuses == [200] * taken + [429] * (120 - taken)
    assert 95 <= taken <= 100
    assert answer.json()["type"] == "/problems/too-many-requests"
    assert answer.headers["x-request-id"]


async def test_a_lease_is_no_answer_while_the_database_is_away(make: Make) -> None:
    """503 as on every route: what a node would be told is not known."""
    world = await make()
    await world.beat()
    world.now_s += 60
    await world.store.close()
    body = {"stream_id": world.stream_id, "stats_port": 8080, "rtmp_port": 1935}
    body["lease"] = world.lease
    answer = await world.client.post("/nodes/heartbeat", json=body, headers=bearer(NODE_KEY))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")


async def test_what_is_new_is_written_whatever_the_lease_says(make: Make) -> None:
    """A lease is for what was said, not for the node."""
    world = await make()
    await world.beat()
    await world.beat(rtmp_port=1936)
    node = await world.measurements.node(NODE_ID)
    assert node is not None
    assert node.rtmp_port == 1936


async def test_silence_is_offline_within_three_minutes(make: Make) -> None:
    """Counted from the last poll that was answered, and the dashboard says so."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    answered_s = world.now_s
    await world.sweep(Reason.CONNECT_FAILED)
    await world.sweep(Reason.CONNECT_FAILED)
    world.now_s += 25
    assert world.now_s - answered_s < 180
    node = (await world.client.get(f"/nodes/{NODE_ID}")).json()
    assert (node["status"], node["reason"]) == ("offline", "offline")
    assert "offline" in (await world.client.get("/")).text


async def test_a_node_that_beats_is_told_what_keeps_polls_from_it(make: Make) -> None:
    """It is there, so it is not told that it is offline."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    await world.sweep(Reason.CONNECT_FAILED)
    await world.sweep(Reason.CONNECT_FAILED)
    world.now_s += 25
    said = await world.beat()
    assert (said["status"], said["reason"]) == ("unhealthy", "connect_failed")


async def test_a_node_that_cannot_be_reached_does_not_come_back_to_be_polled(make: Make) -> None:
    """It is told why, again and again, at no write."""
    world = await make(calls_back=True)
    said = await world.beat(**NAMED)
    assert (said["status"], said["reason"]) == ("pending", "name_unresolved")
    for _ in range(4):
        await world.sweep(Reason.NAME_UNRESOLVED)
    assert world.roster.slots[0].left_reason == "offline"
    world.now_s += 25
    await world.client.get("/healthz")
    world.cost()
    for _ in range(3):
        world.now_s += 30
        said = await world.beat(**NAMED)
        assert (said["status"], said["reason"]) == ("pending", "name_unresolved")
    assert world.cost()[1] == 0


async def test_a_node_may_ask_to_be_called_back(make: Make) -> None:
    """Seldom, with its key; without one, not at all."""
    world = await make(calls_back=True)
    body = {"stats_url": NAMED["stats_url"], "rtmp_port": 1935}
    answer = await world.client.post("/nodes/dial-back", json=body, headers=bearer(NODE_KEY))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["address"] == "203.0.114.7"
    assert (told["stats"]["open"], told["rtmp"]["open"]) == (False, False)
    assert told["stats"]["says"]
    again = await world.client.post("/nodes/dial-back", json=body, headers=bearer(NODE_KEY))
    assert (again.status_code, again.json()["type"]) == (429, "/problems/too-many-requests")
    nobody = await world.client.post("/nodes/dial-back", json=body)
    assert nobody.status_code == 401
