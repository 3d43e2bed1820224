"""What `make chaos-node` strikes nodes with, and when they are well again."""

import asyncio
import os
import resource
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager

from agent.doctor.rtmp_player import PlayError, play
from agent.streams import RtmpUrl
from bench.chaos_agents import (
    agents_killed,
    folder_read_only,
    key_damaged,
    key_readable,
    ports_of,
    see_rights_restored,
)
from bench.chaos_scene import GIVE_UP_S, MeasureError, Scene
from bench.node_load import VIEWERS, crowd
from tests.e2e.agent_stand_ins import HOST, STREAM_ID, AgentProcess, WrongClock
from tests.e2e.certificates import certificate, served_with

OUTAGE_S = float(os.environ.get("OUTAGE_SECONDS", "60"))
# Long enough for every wait between two attempts to have grown to its limit.
COORDINATOR_OUTAGE_S = 25.0
Recovery = Callable[[Scene, AgentProcess, float], Awaitable[float]]


async def recoveries(scene: Scene, recovered: Recovery) -> list[float]:
    """Seconds that each node took, from now."""
    begun_s = time.monotonic()
    return await asyncio.gather(*(recovered(scene, node, begun_s) for node in scene.nodes))


# -- when a node is well again ------------------------------------------------------------


async def _plays(_: Scene, node: AgentProcess, begun_s: float) -> float:
    await _until_media(node.rtmp_port)
    return time.monotonic() - begun_s


async def _until_media(port: int) -> None:
    until_s = time.monotonic() + GIVE_UP_S
    while time.monotonic() < until_s:
        try:
            await play(RtmpUrl(HOST, port, "live", STREAM_ID), seconds=0.0, seconds_max=1.0)
            return
        except PlayError:
            await asyncio.sleep(0.05)
    raise MeasureError(f"no media on port {port} within {GIVE_UP_S:g} s")


def _hears_again(scene: Scene) -> Recovery:
    """The coordinator's answer is there again; the relay never stopped meanwhile."""
    before = {id(node): len(node.events("coordinator_back")) for node in scene.nodes}

    async def recovered(_: Scene, node: AgentProcess, begun_s: float) -> float:
        while len(node.events("coordinator_back")) <= before[id(node)]:
            if time.monotonic() - begun_s > GIVE_UP_S:
                raise MeasureError(f"a node never heard the coordinator again\n{node.output}")
            await asyncio.sleep(0.05)
        return time.monotonic() - begun_s

    return recovered


# -- causes: each returns when it has gone ---------------------------------------------------

Strike = Callable[[Scene], Recovery]


def _relays(blow: signal.Signals) -> Strike:
    def strike(scene: Scene) -> Recovery:
        for node in scene.nodes:
            os.kill(node.relay_pid(), blow)
        return _plays

    return strike


def _plays_after(strike: Callable[[Scene], None]) -> Strike:
    """For what ends nodes and starts them again."""

    def struck(scene: Scene) -> Recovery:
        strike(scene)
        return _plays

    return struck


def _key_readable(scene: Scene) -> Recovery:
    key_readable(scene)

    async def recovered(scene: Scene, node: AgentProcess, begun_s: float) -> float:
        taken_s = await _plays(scene, node, begun_s)
        see_rights_restored(scene, node)
        return taken_s

    return recovered


def _crowd(scene: Scene) -> Recovery:
    """Two hundred viewers come to each node at once, watch, and are gone without a goodbye."""
    for node in scene.nodes:
        asyncio.run(crowd(node.rtmp_port))
    return _plays


def _disk_full(scene: Scene) -> Recovery:
    """No byte can be written while the relay has to be started again."""
    limits = {}
    for node in scene.nodes:
        pid = node.process.pid
        limits[pid] = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, limits[pid][1]))
        os.kill(node.relay_pid(), signal.SIGKILL)
    time.sleep(COORDINATOR_OUTAGE_S)  # the outage itself
    for pid, limit in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
    return _plays


def _clock_off(scene: Scene) -> Recovery:
    """An hour ahead from the start of the node on, and then put right."""
    clock = WrongClock(scene.folder / "clock", 3600)
    for number, node in enumerate(scene.nodes):
        node.stop()
        scene.nodes[number] = scene.start_node(number, **clock.settings, **ports_of(node))
    asyncio.run(recoveries(scene, _plays))
    clock.put_off(0)
    return _plays


