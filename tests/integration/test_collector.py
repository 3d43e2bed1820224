"""A sweep over real servers, kind and hostile: one document, a reason each, nobody delayed."""

import asyncio

import pytest

from collector.shard_state import READ_AGAIN_TICKS
from collector.sweeper import Sweeper
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.outbound.replies import OutboundLimits
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Store
from coordinator.checking.checks import Check, IngestState, Run, Verdict
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore
from tests.doubles.tcp_server import Serve, tcp_server
from tests.integration.stats_servers import hangs, says, stats_of
from tests.ports import free_port

CALENDAR = Calendar(sweep_seconds=60)
NOW_S = 6_000.0
READS_A_SWEEP = 2
"""The nodes that changed, and what the prober knows."""
LIMITS = OutboundLimits(connect_seconds=10.0, total_seconds=10.0)
"""So that nobody is cut off who is not meant to be."""
HASTY = OutboundLimits(connect_seconds=3.0, total_seconds=3.0)


async def _drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _floods(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n")
    for _block in range(160):
        writer.write(b" " * 65_536)
        await writer.drain()


HOSTILE: dict[str, tuple[Serve, Reason]] = {
    "hangs": (hangs, Reason.STATS_TIMEOUT),
    "drips": (_drips, Reason.STATS_TIMEOUT),
    "floods": (_floods, Reason.STATS_TOO_LARGE),
    "redirects": (
        says(b"", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n"),
        Reason.STATS_BAD_HTTP,
    ),
    "gzips": (
        says(b"\x1f\x8b" * 500, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"),
        Reason.STATS_BAD_HTTP,
    ),
    "babbles": (says(b'{"streams": [,,'), Reason.STATS_INVALID),
    "impersonates": (says(stats_of("n-somebody-else")), Reason.WRONG_NODE),
}


async def _announce(measurements: Measurements, node_id: str, port: int, at_s: float) -> None:
    await measurements.put_node(
        Node(
            node_id=node_id,
            stream_id="s3",
            stats_url=f"http://127.0.0.1:{port}/stats.json",
            rtmp_host="127.0.0.1",
            rtmp_port=1935,
            agent="0.1.0",
            engine="restream",
            state="running",
            joined_s=at_s,
            changed_s=at_s,
        )
    )


class _World:
    """A collector over a store in memory, and a clock that a test moves."""

    def __init__(
        self,
        *,
        allow_private: bool = True,
        store: Store | None = None,
        limits: OutboundLimits = LIMITS,
    ) -> None:
        self.measurements = Measurements(store or MemoryStore())
        self.now_s = NOW_S
        self.sweeper = Sweeper(
            self.measurements,
            PollClient(Guard(allow_private=allow_private), limits),
            CALENDAR,
            lambda: self.now_s,
            Log("collector", "ERROR"),
        )

    async def swept(self) -> Sweep:
        """The document of one sweep, a tick after the last."""
        summary = await self.sweeper.sweep(0)
        assert summary["result"] == "swept"
        self.now_s += CALENDAR.sweep_seconds
        (sweep,) = await self.measurements.latest_sweeps()
        return sweep


async def test_a_sweep_tells_the_kind_from_the_hostile() -> None:
    """Each has its own reason, and the honest node is up."""
    world = _World(limits=HASTY)
    names = ["n-honest", *HOSTILE]
    async with tcp_server(says(stats_of("n-honest"))) as honest:
        await _announce(world.measurements, "n-honest", honest, 1.0)
        servers = [tcp_server(serve) for serve, _ in HOSTILE.values()]
        for at, (name, server) in enumerate(zip(HOSTILE, servers, strict=True)):
            await _announce(world.measurements, name, await server.__aenter__(), 2.0 + at)
        try:
            sweep = await world.swept()
        finally:
            for server in servers:
                await server.__aexit__(None, None, None)
    reasons = {names[at]: poll.reason for at, poll in sweep.polls.items()}
    assert reasons == {"n-honest": Reason.OK, **{n: reason for n, (_, reason) in HOSTILE.items()}}
    assert sweep.polls[0].outcome is Outcome.UP


async def test_a_tick_is_swept_once() -> None:
    """Twice in a row, or two at once: one document, and each node polled once."""
    world = _World()
    asked = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await says(stats_of("n2"))(reader, writer)

    async with tcp_server(count) as port:
        await _announce(world.measurements, "n2", port, 1.0)
        results = await asyncio.gather(*(world.sweeper.sweep(0) for _ in range(5)))
    assert sorted(result["result"] for result in results) == ["duplicate"] * 4 + ["swept"]
    assert asked == 1


async def test_a_private_address_is_not_even_connected_to() -> None:
    """Unless a setting says so, for local use."""
    world = _World(allow_private=False)
    asked = False

    async def notice(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked = True

    async with tcp_server(notice) as port:
        await _announce(world.measurements, "n2", port, 1.0)
        sweep = await world.swept()
    assert (sweep.polls[0].outcome, sweep.polls[0].reason) == (
        Outcome.BLOCKED,
        Reason.ADDRESS_BLOCKED,
    )
    assert not asked


async def test_a_node_that_stays_away_is_polled_three_times_and_no_more() -> None:
    """Then it is offline, until it says something new."""
    world = _World()
    await _announce(world.measurements, "n2", free_port(), 1.0)
    outcomes = [(await world.swept()).polls for _ in range(5)]
    assert [len(polls) for polls in outcomes] == [1, 1, 1, 0, 0]
    roster = await world.measurements.roster(WHOLE, int(NOW_S // 60))
    assert roster.slots[0].left_reason == "offline"
    async with tcp_server(says(stats_of("n2"))) as port:
        await _announce(world.measurements, "n2", port, world.now_s)
        back = await world.swept()
    assert [(at, poll.outcome) for at, poll in back.polls.items()] == [(1, Outcome.UP)]


@pytest.mark.parametrize(
    ("state", "outcome"), [(IngestState.LIVE, Outcome.DOWN), (IngestState.DOWN, Outcome.IDLE)]
)
async def test_a_waiting_relay_is_idle_only_while_nobody_publishes(
    state: IngestState, outcome: Outcome
) -> None:
    """What the prober saw at the ingest decides, not what another node claims."""
    world = _World()
    draw = CALENDAR.draw_at(NOW_S)
    await world.measurements.record_run(Run(draw, 0.0, 0.0, (), {"s3": state}, ()), NOW_S)
    async with tcp_server(says(stats_of("n2", state="waiting"))) as port:
        await _announce(world.measurements, "n2", port, 1.0)
        sweep = await world.swept()
    assert sweep.polls[0].outcome is outcome


def _hinting() -> tuple[Serve, list[str | None]]:
    """A node that is up, and what its polls say that they know of it."""
    known: list[str | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        hints = [line.partition(": ")[2] for line in head if line.startswith("Restream-Reason:")]
        assert len(hints) <= 1
        known.append(hints[0] if hints else None)
        body = stats_of("n2", bytes_in=len(known))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return serve, known


async def _checked(world: _World, reason: Reason) -> None:
    verdict = Verdict.PASS if reason is Reason.PASSED else Verdict.FAIL
    draw = int(world.now_s // 60)
    check = Check("n2", "s3", draw, world.now_s, verdict, reason)
    await world.measurements.record_run(
        Run(draw, world.now_s, world.now_s, (), {}, (check,)), world.now_s
    )


async def test_a_poll_says_what_the_projection_before_it_says_of_the_node() -> None:
    """Nothing before there is one; then the reason, a sweep after people can read it."""
    world = _World()
    serve, known = _hinting()
    async with tcp_server(serve) as port:
        await _announce(world.measurements, "n2", port, 1.0)
        await world.swept()
        for reason in (Reason.PASSED, Reason.TOO_SLOW, Reason.PASSED):
            await _checked(world, reason)
            await world.swept()
        await world.swept()
    assert known == [None, "unproven", "ok", "check_failed", "ok"]


async def test_another_instance_says_the_same() -> None:
    """It reads the projection anyway, to go on from it."""
    store = MemoryStore()
    serve, known = _hinting()
    async with tcp_server(serve) as port:
        await _announce(Measurements(store), "n2", port, 1.0)
        for minute in range(3):
            world = _World(store=store)
            world.now_s += minute * CALENDAR.sweep_seconds
            await world.swept()
    assert known == [None, "unproven", "unproven"]


async def test_a_poll_costs_no_read_for_what_it_says() -> None:
    """An instance goes on from its own projection, and reads what it read without hints."""
    store = CountingStore(MemoryStore())
    world = _World(store=store)
    serve, known = _hinting()
    async with tcp_server(serve) as port:
        await _announce(world.measurements, "n2", port, 1.0)
        for _ in range(2):
            await world.sweeper.sweep(0)
            world.now_s += CALENDAR.sweep_seconds
        before = store.operations.reads
        await world.sweeper.sweep(0)
    assert known == [None, "unproven", "unproven"]
    assert store.operations.reads - before == READS_A_SWEEP


async def test_whether_the_roster_was_closed_costs_a_read_in_ten_minutes() -> None:
    """All else that the instance knows of its shard it goes on from."""
    store = CountingStore(MemoryStore())
    world = _World(store=store)
    serve, _ = _hinting()
    costs = []
    async with tcp_server(serve) as port:
        await _announce(world.measurements, "n2", port, 1.0)
        for _ in range(READ_AGAIN_TICKS + 2):
            before = store.operations.reads
            assert (await world.sweeper.sweep(0))["result"] == "swept"
            costs.append(store.operations.reads - before)
            world.now_s += CALENDAR.sweep_seconds
    assert sum(costs[2:]) == READ_AGAIN_TICKS * READS_A_SWEEP + 1


async def test_minutes_add_up_from_sweep_to_sweep() -> None:
    """Totals are carried by the documents, not by the process: another instance goes on."""
    world = _World()
    sent = iter(range(100))

    async def moving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(stats_of("n2", bytes_in=next(sent)))(reader, writer)

    async with tcp_server(moving) as port:
        await _announce(world.measurements, "n2", port, 1.0)
        for _ in range(3):
            await world.swept()
        other = _World()
        other.measurements, other.now_s = world.measurements, world.now_s
        other.sweeper.measurements = world.measurements
        sweep = await other.swept()
    assert (sweep.polls[0].minutes_up, sweep.polls[0].minutes_due) == (4, 4)
