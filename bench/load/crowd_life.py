"""What a crowd does in `make load`: it joins, half of it leaves and returns, the api is killed."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.crowd.crowd_network import CrowdNetwork
from bench.crowd.simulated_node import NodeRun
from bench.load.public_history import SWEEPS_MAX, SweptHistory, swept_history
from bench.processes import tree_cpu_s
from bench.report import say

STORM_SHARE = 0.6
STORM_S = 4.0
"""Three thousand of five thousand nodes join within so long: a stream that begins."""
CALM_PER_S = 50
RESTARTS = 3
RESTART_S = 10.0
"""Half of all nodes leave within so long, and return as fast."""
AWAY_S = 2.0
IN_S_MAX = 240.0
LOOK_EVERY_S = 2.0
PARTS = ("api", "collector", "prober", "payout", "firestore")


@dataclass
class CallCounts:
    """Of heartbeats, of a part of the time."""

    answers: dict[str, int] = field(default_factory=dict)
    early: int = 0
    p95_s: float = 0.0
    seconds: float = 0.0

    @property
    def count(self) -> int:
        """All that were tried."""
        return sum(self.answers.values())

    @property
    def lost(self) -> int:
        """Those that no answer came to, or one that does not say when to come again."""
        bad = sum(n for status, n in self.answers.items() if not status.isdigit())
        turned_away = sum(n for status, n in self.answers.items() if status[0] == "5")
        turned_away += self.answers.get("429", 0)
        return bad + turned_away - self.early


@dataclass
class CrowdLife:
    """One crowd's, and what is to be told of it."""

    net: CrowdNetwork
    members: range
    client: httpx.AsyncClient
    storm: CallCounts = field(default_factory=CallCounts)
    rest: CallCounts = field(default_factory=CallCounts)
    joined_per_s: float = 0.0
    join_cpu_s: dict[str, float] = field(default_factory=dict)
    """By part: what it spent while they joined, for each that did."""
    stood: list[set[str]] = field(default_factory=list)
    """For each restart: who stood on the roster two sweeps later."""
    back_after_s: float = 0.0
    """How long the killed api was away."""

    @property
    def half(self) -> range:
        """Who leaves and returns."""
        return self.members[: len(self.members) // 2]

    async def join(self) -> None:
        """Some one after the other, then all others at once."""
        calm = self.members[: round(len(self.members) * (1 - STORM_SHARE))]
        storm = self.members[len(calm) :]
        say(f"{len(calm):,} nodes join, {CALM_PER_S} a second")
        await self.net.crowd.start(calm, len(calm) / CALM_PER_S)
        await self.all_in(calm)
        await self.net.crowd.tell()
        say(f"{len(storm):,} more join within {STORM_S:g} s")
        begun_s = self.spent_s()
        await self.net.crowd.start(storm, STORM_S)
        await self.all_in(storm)
        spent_s = self.spent_s()
        self.join_cpu_s = {name: (spent_s[name] - begun_s[name]) / len(storm) for name in spent_s}
        self.storm = _counts(await self.net.crowd.tell())
        runs = [of_node[-1] for of_node in (await self.net.crowd.runs(storm)).values()]
        self.joined_per_s = _joined_per_s(runs)
        say(f"all are in, {self.joined_per_s:,.0f} a second: {self.storm.answers}")

    async def all_in(self, members: range) -> None:
        """Returns when each of them was taken in, or when the time for it is over."""
        until_s = time.monotonic() + IN_S_MAX
        while time.monotonic() < until_s:
            runs = await self.net.crowd.runs(members)
            missing = sum(of_node[-1].accepted_s is None for of_node in runs.values())
            if not missing:
                return
            await asyncio.sleep(LOOK_EVERY_S)
        say(f"{missing:,} nodes were not taken in within {IN_S_MAX:g} s")

    async def restart(self, *, kills: bool) -> None:
        """Half of all leave and return; the api may be killed while they do."""
        say(f"{len(self.half):,} nodes leave and return" + (", the api is killed" if kills else ""))
        await self.net.crowd.leave(self.half, RESTART_S)
        await asyncio.sleep(AWAY_S)
        killed = asyncio.create_task(self.kill_api(RESTART_S / 2)) if kills else None
        await self.net.crowd.start(self.half, RESTART_S)
        if killed is not None:
            self.back_after_s = await killed
        await self.all_in(self.half)
        await self.sweeps_pass(SWEEPS_MAX + 1)
        history = await self.history(SWEEPS_MAX + 2)
        runs = await self.net.crowd.runs(self.half)
        self.stood.append(history.standing(runs, self.net.pace.sweep_s))
        say(f"{len(self.stood[-1]):,} of {len(self.half):,} are on the roster")

    async def kill_api(self, after_s: float) -> float:
        """How long nobody was answered."""
        await asyncio.sleep(after_s)
        os.killpg(self.net.child("api").pid, signal.SIGKILL)
        begun_s = time.monotonic()
        while True:
            await asyncio.sleep(0.1)
            if await self.net.network.api.healthy():
                return time.monotonic() - begun_s

    async def sweeps_pass(self, count: int) -> None:
        """Returns when so many more sweeps have begun, and the last of them is on record."""
        sweep_s = self.net.pace.sweep_s
        last = int(time.time() // sweep_s) + count
        until_s = time.monotonic() + (count + 3) * sweep_s
        while time.monotonic() < until_s:
            answer = await self.client.get(f"/sweeps?from_tick={last}&until_tick={last + 1}")
            if answer.is_success and answer.json()["sweeps"]:
                return
            await asyncio.sleep(LOOK_EVERY_S)
        say(f"the sweep of tick {last} is not on record")

    async def history(self, ticks: int) -> SweptHistory:
        """Of the last ticks."""
        now = int(time.time() // self.net.pace.sweep_s)
        return await swept_history(self.client, range(now - ticks, now + 1))

    async def told(self) -> CallCounts:
        """What heartbeats came to since it was last asked."""
        return _counts(await self.net.crowd.tell())

    def pids(self) -> dict[str, int]:
        """The parts as they run now."""
        return {name: self.net.child(name).pid for name in PARTS}

    def spent_s(self) -> dict[str, float]:
        """The processor's seconds of each part, and of the crowd itself."""
        pids = {**self.pids(), "the crowd": self.net.crowd.pid}
        return {name: tree_cpu_s(pid) for name, pid in pids.items()}


def _counts(told: dict[str, Any]) -> CallCounts:
    return CallCounts(told["answers"], told["early"], told["p95_s"])


def _joined_per_s(runs: list[NodeRun]) -> float:
    """From the first that started to the moment when nine of ten were in."""
    accepted = sorted(run.accepted_s for run in runs if run.accepted_s is not None)
    if not accepted:
        return 0.0
    most = accepted[: max(1, round(0.9 * len(accepted)))]
    return len(most) / max(0.001, most[-1] - min(run.started_s for run in runs))
