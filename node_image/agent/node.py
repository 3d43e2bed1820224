"""Puts the agent together for its role and runs it until it is told to stop."""

import asyncio
import contextlib
import logging
import random
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

from agent import __version__
from agent.addresses import resolve_ipv4
from agent.coordinator import Coordinator
from agent.engines import ENGINES
from agent.engines.base import Job
from agent.heartbeats import Heartbeats, Standing
from agent.keys import node_id_of
from agent.log import log, log_crash
from agent.meter import Meter, StreamView
from agent.metrics import metrics_text
from agent.publishing import ASK_S_MAX, answer_question
from agent.server import AnswerHook, make_app, make_server, open_socket
from agent.settings import Settings
from agent.stats import AgentView, RelayView, stats_body
from agent.status_page import status_page
from agent.streams import Stream
from agent.supervisor import Supervisor

_SERVER_STOP_S_MAX = 1.0
_UNCHECKED = (
    "This relay asks nobody whether a publisher may send: whoever knows a stream's id can publish. "
    "Set RELAY_ENGINE=nginx-rtmp on an ingest that strangers can reach."
)


class Agent:
    """One relay, its server and, for a node, its heartbeats."""

    def __init__(self, settings: Settings, key: str, work_dir: Path) -> None:
        self._settings = settings
        self._begun_s = time.monotonic()
        self._node_id = node_id_of(key)
        self._chance = random.SystemRandom().random
        self._coordinator = Coordinator(
            settings.coordinator_url, settings.ingest_key if settings.role == "ingest" else key
        )
        self._meter = Meter(settings.stream_id)
        self._engine = ENGINES[settings.relay_engine](work_dir)
        self._supervisor = Supervisor(
            self._engine,
            self._meter,
            resolve_ipv4,
            time.monotonic,
            self._chance,
        )
        self._heartbeats: Heartbeats | None = None
        if settings.role == "node":
            self._heartbeats = Heartbeats(
                self._coordinator,
                announcement(settings),
                settings.heartbeat_s,
                self._follow,
                self._chance,
            )

    async def run(self) -> int:
        """Run until SIGTERM or SIGINT; returns the exit code. Raises AddressError."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        settings = self._settings
        sock = open_socket(settings.bind_address, settings.stats_port)
        server = make_server(make_app(self, self._hook()))
        log("agent_started", version=__version__, role=settings.role, node_id=self._node_id)
        if settings.role == "ingest":
            self._supervisor.assign(ingest_job(settings))
            if not self._engine.checks_publishers:
                log("publishers_unchecked", logging.WARNING, reason=_UNCHECKED)
        serving = asyncio.create_task(server.serve([sock]))
        relaying = asyncio.create_task(self._supervisor.run())
        tasks = {serving, relaying, asyncio.create_task(stop.wait())}
        if self._heartbeats:
            tasks.add(beating := asyncio.create_task(self._heartbeats.run()))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # Only the signal ends the agent; any other task that ends has crashed.
        crashed = [t for t in tasks if t.done() and not stop.is_set()]
        for task in crashed:
            log_crash("agent_crashed", task.exception() or RuntimeError("a task ended"))
        if self._heartbeats:
            beating.cancel()
            await self._heartbeats.leave()
        relaying.cancel()
        await asyncio.wait({relaying})
        server.should_exit = True
        await asyncio.wait({serving}, timeout=_SERVER_STOP_S_MAX)
        with contextlib.suppress(RuntimeError):
            await self._coordinator.close()
        log("agent_stopped")
        return 1 if crashed else 0

    def _follow(self, stream: Stream) -> None:
        """Relay what the coordinator says; a closed stream is not pulled any more."""
        self._supervisor.assign(None if stream.is_closed else node_job(self._settings, stream))

    def stats(self) -> dict[str, object]:
        """The body of /stats.json."""
        return stats_body(datetime.now(UTC), *self._views())

    def metrics(self) -> str:
        """The body of /metrics."""
        return metrics_text(*self._views())

    def status_page(self) -> str:
        """The page at /."""
        return status_page(self._standing, *self._views())

    @property
    def _standing(self) -> Standing | None:
        return self._heartbeats.standing if self._heartbeats else None

    def _views(self) -> tuple[AgentView, RelayView, StreamView]:
        now_s = time.monotonic()
        names = self._meter.stream_names
        stream_id = self._settings.stream_id or (names[0] if len(names) == 1 else "")
        agent = AgentView(self._node_id, stream_id, now_s - self._begun_s)
        return agent, self._supervisor.view(), self._meter.view(now_s)

    def health(self) -> tuple[bool, str]:
        """Well is an agent that does all it can; who publishes nothing is not its fault."""
        state = self._supervisor.view().state
        if state == "running":
            return True, "The relay runs."
        if state == "stopped":
            return True, "The stream is closed: there is nothing to relay."
        standing = self._standing
        if state == "starting" and standing and standing.trouble:
            return False, standing.trouble
        return False, self._supervisor.trouble or "The relay is being started."

    def _hook(self) -> AnswerHook | None:
        if self._settings.role != "ingest":
            return None

        async def ask(stream_id: str, stream_key: str) -> None:
            await self._coordinator.check_publisher(stream_id, stream_key, ASK_S_MAX)

        async def answer(body: bytes) -> tuple[int, str]:
            return await answer_question(body, ask)

        return answer


def announcement(settings: Settings) -> dict[str, object]:
    """The heartbeat without its state. Pure."""
    beat: dict[str, object] = {
        "stream_id": settings.stream_id,
        "rtmp_port": settings.public_rtmp_port,
        "agent": __version__,
        "engine": settings.relay_engine,
    }
    if settings.public_stats_url:
        beat["stats_url"] = settings.public_stats_url
    else:
        beat["stats_port"] = settings.public_stats_port
    return beat


def node_job(settings: Settings, stream: Stream) -> Job:
    """Pull the stream from where the coordinator says. Pure."""
    return Job(
        settings.bind_address, settings.rtmp_port, settings.stream_id, upstream=stream.ingest_url
    )


def ingest_job(settings: Settings) -> Job:
    """Take what publishers send, if the agent's own hook agrees. Pure."""
    everywhere = settings.bind_address == "0.0.0.0"  # noqa: S104 -- compared, not bound
    host = "127.0.0.1" if everywhere else settings.bind_address
    hook = f"http://{host}:{settings.stats_port}/hooks/publish"
    return Job(settings.bind_address, settings.rtmp_port, settings.stream_id, publish_hook=hook)


def log_wrong_settings(sentences: list[str]) -> None:
    """One line for each mistake."""
    for sentence in sentences:
        log("setting_wrong", logging.ERROR, reason=sentence)
