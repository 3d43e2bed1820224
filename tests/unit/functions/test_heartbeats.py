"""What heartbeats cost, and what becomes of nodes that the roster lost."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

import httpx
import pytest

from api.services.dial_back import REMEMBERED_S
from api.wire.common import timestamp
from collector.sweeper import announced
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.identities import SeenNode
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.materialiser import Materialiser
from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.checking.last_run import UNVERIFIED_SAYS
from coordinator.epochs import Calendar
from coordinator.ledger.balances import BALANCES
from coordinator.projections.network_document import bare_document
from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats
from coordinator.strangers.source_bounds import CALL_BACKS, Side
from coordinator.sweeping.polls import Poll, outcome_of
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore
from tests.signing import auth_of, key_of
from tests.unit.functions.conftest import (
    ADDRESS,
    NODE_ID,
    NODE_KEY,
    NOW_S,
    SPONSOR_KEY,
    STREAM,
    bearer,
    money_store,
    settings,
)
from tests.unit.functions.declared import declared_only
from tests.unit.functions.own_api import own_api

TICK = int(NOW_S // 60)
PLACE = {"stats_port": 8080, "rtmp_port": 1935, "address": ADDRESS}


async def _nowhere(host: str) -> Sequence[str]:
    raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")


class _World:
    """An api whose store counts, and one node that beats."""

    def __init__(self, store: MemoryStore, *, calls_back: bool = False) -> None:
        self.now_s = NOW_S
        self.store = CountingStore(store)
        self.measurements = Measurements(store)
        self.money = money_store()
        guard = Guard(allow_private=False, resolve=_nowhere) if calls_back else None
        self.app = own_api(self.store, self.money, settings(), lambda: self.now_s, guard)
        transport = httpx.ASGITransport(app=self.app, client=(ADDRESS, 40_000))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://api.example")
        self.client.event_hooks = {"response": [declared_only(self.app.routes)]}
        self.signed = auth_of(NODE_KEY, lambda: self.now_s)
        self.stream_id, self.address = "", ADDRESS
        self.repeats = False
        self.roster = Roster(WHOLE, 1, 0.0)
        self.polls: dict[int, Poll] = {}

    async def beat(self, **more: object) -> dict[str, object]:
        """One heartbeat; it says so if it repeats the one before."""
        place = {**PLACE, "address": self.address, "repeats": self.repeats}
        body = {"stream_id": self.stream_id, **place, **more}
        answer = await self.client.post("/nodes/heartbeat", json=body, auth=self.signed)
        assert answer.status_code == 200, answer.text
        self.repeats = True
        return dict(answer.json())

    async def sweep(self, answer: RelayStats | Reason) -> None:
        """What the collector leaves after a minute."""
        self.now_s += 60
        tick = int(self.now_s // 60)
        changed = await self.measurements.changed_nodes(0.0)
        lost = Sweep(WHOLE, tick, 1, self.polls).lost()
        lost = [at for at in lost if self.roster.slots[at].left_tick is None]
        ours = announced(changed, Calendar())
        why = {at: poll.reason for at, poll in self.polls.items()}
        self.roster = self.roster.without(lost, tick, why).taking_in(ours, tick)
        await self.measurements.put_roster(self.roster)
        self.polls = {
            at: outcome_of(slot, answer, self.polls.get(at), stream_is_live=True, tick=tick)
            for at, slot in enumerate(self.roster.slots)
            if slot.is_polled_at(tick)
        }
        await self.measurements.create_sweep(Sweep(WHOLE, tick, 1, self.polls), self.now_s)

    def moves_to(self, address: str) -> None:
        """Its requests come from there now, as from a line whose address changes daily, and it
        signs that."""
        self.address = address
        transport = httpx.ASGITransport(app=self.app, client=(address, 40_000))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://api.example")

    async def hint(self) -> Reason | None:
        """What the next sweep's poll will say that it knows."""
        (sweep,) = await self.measurements.latest_sweeps()
        page = bare_document(self.roster, sweep, await self.measurements.trust())
        return page.told_reasons().get(NODE_ID)

    async def is_checked(self, reason: Reason) -> None:
        """What the prober leaves of a check."""
        draw = int(self.now_s // 60)
        verdict = Verdict.PASS if reason is Reason.PASSED else Verdict.FAIL
        check = Check(NODE_ID, self.stream_id, draw, self.now_s, verdict, reason)
        run = Run(draw, self.now_s, self.now_s, (), {}, (check,))
        await self.measurements.record_run(run, self.now_s)

    async def is_undecided(self) -> None:
        """The prober could not tell the stream from others."""
        draw, reason = int(self.now_s // 60), Reason.UNKNOWN_REFERENCE
        check = Check(NODE_ID, self.stream_id, draw, self.now_s, Verdict.UNKNOWN, reason)
        run = Run(draw, self.now_s, self.now_s, (), {self.stream_id: IngestState.LIVE}, (check,))
        await self.measurements.record_run(run, self.now_s)

    async def cost_of_beating(self, **more: object) -> tuple[int, int]:
        """(reads, writes) of one heartbeat; whatever a snapshot costs is not the heartbeat's."""
        await self.client.get("/healthz")
        self.cost()
        await self.beat(**more)
        return self.cost()

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

    async def world(*, calls_back: bool = False, **more: str) -> _World:
        made = _World(MemoryStore(), calls_back=calls_back)
        worlds.append(made)
        asked = {**STREAM, **more}
        stream = await made.client.post("/streams", json=asked, headers=bearer(SPONSOR_KEY))
        made.stream_id = stream.json()["stream_id"]
        return made

    yield world
    for made in worlds:
        await made.client.aclose()


NAMED = {"stats_url": "http://relay.example.org:8080/stats.json", "stats_port": None}
LIVE = RelayStats(Media.LIVE, 3, 7, 11, NODE_ID)


async def test_a_heartbeat_that_repeats_what_the_roster_shows_costs_nothing(make: Make) -> None:
    """No read and no write while the snapshot is fresh."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    for _ in range(40):
        assert await world.cost_of_beating() == (0, 0)
        world.now_s += 30


async def test_a_stream_on_which_nobody_can_be_verified_is_told_to_sponsor_and_node(
    make: Make,
) -> None:
    """On its page, as JSON and in a heartbeat's answer; until a check passes."""
    world = await make()
    await world.beat()
    begun_s = int(world.now_s) + 60
    for minute in range(11):
        await world.sweep(LIVE)
        await world.is_undecided()
        told = (await world.beat())["stream_unverified_since"]
        assert told == (None if minute < 10 else timestamp(begun_s))
    stream = await world.client.get(f"/streams/{world.stream_id}")
    assert stream.json()["unverified_since"] == told
    page = await world.client.get(f"/s/{world.stream_id}")
    assert f"Nobody can be verified, since {told}. {UNVERIFIED_SAYS}" in page.text
    await world.sweep(LIVE)
    await world.is_checked(Reason.PASSED)
    assert (await world.beat())["stream_unverified_since"] is None
    assert "Nobody can be verified" not in (await world.client.get(f"/s/{world.stream_id}")).text


async def test_any_other_heartbeat_costs_one_read(make: Make) -> None:
    """The first of a process, and each until the roster has taken the node in."""
    world = await make()
    await world.beat()
    assert await world.cost_of_beating() == (1, 0)
    await world.sweep(LIVE)
    world.repeats = False
    assert await world.cost_of_beating() == (1, 0)
    assert await world.cost_of_beating() == (0, 0)


async def test_a_node_that_doubts_the_ingest_s_key_has_it_looked_up(make: Make) -> None:
    """For one read: another instance of the api may have written it a moment ago."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    await world.measurements.sign_stream(world.stream_id, "A" * 43)
    told = (
        (await world.beat())["ingest_public_key"],
        (await world.beat(doubts_ingest_key=True))["ingest_public_key"],
    )
    assert told == (None, "A" * 43)
    assert await world.cost_of_beating(doubts_ingest_key=True) == (1, 0)


async def test_a_node_that_no_roster_shows_for_long_is_written_again(make: Make) -> None:
    """Its document may have been read while a roster was full."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    await world.measurements.put_roster(Roster(WHOLE, 1, 0.0))
    await world.measurements.create_sweep(Sweep(WHOLE, TICK + 2, 1, {}), world.now_s)
    world.now_s += 590 - 60
    assert await world.cost_of_beating() == (1, 0)
    world.now_s += 3_600
    assert await world.cost_of_beating() == (1, 1)


async def test_who_comes_back_before_the_next_sweep_is_taken_in_at_once(make: Make) -> None:
    """Its slot still looks as if it had never left: a new process does not claim to repeat."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    await world.beat(state="leaving")
    world.now_s += 7
    world.repeats = False
    assert await world.cost_of_beating() == (1, 1)
    node = await world.measurements.node(NODE_ID)
    assert node is not None
    assert (node.state, node.joined_s, node.changed_s) == ("running", NOW_S, world.now_s)
    await world.sweep(LIVE)
    assert world.roster.slots[-1].is_polled_at(int(world.now_s // 60))


async def test_a_goodbye_is_written_once(make: Make) -> None:
    """Whatever it claims to repeat."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    assert await world.cost_of_beating(state="leaving") == (1, 1)
    assert await world.cost_of_beating(state="leaving") == (1, 0)
    await world.sweep(LIVE)
    assert world.roster.slots[0].left_reason == "left"


async def test_what_is_new_is_written_whatever_it_claims(make: Make) -> None:
    """The claim is held against the roster."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    assert await world.cost_of_beating(rtmp_port=1936) == (1, 1)


async def test_a_node_whose_address_changed_is_followed(make: Make) -> None:
    """Once a sweep has missed it where it was: until then another machine may run with its key."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    world.moves_to("203.0.114.77")
    assert await world.cost_of_beating() == (1, 0)
    await world.sweep(Reason.CONNECT_FAILED)
    assert await world.cost_of_beating() == (1, 1)
    node = await world.measurements.node(NODE_ID)
    assert node is not None
    assert (node.rtmp_host, node.joined_s) == ("203.0.114.77", NOW_S)


async def test_a_node_that_the_roster_lost_comes_back(make: Make) -> None:
    """Although it goes on saying the same."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    for answer in [Reason.CONNECT_FAILED] * 4:
        await world.sweep(answer)
    assert world.roster.slots[0].left_reason == "offline"
    world.now_s += 30
    assert await world.cost_of_beating() == (1, 1)
    await world.sweep(LIVE)
    assert world.roster.slots[-1].left_tick is None


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"rtmp_port": "1935"}, 422),
        ({"state": "sleeping"}, 422),
        ({"stats_port": 22}, 422),
        ({"stream_id": "s404"}, 404),
        ({"unknown": 1}, 422),
        ({"repeats": "yes"}, 422),
    ],
)
async def test_a_repetition_excuses_nothing(
    make: Make, change: dict[str, object], status: int
) -> None:
    """What is wrong is refused."""
    world = await make()
    await world.beat()
    body = {"stream_id": world.stream_id, **PLACE, "repeats": True}
    answer = await world.client.post("/nodes/heartbeat", json={**body, **change}, auth=world.signed)
    assert answer.status_code == status


async def test_a_repetition_is_not_answered_while_the_database_is_away(make: Make) -> None:
    """503 as on every route: what a node would be told is not known."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    world.now_s += 60
    await world.store.close()
    body = {"stream_id": world.stream_id, **PLACE, "repeats": True}
    answer = await world.client.post("/nodes/heartbeat", json=body, auth=world.signed)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")


async def test_a_node_that_is_well_is_asked_to_call_seldom(make: Make) -> None:
    """And often from its first beat until a check has passed, and again when one failed."""
    world = await make()
    paces = [(await world.beat())["next_heartbeat_seconds"]]
    for reason in (None, Reason.PASSED, Reason.NO_STREAM):
        if reason:
            await world.is_checked(reason)
        await world.sweep(LIVE)
        world.now_s += 25
        said = await world.beat()
        paces.append(said["next_heartbeat_seconds"])
    assert paces == [30, 30, 300, 30]
    assert said["polled_every_seconds"] == 60


async def test_a_poll_hints_at_exactly_what_a_heartbeat_is_told(make: Make) -> None:
    """Whatever happens to the node: else it would call in vain, again and again."""
    world = await make()
    await world.beat()
    told = []
    live = [RelayStats(Media.LIVE, 3, sent, 11, NODE_ID) for sent in range(20)]
    down = RelayStats(Media.RELAY_DOWN, 0, 7, 11, NODE_ID)
    happens: list[tuple[Reason | None, RelayStats | Reason]] = [
        (None, live[0]),
        (Reason.PASSED, live[1]),
        (Reason.NO_STREAM, live[2]),
        (None, down),
        (Reason.PASSED, RelayStats(Media.LIVE, 3, 7, 11, "n-somebody-else")),
        (None, Reason.UNKNOWN_INTERNAL),
        (None, Reason.STATS_TIMEOUT),
        (None, Reason.STATS_TIMEOUT),  # shown as offline, and still polled
        (None, live[8]),
        *((Reason.NO_STREAM, moving) for moving in live[9:]),
    ]
    for check, poll in happens:
        if check:
            await world.is_checked(check)
        await world.sweep(poll)
        world.now_s += 25
        told.append(str((await world.beat())["reason"]))
        assert await world.hint() == told[-1]
    assert told[:4] == ["unproven", "ok", "check_failed", "relay_down"]
    assert told[4:9] == ["wrong_node", "unknown:internal", *["stats_timeout"] * 2, "ok"]
    assert {"check_failed", "suspected", "suspended"} <= set(told[9:])


async def test_a_node_calls_when_its_stream_may_have_ended(make: Make) -> None:
    """Not minutes later: it may choose another."""
    world = await make(token_balance="0.12")
    await world.beat()
    await world.is_checked(Reason.PASSED)
    await world.sweep(LIVE)
    world.now_s += 25
    said = await world.beat()
    assert said["next_heartbeat_seconds"] == said["balance_lasts_seconds"]
    assert said["balance_lasts_seconds"] in range(31, 299)


async def _well(world: _World) -> None:
    await world.beat()
    await world.is_checked(Reason.PASSED)
    await world.sweep(LIVE)
    world.now_s += 25
    assert (await world.beat())["next_heartbeat_seconds"] == 300


async def test_a_node_that_is_well_calls_when_its_closing_stream_ends(make: Make) -> None:
    """No poll tells that. It is fixed an epoch before, so who calls each 300 s knows in time."""
    world = await make()
    await _well(world)
    closed = await world.client.post(
        f"/streams/{world.stream_id}/close", headers=bearer(SPONSOR_KEY)
    )
    ends_s = datetime.fromisoformat(closed.json()["ends_at"]).timestamp()
    assert ends_s - world.now_s > 3_600
    live = RelayStats(Media.LIVE, 3, 19, 11, NODE_ID)
    world.now_s = ends_s - 160
    await world.sweep(live)
    world.now_s += 25.5
    said = await world.beat()
    assert (said["stream_status"], said["next_heartbeat_seconds"]) == ("active", 75)
    world.now_s += 75
    assert (await world.beat())["stream_status"] == "closed"


async def test_a_node_that_is_well_calls_when_its_streams_tokens_end(make: Make) -> None:
    """That instant is told by the statement before. Then it calls each 30 s, and hears of more."""
    world = await make()
    await _well(world)
    (fields,) = await world.money.get(Ref("balances", world.stream_id))
    assert fields is not None
    balance = BALANCES.decode(fields)
    short = balance.model_copy(update={"used_up_s": int(world.now_s) + 375})
    await world.money.put(Ref("balances", world.stream_id), BALANCES.encode(short))
    payout = Materialiser(world.measurements, Ledger(world.money), lambda: world.now_s)
    await payout.refresh([world.stream_id])
    world.now_s += 240  # as old as what is known of tokens may be
    await world.sweep(RelayStats(Media.LIVE, 3, 19, 11, NODE_ID))
    said = await world.beat()
    assert (said["stream_status"], said["next_heartbeat_seconds"]) == ("active", 75)
    world.now_s += 75
    said = await world.beat()
    assert (said["stream_status"], said["next_heartbeat_seconds"]) == ("exhausted", 30)


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


@pytest.mark.parametrize("reason", [Reason.NETWORK_FULL, Reason.TARGET_CROWDED])
async def test_a_node_that_was_turned_away_where_its_name_leads_is_told_so(
    make: Make, reason: Reason
) -> None:
    """Also once it is polled no more: "wait for the next sweep" were not true."""
    world = await make()
    await world.beat(**NAMED)
    for _ in range(4):
        await world.sweep(reason)
    world.now_s += 25
    said = await world.beat(**NAMED)
    assert (said["status"], said["reason"], said["fix"]) == ("pending", reason.value, reason.fix)
    assert await world.hint() == reason
    page = (await world.client.get(f"/nodes/{NODE_ID}")).json()
    assert (page["status"], page["reason"]) == ("offline", reason.value)


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
    for _ in range(20):
        world.now_s += 30
        said = await world.beat(**NAMED)  # more often than it may be called back
        assert (said["status"], said["reason"]) == ("pending", "name_unresolved")
    assert world.cost()[1] == 0


async def test_a_lost_node_that_cannot_be_called_just_now_comes_back(make: Make) -> None:
    """Its neighbours have used up what their address may ask for; nothing is held against it."""
    world = await make(calls_back=True)
    await world.beat(**NAMED)
    for _ in range(4):
        await world.sweep(Reason.NAME_UNRESOLVED)
    world.now_s += REMEMBERED_S
    asked = {"stats_url": NAMED["stats_url"], "rtmp_port": 1935}
    for number in range(1, CALL_BACKS[Side.ADDRESS].burst + 1):
        neighbour = auth_of(key_of(number), lambda: world.now_s)
        await world.client.post("/nodes/dial-back", json=asked, auth=neighbour)
    await world.client.get("/healthz")
    assert (await world.cost_of_beating(**NAMED))[1] == 1


async def test_it_is_known_who_calls_from_where_it_serves(make: Make) -> None:
    """Nobody else is asked for it."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    assert [slot.calls_from_there for slot in world.roster.slots] == [True]
    await world.sweep(Reason.CONNECT_FAILED)
    await world.beat(**NAMED)
    await world.sweep(LIVE)
    assert [slot.calls_from_there for slot in world.roster.slots] == [False]


async def test_a_node_may_ask_to_be_called_back(make: Make) -> None:
    """Seldom, with its key; without one, not at all."""
    world = await make(calls_back=True)
    body = {"stats_url": NAMED["stats_url"], "rtmp_port": 1935}
    answer = await world.client.post("/nodes/dial-back", json=body, auth=world.signed)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["address"] == "203.0.114.7"
    assert (told["stats"]["open"], told["rtmp"]["open"]) == (False, False)
    assert told["stats"]["says"]
    again = await world.client.post("/nodes/dial-back", json=body, auth=world.signed)
    assert (again.status_code, again.json()["type"]) == (429, "/problems/too-many-requests")
    nobody = await world.client.post("/nodes/dial-back", json=body)
    assert nobody.status_code == 401


async def test_a_newcomer_costs_a_read_and_a_write(make: Make) -> None:
    """Thousands come within seconds when a stream begins."""
    world = await make()
    assert await world.cost_of_beating() == (1, 1)


async def test_a_restart_costs_a_read_and_a_write_for_each_thing_said(make: Make) -> None:
    """Nobody is read again before it is written, unless somebody was faster."""
    world = await make()
    await world.beat()
    await world.sweep(LIVE)
    world.now_s += 60
    assert await world.cost_of_beating(state="leaving") == (1, 1)
    world.now_s += 60
    await world.sweep(LIVE)
    assert await world.cost_of_beating() == (1, 1)


async def test_a_newcomer_whom_another_instance_took_in_keeps_its_past(make: Make) -> None:
    """It was not there when it was looked for, and is when it is written."""
    world = await make()
    await world.beat()
    known = await world.measurements.node(NODE_ID)
    assert known is not None
    later = known.model_copy(update={"joined_s": NOW_S + 77, "rtmp_port": 1937})
    await world.measurements.put_node(later, SeenNode(None, None))
    written = await world.measurements.node(NODE_ID)
    assert written is not None
    assert (written.joined_s, written.rtmp_port) == (NOW_S, 1937)
    stale = known.model_copy(update={"signed_s": known.signed_s - 1, "rtmp_port": 1939})
    await world.measurements.put_node(stale, SeenNode(None, None))
    assert await world.measurements.node(NODE_ID) == written
