"""News travels with a poll: what the coordinator knows of a node, the node hears within a sweep.

And whoever else polls it can make it ask for news, seldom, and nothing else.
"""

import asyncio
import http.client
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from agent.shown.http_server import make_server, open_socket
from api.wiring import build_on
from collector.sweeper import Sweeper
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.records import Measurements
from coordinator.adapters.settings import ApiSettings
from coordinator.checking.checks import Check, Run, Verdict
from coordinator.keys import sha256_hex
from coordinator.reasons import Reason
from tests.doubles.memory import MemoryStore
from tests.e2e.agents import AgentProcess
from tests.e2e.coordinator_stand_in import INGEST_KEY, STREAM_ID, CoordinatorStandIn
from tests.e2e.ffmpeg import publisher
from tests.e2e.watched import HOST, WAIT_S_MAX, running
from tests.ports import free_port
from tests.sponsors import entered

SWEEP_S = 15
"""Beats by news come in half of it; a node counts as lost after two and a half."""
NEWS_S_MAX = 35.0
"""Before that: what comes later did not come by the news."""
SPONSOR_KEY = "sponsor-key-of-the-tests"
STREAM = {"name": "Main stage", "token_balance": "1000", "reward_per_node_hour": "1.5"}


@dataclass
class _Coordinator:
    """The real api and the real collector on stores in memory, and a clock that sweeps move: from
    now on, since agents sign at the time that the server's Date says."""

    url: str
    rtmp_port: int
    now_s: list[float]
    store: MemoryStore = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        self.settings = ApiSettings.from_env(
            {
                "GOOGLE_CLOUD_PROJECT": "tests",
                "INGEST_URL": f"rtmp://{HOST}:{self.rtmp_port}/live",
                "INGEST_KEY_HASH": sha256_hex(INGEST_KEY),
                "SWEEP_SECONDS": str(SWEEP_S),
                "ALLOW_PRIVATE_ADDRESSES": "true",
            }
        )
        self.app = build_on(
            self.store, MemoryStore(entered(ada=SPONSOR_KEY)), self.settings, lambda: self.now_s[0]
        )
        self.measurements = Measurements(self.store)
        self._sweeper = Sweeper(
            self.measurements,
            PollClient(Guard(allow_private=True)),
            self.settings.calendar,
            lambda: self.now_s[0],
            Log("collector", "ERROR"),
        )

    async def registered(self) -> tuple[str, str]:
        """(the id of a new stream, its stream key)."""
        headers = {"Authorization": f"Bearer {SPONSOR_KEY}"}
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            answer = await client.post("/streams", json=STREAM, headers=headers)
        told = answer.json()
        return told["stream_id"], told["publish_url"].partition("?key=")[2]

    async def sweep(self) -> None:
        """One tick: every node is polled, and the projection is written."""
        summary = await self._sweeper.sweep(0)
        assert summary["result"] == "swept"
        self.now_s[0] += SWEEP_S

    @property
    def sweeps_until_a_draw(self) -> int:
        """From any second of one draw into the next."""
        return self.settings.calendar.check_seconds // SWEEP_S

    async def is_checked(self, node_id: str, stream_id: str, reason: Reason) -> None:
        """What the prober leaves of a check: one in each draw."""
        now_s = self.now_s[0]
        draw = self.settings.calendar.draw_at(now_s)
        verdict = Verdict.PASS if reason is Reason.PASSED else Verdict.FAIL
        check = Check(node_id, stream_id, draw, now_s, verdict, reason)
        run = Run(draw, now_s, now_s, (), {}, (check,))
        assert await self.measurements.record_run(run, now_s)


@asynccontextmanager
async def _serving() -> AsyncIterator[_Coordinator]:
    sock = open_socket(HOST, free_port())
    url = f"http://{HOST}:{sock.getsockname()[1]}"
    coordinator = _Coordinator(url, free_port(), [float(int(time.time()))])
    server = make_server(coordinator.app, limited=False)
    serving = asyncio.create_task(server.serve([sock]))
    try:
        yield coordinator
    finally:
        server.stop()
        await serving


async def _until(node: AgentProcess, condition: Callable[[], object]) -> None:
    """Waits beside the api, which is served by this very loop."""
    deadline = time.monotonic() + NEWS_S_MAX
    while not condition():
        assert time.monotonic() < deadline, node.output
        await asyncio.sleep(0.1)


def _bytes_in(node: AgentProcess) -> int:
    return int(node.stats()["stream"]["bytes_in"])


def _relays_on(node: AgentProcess, sent: int) -> Callable[[], bool]:
    return lambda: _bytes_in(node) > sent


def _shows(node: AgentProcess, said: str) -> Callable[[], bool]:
    return lambda: said in node.text("/")


