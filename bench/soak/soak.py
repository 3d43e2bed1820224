"""`make soak`: whether anything grows in a network that does not.

The whole network with 200 simulated nodes (`bench/crowd`), ten real ones and three streams, for
MINUTES. A minute takes 20 s there, and an hour one minute. Each part's memory, descriptors,
connections and processes are looked at all the time, and how often Firestore is called. Of the
second half of each series a line is drawn. It is flat if it rises by no more than twice what it
wavers by.
"""

import asyncio
import dataclasses
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import httpx

from bench.crowd.crowd_network import WISH, CrowdNetwork, crowd_network
from bench.report import BUILD, Figure, NotMeasurableError, hand_in, say
from bench.soak.call_counter import CallCounter
from bench.soak.process_samples import held_by
from bench.soak.trends import Trend, second_half
from coordinator.checking.checks import Verdict
from emulator.demo import cast
from emulator.demo.cast import Member, Staging
from emulator.processes.ports import LOOPBACK, Ports
from emulator.processes.supervisor import Death
from emulator.unread import quiet_when_unread
from tools.verify.public import PublicRecord

SIMULATED, REAL, STREAMS = 200, 10, 3
JOIN_S = 30.0
EPOCH_S = 60
"""Nodes' pages show 24 epochs: all that is kept for them has come before the second half."""
SAMPLE_EVERY_S = 10.0
MINUTES = 60
FLOORS = {
    "memory": 1.0,
    "descriptors": 2.0,
    "connections": 2.0,
    "processes": 1.0,
    "calls a minute": 1.0,
}
"""Less of a rise is no growth, however steady: megabytes, or pieces."""
NOT_OURS = {"firestore"}
"""It keeps every document in memory, as long as it runs."""
NODES = "real nodes"
CALLS = "Firestore"

Series = dict[tuple[str, str], list[tuple[float, float]]]
"""(second, value) by part and by what was measured."""


def main() -> None:
    """Lives, measures, prints."""
    try:
        minutes = float(os.environ.get("MINUTES") or MINUTES)
    except ValueError:
        raise NotMeasurableError("MINUTES is a number") from None
    hand_in("soak", asyncio.run(_measured(minutes)))


async def _measured(minutes: float) -> list[Figure]:
    deaths: list[Death] = []
    async with _counted_network(deaths) as (net, counter):
        await _join(net)
        say(f"everybody runs; measuring for {minutes:g} minutes")
        deaths.clear()
        begun_s = time.time()
        series = await _sampled(net, counter, minutes * 60)
        crowd, failed = await net.crowd.tell(), await _failed(net, begun_s)
    _keep(series, failed)
    say(f"simulated nodes stand so: {crowd['standings']}")
    reasons = Counter(str(check["reason"]) for check in failed)
    say(f"failed checks, by reason: {dict(reasons)}")
    for death in deaths:
        say(str(death))
    figures = [Figure("measured for", minutes, "minutes")]
    figures += [
        figure for (part, what), points in series.items() for figure in _row(part, what, points)
    ]
    healthy = sum(n for standing, n in crowd["standings"].items() if standing.startswith("healthy"))
    figures.append(
        Figure("simulated nodes that are well at the end", healthy, "", f">= {SIMULATED}")
    )
    figures.append(Figure("failed checks", len(failed), "", "<= 0"))
    figures.append(Figure("parts that died", len(deaths), "", "<= 0"))
    return figures


def _row(part: str, what: str, points: list[tuple[float, float]]) -> list[Figure]:
    try:
        trend = second_half(points)
    except ValueError as error:
        raise NotMeasurableError(f"{part}, {what}: {error}: give it more MINUTES") from error
    unit = "MB" if what == "memory" else ""
    goal = "" if part in NOT_OURS else f"<= {allowed(what, trend):.2f}"
    beside = f"level {trend.level:.1f}, an hour {trend.rise_an_hour:+.1f}"
    return [Figure(f"{part}: {what}: rise", round(trend.rise, 2), unit, goal, beside)]


def allowed(what: str, trend: Trend) -> float:
    """The rise that is still flat."""
    return max(2 * trend.noise, FLOORS[what])