def _ingest_gone(scene: Scene) -> Recovery:
    scene.publisher.process.kill()
    scene.ingest.process.kill()
    scene.ingest.wait()
    time.sleep(OUTAGE_S)
    scene.start_ingest()
    scene.publish()
    asyncio.run(_until_media(scene.ingest_port))
    return _plays


def _publisher_again(scene: Scene) -> Recovery:
    scene.publisher.process.terminate()
    scene.publisher.wait()
    scene.ingest.wait_state("waiting")
    scene.publish(size="320x180")
    asyncio.run(_until_media(scene.ingest_port))
    return _plays


def _ingest_frozen(scene: Scene) -> Recovery:
    """Agent and relay both, as a machine that swaps: nobody there can notice."""
    pids = (scene.ingest.process.pid, scene.ingest.relay_pid())
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(min(OUTAGE_S, 20.0))
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    scene.publisher.stop()
    scene.ingest.wait_state("waiting")
    scene.publish()
    asyncio.run(_until_media(scene.ingest_port))
    return _plays


def _coordinator(mood: str) -> Strike:
    def strike(scene: Scene) -> Recovery:
        recovered = _hears_again(scene)
        scene.coordinator.mood = mood
        time.sleep(COORDINATOR_OUTAGE_S)  # the outage itself
        asyncio.run(recoveries(scene, _plays))  # the relay does not care
        scene.coordinator.mood = "well"
        return recovered

    return strike


def _coordinator_away(scene: Scene) -> Recovery:
    recovered = _hears_again(scene)
    scene.coordinator.stop()
    time.sleep(COORDINATOR_OUTAGE_S)  # the outage itself
    scene.coordinator.start()
    return recovered


def _another_certificate(scene: Scene) -> Recovery:
    recovered = _hears_again(scene)
    right = scene.coordinator.tls
    scene.coordinator.stop()
    scene.coordinator.tls = served_with(certificate(scene.folder / "wrong"))
    scene.coordinator.start()
    time.sleep(COORDINATOR_OUTAGE_S)  # the outage itself
    scene.coordinator.stop()
    scene.coordinator.tls = right
    scene.coordinator.start()
    return recovered


def _ports_taken(scene: Scene) -> Recovery:
    """The relay dies, and another program has its port before it is back."""
    with ExitStack() as squatters:
        for node in scene.nodes:
            os.kill(node.process.pid, signal.SIGSTOP)
            os.kill(node.relay_pid(), signal.SIGKILL)
            squatters.enter_context(_squatter(node.rtmp_port))
            os.kill(node.process.pid, signal.SIGCONT)
        time.sleep(COORDINATOR_OUTAGE_S)  # the outage itself
    return _plays


@contextmanager
def _squatter(port: int) -> Iterator[None]:
    until_s = time.monotonic() + GIVE_UP_S
    while True:
        try:
            taken = socket.create_server((HOST, port))
            break
        except OSError as e:
            if time.monotonic() > until_s:
                raise MeasureError(f"port {port} never became free") from e
            time.sleep(0.01)
    with taken:
        yield


CAUSES: dict[str, Strike] = {
    "relay killed": _relays(signal.SIGKILL),
    "relay frozen": _relays(signal.SIGSTOP),
    "agent killed and started again": _plays_after(agents_killed),
    f"{VIEWERS} viewers come and go": _crowd,
    "publisher restarts with another size": _publisher_again,
    "ingest frozen": _ingest_frozen,
    f"ingest gone for {OUTAGE_S:g} s": _ingest_gone,
    "port taken": _ports_taken,
    "disk full": _disk_full,
    "/data read-only: started on it": _plays_after(folder_read_only),
    "key damaged, and restored": _plays_after(key_damaged),
    "key readable by all": _key_readable,
    "coordinator away": _coordinator_away,
    "coordinator answers 500": _coordinator("broken"),
    "coordinator answers nonsense": _coordinator("nonsense"),
    "coordinator slow": _coordinator("slow"),
    "coordinator with another certificate": _another_certificate,
    "clock off by an hour": _clock_off,  # the last: nodes keep that clock
}
