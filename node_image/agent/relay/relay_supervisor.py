"""Keeps the relay running: starts it, measures it, and starts it again when it dies or freezes."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from agent.endpoints import AddressError, check_port_free
from agent.log import AgentEvent, log
from agent.relay.engines.engine import (
    Engine,
    EngineMissingError,
    EngineSilentError,
    EngineUnfitError,
    RelayTask,
)
from agent.relay.engines.local_page import READ_S_MAX
from agent.relay.meter import Meter
from agent.relay.relay_process import RelayProcess
from agent.relay.restarts import Restarts

READ_EVERY_S = 1.0
LOOK_S_MAX = READ_EVERY_S + READ_S_MAX
_RESTARTED = (
    "The agent starts the relay again by itself; if this goes on, update the node, and then send "
    "its log to whoever runs the network."
)
# The configuration holds an address and not a name: an ingest that moves is looked up again.
LOOK_UP_EVERY_S = 30.0


@dataclass(frozen=True)
class RelayView:
    """What is said about the relay at one instant."""

    engine: str
    state: str  # starting, running, overrun, restarting or stopped
    uptime_s: float
    restarts: int
    refused: Mapping[str, int] = field(default_factory=dict)
    """Connections by the reason that the relay gives, if it tells."""


class Silence:
    """For how long the relay has not answered, as far as this machine was there to hear it."""

    def __init__(self, now_s: float) -> None:
        self._looked_s = now_s
        self.seconds = 0.0

    def ends(self, now_s: float) -> None:
        """The relay has answered."""
        self._looked_s, self.seconds = now_s, 0.0

    def goes_on(self, now_s: float) -> None:
        """It was asked, and did not answer in time.

        A machine that stood still meanwhile, as a paused container does, was not listening.
        """
        self.seconds += min(now_s - self._looked_s, LOOK_S_MAX)
        self._looked_s = now_s


class RelaySupervisor:
    """Runs one engine for the task it was given last; no task means a stopped relay."""

    def __init__(
        self,
        engine: Engine,
        meter: Meter,
        resolve: Callable[[str], Awaitable[list[str]]],
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._meter = meter
        self._resolve = resolve
        self._clock = clock
        self._chance = chance
        self._task: RelayTask | None = None
        self.is_assigned = False
        """Whether it has been told what to relay, or to relay nothing."""
        self._changed = asyncio.Event()
        self._started_s: float | None = None
        self._process: RelayProcess | None = None
        self._state = "starting"
        self._starts = 0
        self.trouble = "The relay has no stream yet."

    def assign(self, task: RelayTask | None) -> None:
        """Relay this from now on; None stops the relay. An equal task changes nothing."""
        if task != self._task or not self.is_assigned:
            if not self.is_assigned:
                self.trouble = ""
            self.is_assigned, self._task = True, task
            self._changed.set()

    def view(self) -> RelayView:
        """What is said about the relay now."""
        uptime_s = self._clock() - self._started_s if self._started_s is not None else 0.0
        refused = dict(self._engine.refused)
        return RelayView(
            self._engine.name, self._state, uptime_s, max(0, self._starts - 1), refused
        )

    def hurry(self) -> None:
        """The stream is said to be live: a relay that waits before its next pull does not."""
        if self._process is not None and self._state == "running" and self._engine.hurry_signal:
            self._process.signal(self._engine.hurry_signal)

    async def run(self) -> None:
        """Supervise until cancelled; cancelling stops the relay."""
        restarts = Restarts()
        while True:
            task = self._task
            self._changed.clear()
            if task is None:
                if self.is_assigned:
                    self._state, self.trouble = "stopped", "There is nothing to relay."
                await self._changed.wait()
                restarts.forget()
                continue
            try:
                await self._run_once(task)
                restarts.forget()
                continue  # the task has changed
            except (AddressError, EngineMissingError, EngineUnfitError) as e:
                self.trouble, delay_s = str(e), restarts.failed(self._chance())
            except _RelayEndedError as e:
                delay_s = restarts.ended(self._clock(), self._chance())
                self.trouble = f"{e}. {_RESTARTED}"
            except OSError as e:
                delay_s = restarts.failed(self._chance())
                self.trouble = f"The relay cannot be started: {e}. Look at the disk and WORK_DIR."
            log(
                AgentEvent.RELAY_DOWN, logging.ERROR, reason=self.trouble, retry_s=round(delay_s, 2)
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._changed.wait()

    async def _run_once(self, task: RelayTask) -> None:
        """Run the relay until the task changes; raises when it can't start, dies or freezes."""
        upstream_ip = (await self._resolve(task.upstream.host))[0] if task.upstream else ""
        check_port_free(task.bind_address, task.rtmp_port, "RTMP_PORT")
        for name, text in self._engine.render(task, upstream_ip).items():
            (self._engine.work_dir / name).write_text(text, encoding="ascii")
        process = await RelayProcess.start(self._engine, self._clock)
        self._process = process
        self._engine.started(process.pid)
        self._starts += 1
        self._meter.restart()
        self._started_s = started_s = self._clock()
        upstream = task.upstream.url if task.upstream else ""
        log(AgentEvent.RELAY_STARTED, pid=process.pid, engine=self._engine.name, upstream=upstream)
        watch = asyncio.create_task(self._watch(started_s))
        moved = asyncio.create_task(self._watch_name(task, upstream_ip))
        changed = asyncio.create_task(self._changed.wait())
        died = asyncio.create_task(process.wait())
        try:
            ends = {watch, moved, changed, died}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if died.done() or watch.done():
                ending = await process.ending() if died.done() else watch.result()
                self._tell_crash(ending)
                raise _RelayEndedError(ending)
            if moved.done():
                raise _RelayEndedError(moved.result())
        finally:
            for waiting in (watch, moved, changed):
                waiting.cancel()
            self._process = None
            await process.stop()
            self._started_s = None
            self._meter.restart()
            self._state = "restarting"

    def _tell_crash(self, ending: str) -> None:
        """It died or froze: who sent what it read last, and the digest, which tells cases apart."""
        last = self._engine.last_read()
        sent = {"host": last.host, "bytes": last.bytes, "sha256": last.sha256} if last else {}
        log(AgentEvent.RELAY_CRASHED, logging.ERROR, reason=ending, **sent)

    async def _watch(self, started_s: float) -> str:
        """Read the statistics for as long as the engine is healthy; returns what ails it."""
        silence = Silence(started_s)
        while True:
            now_s = self._clock()
            try:
                reading = await self._engine.read()
                heard_s = self._clock()
                silence.ends(heard_s)
                self._meter.take(reading, heard_s)
                if self._state != "running":
                    self._state, self.trouble = "running", ""
            except EngineSilentError as e:
                silence.goes_on(self._clock())
                log(AgentEvent.RELAY_SILENT, logging.DEBUG, reason=str(e))
            if ailment := self._engine.ailment(silence.seconds):
                return ailment
            is_young = self._state != "running"
            await asyncio.sleep(
                max(0.0, (0.1 if is_young else READ_EVERY_S) - self._clock() + now_s)
            )

    async def _watch_name(self, task: RelayTask, upstream_ip: str) -> str:
        """While nothing arrives, see whether the ingest has moved; returns the sentence if so."""
        while True:
            await asyncio.sleep(LOOK_UP_EVERY_S)
            if task.upstream is None or self._meter.view(self._clock()).is_live:
                continue
            with contextlib.suppress(AddressError):
                if upstream_ip not in await self._resolve(task.upstream.host):
                    return f"The ingest {task.upstream.host} is no longer at {upstream_ip}"


class _RelayEndedError(Exception):
    """The relay died or had to be stopped. The message says how."""
