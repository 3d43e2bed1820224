"""`make chaos-node`: how long a node takes to serve again after whatever a home network brings.

Real processes on loopback: an ingest, a publisher and NODES nodes, all struck at once, so one pass
gives NODES runs of each cause. The clock starts when the cause has gone (for a blow: when it fell)
and stops when a viewer of the node has media again, or, where only the coordinator was away, when
the node has its answer. OUTAGE_SECONDS is how long the ingest is gone.
"""

import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from agent.player import PlayError
from bench.node.chaos_causes import CAUSES, CRASHES, Strike
from bench.node.chaos_recovery import recoveries
from bench.node.chaos_scene import GIVE_UP_S, HURRIED_PACE_S, NODES, Scene, set_up
from bench.node.node_load import latency_ms, load, resident_mb
from bench.node.viewers import VIEWERS
from bench.processes import cpu_s, wait_for
from bench.report import Figure, NotMeasurableError, hand_in
from emulator.unread import quiet_when_unread

GOAL_S, CRASH_GOAL_S = 10.0, 1.5
"""Of any cause, and of a crash of the engine alone."""
CALM_S = 20.0


def main() -> None:
    """Strike, measure, print. NotMeasurableError if something never came."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, ExitStack() as stack:
        try:
            scene = set_up(Path(folder), stack)
            figures += [*_calm(scene), _latency(scene), *_load(scene)]
            _hurry_heartbeats(scene)
            for name, strike in CAUSES.items():
                figures += _measure(scene, name, strike)
        except (PlayError, AssertionError) as e:
            raise NotMeasurableError(f"not measured: {e}") from e
    hand_in("chaos-node", figures)


def _measure(scene: Scene, name: str, strike: Strike) -> list[Figure]:
    """One cause on all nodes at once, and back to calm."""
    print(f"{name} …", flush=True)
    recovered = strike(scene)
    taken = asyncio.run(recoveries(scene, recovered))
    for node in scene.nodes:
        node.wait_state("live")
    goal = f"<= {CRASH_GOAL_S if name in CRASHES else GOAL_S:g}"
    return [
        Figure(f"{name}: median of {len(taken)}", round(median(taken), 2), "s", goal),
        Figure(f"{name}: slowest", round(max(taken), 2), "s", goal),
    ]


def _calm(scene: Scene) -> list[Figure]:
    """What an agent needs while nothing happens."""
    before = [cpu_s(node.process.pid) for node in scene.nodes]
    time.sleep(CALM_S)
    shares = [
        (cpu_s(node.process.pid) - was) / CALM_S * 100
        for node, was in zip(scene.nodes, before, strict=True)
    ]
    resident = [resident_mb(node.process.pid) for node in scene.nodes]
    return [
        Figure("agent's CPU next to the relay", round(median(shares), 2), "% of a core", "<= 1"),
        Figure("agent's memory", round(max(resident), 1), "MB", "<= 60"),
    ]


def _hurry_heartbeats(scene: Scene) -> None:
    """Until every node has been told."""
    scene.coordinator.pace_s = HURRIED_PACE_S
    heard = len(scene.coordinator.beats())

    def all_sent() -> bool:
        return len({b["rtmp_port"] for b in scene.coordinator.beats()[heard:]}) == NODES

    wait_for(all_sent, "a heartbeat of every node", seconds_max=GIVE_UP_S)


def _latency(scene: Scene) -> Figure:
    """Of one node, against the ingest, packet by packet."""
    found = asyncio.run(latency_ms(scene.ingest_port, scene.nodes[0].rtmp_port))
    return Figure("latency that a node adds, p95", round(found, 2), "ms", "<= 10")


def _load(scene: Scene) -> list[Figure]:
    """Of one node with its agent, against nginx-rtmp alone."""
    found = load(scene)
    alone = "nginx-rtmp alone = 1"
    each = "agent's CPU for each viewer who comes"
    return [
        Figure(f"{VIEWERS} viewers: CPU", round(found.ratio, 2), "x", "<= 1.1", alone),
        Figure("the same without the agent", round(found.relay_ratio, 2), "x", "", alone),
        Figure(each, round(found.agent_ms_an_arrival, 2), "ms"),
        Figure(f"{VIEWERS} viewers come: CPU", round(found.arrival_ratio, 2), "x", "", alone),
    ]


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
