"""Puts the agent together for its role and runs it until it is told to stop.

Longer than other modules, since everything that the agent has meets here, and only here.
"""

import asyncio
import contextlib
import logging
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from agent import __version__
from agent.client.answers import RelayedStream
from agent.client.coordinator import CoordinatorClient
from agent.client.heartbeats import CoordinatorView, Heartbeats
from agent.client.signing import Bearer, SignedBy
from agent.endpoints import resolve_ipv4
from agent.log import AgentEvent, log, log_crash
from agent.node_key import node_id_of
from agent.notices.notifier import Notifier
from agent.notices.wording import Facts
from agent.player import greets
from agent.relay.doorman import Doorman
from agent.relay.engines import ENGINES
from agent.relay.engines.engine import Marks
from agent.relay.mark_alarm import MarkAlarm
from agent.relay.media_reports import report_media
from agent.relay.meter import Meter, StreamView
from agent.relay.own_port import KNOCK_S_MAX, OwnPort
from agent.relay.questions import RelayQuestions
from agent.relay.relay_supervisor import RelaySupervisor, RelayView
from agent.relay.tasks import ingest_task, node_task
from agent.settings import AgentSettings
from agent.shown.metrics import metrics_text
from agent.shown.page_facts import PageFacts
from agent.shown.servers import Servers
from agent.shown.stats import AgentView, stats_body
from agent.shown.status_page import status_page
from agent.shown.traffic import Traffic
from agent.stream_ids import AUTO
from agent.upstream_names import UpstreamNames

_DRAIN_LOOK_S = 0.2
_LIVE_ELSEWHERE = "upstream_down"
"""The coordinator's reason when the stream is live at the ingest, and not here."""
_UNCHECKED = (
    "This relay asks nobody whether a publisher may send: whoever knows a stream's id can publish. "
    "Set RELAY_ENGINE=restream on an ingest that strangers can reach."
)


