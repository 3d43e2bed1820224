"""A simulated node: the agent's own heartbeats and statistics, with a relay that others share."""

import asyncio
import contextlib
import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from agent import __version__
from agent.client.answers import RelayedStream
from agent.client.heartbeats import Heartbeats
from agent.relay.meter import StreamView
from agent.relay.relay_supervisor import RelayView
from agent.shown.stats import AgentView, stats_body
from bench.crowd.members import CrowdMember
from bench.crowd.node_caller import NodeCaller
from bench.crowd.tally import CallTally

ENGINE = "restream"
UNPAID_S = 3_600.0
PULLED_BYTES_PER_S = 100_000
"""What the relay's statistics would say that it pulls."""


@dataclass(frozen=True, slots=True)
class CrowdSetting:
    """What all members are told."""

    coordinator_url: str
    stream_id: str
    stats_port: int
    """Of all addresses: the crowd's server answers for each."""
    rtmp_port: int
    """Of all addresses: one relay serves for each."""


@dataclass
class NodeRun:
    """From a start to the end after it, in Unix seconds."""

    started_s: float
    accepted_s: float | None = None
    """When the coordinator first took it in since then."""
    ended_s: float | None = None
    """When it began to leave."""


class SimulatedNode:
    """One member, which runs, leaves and returns."""

    def __init__(self, member: CrowdMember, setting: CrowdSetting, tally: CallTally) -> None:
        self.member, self._setting, self._tally = member, setting, tally
        self._begun_s = self._polled_s = time.monotonic()
        self._running: tuple[NodeCaller, Heartbeats, asyncio.Task[None]] | None = None
        self.runs: list[NodeRun] = []
        """Oldest first."""

    @property
    def is_running(self) -> bool:
        """Whether it answers at its address."""
        return self._running is not None

    def start(self) -> None:
        """It runs and calls, until `leave` or `die`; it must not run already."""
        self._begun_s = self._polled_s = time.monotonic()
        self.runs.append(NodeRun(time.time()))
        caller = NodeCaller(self._setting.coordinator_url, self.member, self._tally)
        heartbeats = Heartbeats(
            caller,
            self._announcement(),
            None,
            self._followed,
            random.random,
            lambda: self._polled_s,
            UNPAID_S,
        )
        self._running = caller, heartbeats, asyncio.create_task(heartbeats.run())

    async def leave(self) -> None:
        """As the agent does when it is stopped: it says goodbye while it still answers."""
        if self._running is None:
            return
        caller, heartbeats, beating = self._running
        self.runs[-1].ended_s = time.time()
        await _ended(beating)
        await heartbeats.leave()
        await caller.close()
        self._running = None

    async def die(self) -> None:
        """As the agent does when its machine is cut off."""
        if self._running is None:
            return
        caller, _, beating = self._running
        self.runs[-1].ended_s = time.time()
        self._running = None
        await _ended(beating)
        await caller.close()

    def polled(self, reason: str) -> None:
        """Its statistics were asked for; `reason` as the coordinator's poll says it, or ""."""
        self._polled_s = time.monotonic()
        if self._running is not None:
            self._running[1].hear(reason)

    def standing(self) -> tuple[str, str]:
        """(status, reason) as it was told last; empty before that.

        Raises whatever has ended its heartbeats: nothing should."""
        if self._running is None:
            return "", ""
        if self._running[2].done():
            self._running[2].result()
        answer = self._running[1].view.answer
        return (answer.status, answer.reason) if answer else ("", "")

    def stats(self) -> bytes:
        """The body of /stats.json."""
        up_s = time.monotonic() - self._begun_s
        agent = AgentView(self.member.node_id, self._setting.stream_id, up_s)
        relay = RelayView(ENGINE, "running", up_s, 0)
        pulled = int(up_s * PULLED_BYTES_PER_S)
        stream = StreamView(True, up_s, 1, pulled, pulled, None, None)
        return json.dumps(stats_body(datetime.now(UTC), agent, relay, stream)).encode()

    def _announcement(self) -> dict[str, object]:
        setting = self._setting
        return {
            "stream_id": setting.stream_id,
            "stats_port": setting.stats_port,
            "rtmp_port": setting.rtmp_port,
            "agent": __version__,
            "engine": ENGINE,
        }

    def _followed(self, _: RelayedStream) -> None:
        """The coordinator has answered a heartbeat, or the question for the stream before it."""
        run = self.runs[-1]
        if run.accepted_s is None and self._running and self._running[1].view.answer is not None:
            run.accepted_s = time.time()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
