"""`make bench-relay`: what a node's relay costs and takes, beside nginx-rtmp in the same run.

Real processes on loopback: an ingest, a publisher of a recording, a node with its agent, and
nginx-rtmp alone, both of which pull from the ingest. The relays have one core, and everything else
has the other. Nothing is left behind.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from agent.player import PlayError
from bench.node.node_load import latency_ms
from bench.node.relay_arrivals import ARRIVALS, first_key_frames_ms
from bench.node.relay_cost import compared
from bench.node.relay_memory import crowded_mb, idle_kb, slow_kb
from bench.node.relay_return import PULLERS, returned
from bench.node.relay_scene import Film, RelayScene, set_up
from bench.node.viewers import until_media
from bench.processes import MeasuredChild, pinned, two_cores
from bench.report import Figure, NotMeasurableError, hand_in
from emulator.unread import quiet_when_unread

FEW, MANY = 200, 1_000
SLIM, RICH = Film(600), Film(4_000)
ROUNDS = int(os.environ.get("ROUNDS", "3"))
MEDIA_S_MAX = 20.0
_PEER = "nginx-rtmp"


def main() -> None:
    """Measure and print. NotMeasurableError if something never came."""
    with tempfile.TemporaryDirectory(prefix="bench-relay-") as folder:
        try:
            with set_up(Path(folder), SLIM) as scene:
                figures = _figures(scene)
        except (PlayError, AssertionError) as e:
            raise NotMeasurableError(f"not measured: {e}") from e
    hand_in("bench-relay", figures)


def _figures(scene: RelayScene) -> list[Figure]:
    client_core, server_core = two_cores()
    relay_pid = scene.node.relay_pid()
    command = [sys.executable, "-m", "bench.node.crowd"]
    with (
        pinned(server_core, [relay_pid, scene.peer_pid]),
        pinned(client_core, [os.getpid(), scene.node.process.pid, *scene.clients()]),
        MeasuredChild(command, client_core, scene.folder / "crowd.log") as crowd,
    ):
        # Memory first, of a relay that has held nothing yet: what it once had it may keep.
        idle = idle_kb(crowd, relay_pid, scene.node.rtmp_port)
        figures = [*_slim(scene, crowd), *_times(scene)]
        figures += [
            Figure("memory of an idle viewer that holds a half message", idle, "kB", "<= 100"),
            *_rich(scene, crowd),
        ]
    scene.node.stop()
    back = returned(scene, client_core)
    return [
        *figures,
        Figure(f"{PULLERS:,} pullers, ingest restarted: all back", back.all_back_s, "s", "<= 30"),
        Figure("the same: most connections within a second", back.peak, "", "<= 100"),
    ]


def _slim(scene: RelayScene, crowd: MeasuredChild) -> list[Figure]:
    """Many small streams: a relay's work is writes, and not bytes."""
    figures = []
    for viewers, goal in ((FEW, "<= 0.7"), (MANY, "<= 0.5")):
        found = compared(scene, crowd, viewers, ROUNDS)
        ours, theirs = found.median(lambda cost: cost.cores)
        figures += [
            Figure(
                f"CPU, {viewers:,} viewers x 0.6 Mbit/s", found.ratio, "x", goal, f"{_PEER} = 1"
            ),
            Figure("the same", ours, "core", "", f"{_PEER}: {theirs:.3f}"),
        ]
    memory_mb = crowded_mb(scene, crowd, MANY)
    name = f"memory with {MANY:,} viewers, and its agent"
    return [*figures, Figure(name, memory_mb, "MB", "<= 150")]


def _rich(scene: RelayScene, crowd: MeasuredChild) -> list[Figure]:
    """Few large ones."""
    scene.publish(RICH)
    for port in (scene.node.rtmp_port, scene.peer_port):
        asyncio.run(until_media(port, MEDIA_S_MAX))
    found = compared(scene, crowd, FEW, ROUNDS)
    ours, theirs = found.median(lambda cost: cost.cores_a_gbit)
    # One that has held a crowd would find room for a viewer in what it kept.
    scene.node.stop()
    scene.start_node()
    scene.node.wait_state("live")
    slow = slow_kb(crowd, scene.node.relay_pid(), scene.node.rtmp_port)
    name = f"CPU, {FEW} viewers x 4 Mbit/s"
    return [
        Figure(name, ours, "core per Gbit/s", "<= 0.10", f"{_PEER}: {theirs:.3f}"),
        Figure("memory of a slow viewer, with the kernel's", slow / 1e3, "MB", "<= 2"),
    ]


def _times(scene: RelayScene) -> list[Figure]:
    """How soon there is a picture, and how late each one is."""
    ours, theirs = (
        asyncio.run(first_key_frames_ms(port, seed=7))
        for port in (scene.node.rtmp_port, scene.peer_port)
    )
    added = asyncio.run(latency_ms(scene.ingest_port, scene.node.rtmp_port))
    bare = asyncio.run(latency_ms(scene.ingest_port, scene.peer_port))
    name = f"connection to first key frame, p95 of {ARRIVALS}"
    return [
        Figure(name, ours, "ms", "<= 150", f"{_PEER}: {theirs:.0f}"),
        Figure("latency that a node adds, p95", added, "ms", "<= 60", f"{_PEER}: {bare:.0f}"),
    ]


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