async def test_a_failed_check_is_on_the_node_s_own_page_within_a_sweep(tmp_path: Path) -> None:
    """From being well, when it would be silent for minutes, and from the first poll after
    the projection that says so."""
    async with _serving() as coordinator:
        stream_id, stream_key = await coordinator.registered()
        as_ingest = {
            "ROLE": "ingest",
            "INGEST_KEY": INGEST_KEY,
            "RTMP_PORT": str(coordinator.rtmp_port),
        }
        ingest = AgentProcess(tmp_path / "ingest", coordinator.url, **as_ingest)
        with (
            running(ingest),
            running(AgentProcess(tmp_path / "node", coordinator.url, STREAM_ID=stream_id)) as node,
        ):
            await _until(ingest, lambda: ingest.get("/healthz")[0] == 200)
            with running(publisher(coordinator.rtmp_port, stream_key, stream_id)):
                await _until(node, lambda: node.stats().get("stream", {}).get("state") == "live")
                node_id = node.stats()["node_id"]
                for reason, headline in (
                    (Reason.PASSED, "This node is earning"),
                    (Reason.TOO_SLOW, "This node earns nothing until a check passes"),
                ):
                    await coordinator.is_checked(node_id, stream_id, reason)
                    for _ in range(coordinator.sweeps_until_a_draw):
                        before = _bytes_in(node)  # a relay whose bytes stand still is stalled
                        await coordinator.sweep()
                        await _until(node, _relays_on(node, before))
                    await _until(node, _shows(node, headline))
                assert Reason.TOO_SLOW.fix.partition(":")[0] in node.text("/")


@pytest.fixture
def coordinator() -> Iterator[CoordinatorStandIn]:
    """It asks for silence for ten minutes, and sweeps every two seconds."""
    stand_in = CoordinatorStandIn(f"rtmp://{HOST}:{free_port()}/live/{STREAM_ID}")
    stand_in.pace_s, stand_in.sweep_s = 600.0, 2.0
    stand_in.start()
    yield stand_in
    stand_in.stop()


def _poll(node: AgentProcess, reason: str | None) -> None:
    """As a stranger or a coordinator does; None: one that is older than the header."""
    headers = {} if reason is None else {"Restream-Reason": reason}
    connection = http.client.HTTPConnection(HOST, node.stats_port, timeout=5)
    try:
        connection.request("GET", "/stats.json", headers=headers)
        assert connection.getresponse().status == 200
    finally:
        connection.close()


def _poll_for_a_sweep(
    coordinator: CoordinatorStandIn, node: AgentProcess, *reasons: str | None
) -> None:
    """Twice as long as one beat may keep the next from coming."""
    began_s = time.monotonic()
    while time.monotonic() < began_s + coordinator.sweep_s:
        for reason in reasons:
            _poll(node, reason)
        time.sleep(0.1)


@pytest.fixture
def node(coordinator: CoordinatorStandIn, tmp_path: Path) -> Iterator[AgentProcess]:
    """It has been told that all is well, and might speak again by now."""
    with running(AgentProcess(tmp_path, coordinator.url, STREAM_ID=STREAM_ID)) as agent:
        agent.wait_until("the first beat", lambda: "earning" in _page(agent))
        _poll_for_a_sweep(coordinator, agent, None, "", "ok")
        assert len(coordinator.beats()) == 1
        yield agent


def _page(node: AgentProcess) -> str:
    return node.text("/") if node.stats() else ""


def _wait_for_page(node: AgentProcess, words: str) -> None:
    node.wait_until(words, lambda: words in _page(node))


def test_a_poll_without_news_makes_no_beat_and_one_with_news_makes_one(
    coordinator: CoordinatorStandIn, node: AgentProcess
) -> None:
    """A match, an empty hint and none were polled already, for a whole sweep; and are after it."""
    coordinator.told = {"status": "unhealthy", "reason": "check_failed"}
    _poll(node, "check_failed")
    _wait_for_page(node, "until a check passes")
    _poll_for_a_sweep(coordinator, node, None, "", "check_failed")
    assert [beat["repeats"] for beat in coordinator.beats()] == [False, True]


def test_a_stranger_cannot_hush_news_up(
    coordinator: CoordinatorStandIn, node: AgentProcess
) -> None:
    """Not before they are asked for, and not while they may not be yet."""
    for reason, hushed in (("check_failed", "ok"), ("suspected", "check_failed")):
        coordinator.told = {"status": "unhealthy", "reason": reason, "says": f"Now {reason}."}
        _poll(node, reason)
        for _ in range(5):
            _poll(node, hushed)
        _wait_for_page(node, f"Now {reason}.")


def test_strangers_make_a_node_ask_seldom_and_nothing_else(
    coordinator: CoordinatorStandIn, node: AgentProcess
) -> None:
    """Whatever they claim, another coordinator's word included; each such beat is a repetition,
    which costs the coordinator nothing."""
    began_s, at = time.monotonic(), 0
    words = (
        "fraud",
        "unproven",
        "\x7f" * 4_000,
        "check_failed",
        "ok",
        "0",
        "<b>",
        "unknown:internal",
    )
    while len(coordinator.beats()) < 4 or at <= 4 * len(words):
        assert time.monotonic() < began_s + WAIT_S_MAX, node.output
        _poll(node, words[at % len(words)])
        at += 1
    lasted_s = time.monotonic() - began_s
    # One was due at once; each other waits for half a sweep after the one before.
    assert len(coordinator.beats()) - 2 <= lasted_s / (coordinator.sweep_s / 2)
    assert all(beat["repeats"] for beat in coordinator.beats()[1:])
    assert "This node is earning" in _page(node)
    assert not node.events("coordinator_trouble")