class Agent:
    """One relay, its server and, for a node, its heartbeats."""

    def __init__(
        self, settings: AgentSettings, key: str, work_dir: Path, is_announcing: bool = True
    ) -> None:
        """With `is_announcing` false the coordinator hears nothing of it: the doctor's way."""
        self._settings = settings
        self._begun_s = time.monotonic()
        self._node_id = node_id_of(key)
        self._chance = random.SystemRandom().random
        is_ingest = settings.role == "ingest"
        self._coordinator = CoordinatorClient(
            settings.coordinator_url,
            Bearer(settings.ingest_key) if is_ingest else SignedBy(key),
            settings.coordinator_ca,
        )
        self._stream_id = "" if settings.stream_id == AUTO else settings.stream_id
        self._meter = Meter(self._stream_id)
        self._traffic = Traffic()
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()
        self._engine = ENGINES[settings.relay_engine](work_dir)
        upstreams = UpstreamNames(settings.coordinator_url)
        self._supervisor = RelaySupervisor(
            self._engine, self._meter, upstreams.resolve, time.monotonic, self._chance
        )
        self._own_port = OwnPort(self._greets, time.monotonic)
        doorman = Doorman(resolve_ipv4, time.monotonic)
        self._questions = RelayQuestions(settings, self._coordinator, doorman)
        self._hooks = self._mark_key = ""
        self._examine: Callable[[], Awaitable[object]] | None = None
        self._polled_s = self._begun_s
        self._heartbeats: Heartbeats | None = None
        self._notifier: Notifier | None = None
        if settings.role == "node" and is_announcing:
            self._announce()

    def _announce(self) -> None:
        """A node's part: it calls the coordinator, and tells its operator what becomes of it."""
        settings = self._settings
        self._heartbeats = Heartbeats(
            self._coordinator,
            settings.announcement,
            settings.heartbeat_s,
            self.follow,
            self._chance,
            lambda: self._polled_s,
            settings.unpaid_s,
        )
        if urls := settings.notify_urls:
            self._notifier = Notifier(urls, settings.data_dir, self._facts, self._chance)

    async def run(self) -> int:
        """Run until SIGTERM or SIGINT; returns the exit code. Raises AddressError."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        servers = self._open_servers()
        relaying = asyncio.create_task(self._supervisor.run())
        tasks = {*servers.start(), relaying, asyncio.create_task(self._stop.wait())}
        if self._heartbeats:
            tasks.add(beating := asyncio.create_task(self._heartbeats.run()))
        asides = self._start_asides()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for aside in asides:
            aside.cancel()
        # Only the signal ends the agent; any other task that ends has crashed.
        crashed = [t for t in tasks if t.done() and not self._stop.is_set()]
        for task in crashed:
            log_crash(AgentEvent.AGENT_CRASHED, task.exception() or RuntimeError("a task ended"))
        if self._heartbeats:
            beating.cancel()
            await self._heartbeats.leave()
            if not crashed:
                await self._drain()
        relaying.cancel()
        await asyncio.wait({relaying})
        await servers.stop()
        with contextlib.suppress(RuntimeError):
            await self._coordinator.close()
        log(AgentEvent.AGENT_STOPPED)
        return 1 if crashed else 0

    def _open_servers(self) -> Servers:
        """The sockets, before anything runs; an ingest's task is known as soon as they are."""
        settings = self._settings
        hooks = self._questions.answers()
        servers = Servers(self, hooks, settings.bind_address, settings.stats_port)
        self._hooks = servers.hooks_url
        log(
            AgentEvent.AGENT_STARTED, version=__version__, role=settings.role, node_id=self._node_id
        )
        if settings.role == "ingest":
            self._supervisor.assign(ingest_task(settings, self._hooks))
            if not self._engine.checks_publishers:
                log(AgentEvent.PUBLISHERS_UNCHECKED, logging.WARNING, reason=_UNCHECKED)
        return servers

    def _start_asides(self) -> list[asyncio.Task[None]]:
        """What runs beside, and ends without a word when the agent does."""
        beside = [
            self._examine_once(),
            self._traffic.watch(self._meter.view),
            self._own_port.watch(self._is_relay_running),
        ]
        if self._settings.role == "ingest":
            beside.append(report_media(self._coordinator, lambda: self._meter.streams))
        if self._heartbeats:
            beside.append(MarkAlarm(self._heartbeats.doubt).watch(self._marks))
        if self._notifier:
            beside.append(self._notifier.run())
        return [asyncio.create_task(each) for each in beside]

    def examine_by(self, examine: Callable[[], Awaitable[object]]) -> None:
        """Have this run once, beside everything else, when the agent has been started."""
        self._examine = examine

    async def _examine_once(self) -> None:
        """An examination may fail in any way: it must never end the agent."""
        if self._examine is None:
            return
        try:
            await self._examine()
        except Exception as e:
            log_crash(AgentEvent.EXAMINATION_CRASHED, e)

    def stop(self) -> None:
        """End `run`; said twice, without waiting for viewers."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _drain(self) -> None:
        """Let those who watch finish: they have been told of other nodes by now, or soon are."""
        until_s = time.monotonic() + self._settings.drain_s
        while (viewers := self._meter.view(time.monotonic()).viewers) and not self._hurry.is_set():
            if time.monotonic() >= until_s:
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_LOOK_S):
                    await self._hurry.wait()
        log(AgentEvent.DRAINED, viewers=viewers)

    def follow(self, stream: RelayedStream) -> None:
        """Relay what the coordinator says; a stream that is over is not pulled any more."""
        self._stream_id = stream.stream_id
        self._meter.follow(stream.stream_id)
        task = None if stream.is_over else node_task(self._settings, stream, self._hooks)
        self._supervisor.assign(task)
        self._questions.mark_key = key = stream.ingest_public_key
        if key != self._mark_key or (key and self._marks() == Marks()):
            self._supervisor.hurry()  # and ask for the key
        self._mark_key = key
        answer = self._coordinator_view.answer if self._coordinator_view else None
        if answer and answer.rtmp_url:
            self._questions.know(answer.rtmp_url)
        if answer and answer.reason == _LIVE_ELSEWHERE:
            self._supervisor.hurry()

    def _marks(self) -> Marks | None:
        return self._meter.view(time.monotonic()).marks

    def polled(self, reason: str) -> None:
        """Somebody asks for the statistics, and says for which reason the node stands as it does;
        "" says nothing."""
        self._polled_s = time.monotonic()
        if self._heartbeats:
            self._heartbeats.hear(reason)

    def stats(self) -> dict[str, object]:
        """The body of /stats.json."""
        return stats_body(datetime.now(UTC), *self._views())

    def metrics(self) -> str:
        """The body of /metrics."""
        return metrics_text(*self._views())

    def status_page(self) -> str:
        """The page at /."""
        now_s, url, views = time.monotonic(), self._settings.coordinator_url, self._views()
        self._traffic.sample(now_s, views[-1])  # so that what is drawn ends now
        shown = self._coordinator_view, *views, self._traffic, self._ailment
        return status_page(PageFacts(now_s, url, *shown))

    @property
    def _ailment(self) -> str:
        is_well, reason = self.health()
        return "" if is_well else reason

    @property
    def _coordinator_view(self) -> CoordinatorView | None:
        return self._heartbeats.view if self._heartbeats else None

    def _facts(self) -> Facts:
        url = self._settings.coordinator_url
        return Facts(
            url, self._coordinator_view or CoordinatorView(), *self._views(), self._ailment
        )

    def _views(self) -> tuple[AgentView, RelayView, StreamView]:
        now_s = time.monotonic()
        names = self._meter.stream_names
        stream_id = self._stream_id or (names[0] if len(names) == 1 else "")
        agent = AgentView(self._node_id, stream_id, now_s - self._begun_s)
        relay = self._supervisor.view()
        if relay.state == "running" and self._own_port.is_overrun:
            relay = replace(relay, state="overrun")
        return agent, relay, self._meter.view(now_s)

    def _is_relay_running(self) -> bool:
        return self._supervisor.view().state == "running"

    async def _greets(self) -> bool:
        here = self._settings.bind_address
        everywhere = here == "0.0.0.0"  # noqa: S104 -- compared, not bound
        host = "127.0.0.1" if everywhere else here
        return await greets(host, self._settings.rtmp_port, KNOCK_S_MAX)

    def health(self) -> tuple[bool, str]:
        """Well is an agent that does all it can; who publishes nothing is not its fault."""
        state = self._supervisor.view().state
        if state == "running":
            return True, "The relay runs."
        if state == "stopped":
            return True, "The stream is closed, or has no tokens: there is nothing to relay."
        coordinator = self._coordinator_view
        if not self._supervisor.is_assigned and coordinator and coordinator.trouble:
            return False, coordinator.trouble
        return False, self._supervisor.trouble or "The relay is being started."