async def _sampled(net: CrowdNetwork, counter: CallCounter, seconds: float) -> Series:
    series: Series = defaultdict(list)
    begun_s, calls, at_s = time.monotonic(), counter.calls, time.monotonic()
    while (now_s := time.monotonic()) < begun_s + seconds:
        await asyncio.sleep(SAMPLE_EVERY_S)
        before_s, before, at_s, calls = at_s, calls, time.monotonic(), counter.calls
        rate = (calls - before) / (at_s - before_s) * 60
        series[CALLS, "calls a minute"].append((at_s - begun_s, rate))
        for part, marks in _parts(net).items():
            held = await asyncio.to_thread(held_by, marks)
            for what, value in (
                ("memory", held.memory_mb),
                ("descriptors", float(held.descriptors)),
                ("connections", float(held.connections)),
                ("processes", float(held.processes)),
            ):
                series[part, what].append((at_s - begun_s, value))
        if int(now_s - begun_s) // 60 != int(at_s - begun_s) // 60:
            say(f"{(at_s - begun_s) / 60:.0f} minutes, {rate:.0f} calls of Firestore a minute")
    return series


async def _failed(net: CrowdNetwork, since_s: float) -> list[dict[str, Any]]:
    """Checks that failed since then, with their evidence: nobody here is worse than the machine."""
    check_s = net.pace.check_s
    draws = range(int(since_s // check_s), int(time.time() // check_s))
    async with httpx.AsyncClient(base_url=net.api_url, trust_env=False) as client:
        runs = await PublicRecord(client).runs(draws)
    checks = (check for run in runs for check in run.checks)
    return [asdict(check) for check in checks if check.verdict is Verdict.FAIL]


def _keep(series: Series, failed: list[dict[str, Any]]) -> None:
    """All that was measured, for whoever looks for a cause."""
    measured = {f"{part}: {what}": points for (part, what), points in series.items()}
    text = json.dumps({"series": measured, "failed": failed}, default=str)
    (BUILD / "soak" / "measured.json").write_text(text)


def _parts(net: CrowdNetwork) -> dict[str, list[str]]:
    """Marks of each part that may grow; real nodes are one."""
    names = ("firestore", *cast.FUNCTIONS, "scheduler", "ingest")
    parts = {name: [net.child(name).mark] for name in names}
    return parts | {NODES: [net.child(_name(number)).mark for number in range(REAL)]}


async def _join(net: CrowdNetwork) -> None:
    """All nodes, and the other streams with their publishers."""
    stage, streams = net.network.stage, [net.network.stream_id]
    for number in range(1, STREAMS):
        told = await net.network.api.register(
            stage.keys.sponsor, WISH | {"name": f"Other {number}"}
        )
        command = cast.publish(told.publish_url, _apart(stage, number), None)
        await net.network.supervisor.start(dataclasses.replace(command, name=f"publisher-{number}"))
        streams.append(told.stream_id)
    ports = Ports()
    for number in range(REAL):
        member = Member(_name(number), "honest", ports.any(), ports.any())
        cast.give_key(stage, member)
        # At an address of its own, as each is: all of one could be paid as one only.
        host = f"127.8.{number}.1"
        at = dataclasses.replace(stage, hosts={member.name: host})
        command = cast.node(at, member, streams[number % STREAMS])
        announced = {"PUBLIC_STATS_URL": f"http://{host}:{member.stats_port}/stats.json"}
        await net.network.supervisor.start(
            dataclasses.replace(command, env={**command.env, **announced})
        )
    await net.crowd.start(range(SIMULATED), JOIN_S)
    ports.close()


def _apart(stage: Staging, number: int) -> Staging:
    """The same with a folder of its own for a publisher's secret."""
    folder = stage.scratch / f"p{number}"
    folder.mkdir()
    return dataclasses.replace(stage, scratch=folder)


def _name(number: int) -> str:
    return f"real-{number}"


@asynccontextmanager
async def _counted_network(
    deaths: list[Death],
) -> AsyncIterator[tuple[CrowdNetwork, CallCounter]]:
    ports = Ports()
    counted = ports.any()
    counters: list[CallCounter] = []
    serving: list[asyncio.Task[None]] = []

    def between(stage: Staging) -> Staging:
        counters.append(CallCounter((LOOPBACK, stage.ports["firestore"])))
        serving.append(asyncio.create_task(counters[0].serve((LOOPBACK, counted))))
        pace = dataclasses.replace(stage.pace, epoch_s=EPOCH_S)
        return dataclasses.replace(stage, documents_host=f"{LOOPBACK}:{counted}", pace=pace)

    try:
        async with crowd_network(BUILD / "soak", SIMULATED, say, deaths.append, between) as net:
            yield net, counters[0]
    finally:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        ports.close()


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
