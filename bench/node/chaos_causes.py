"""What `make chaos-node` strikes nodes with: blows, and outages of what a node depends on.

Each cause returns when it has gone, and says how a node shows that it is well again.
"""

import asyncio
import os
import resource
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from bench.node.chaos_agents import (
    agents_killed,
    folder_read_only,
    key_damaged,
    key_readable,
    ports_of,
    see_rights_restored,
)
from bench.node.chaos_recovery import Recovery, hears_again, plays, recoveries
from bench.node.chaos_scene import GIVE_UP_S, Scene
from bench.node.viewers import VIEWERS, crowd, until_media
from bench.processes import wait_for
from tests.e2e.agents import AgentProcess, WrongClock
from tests.e2e.certificates import certificate, served_with
from tests.e2e.watched import HOST

INGEST_OUTAGE_S = float(os.environ.get("OUTAGE_SECONDS", "60"))
FROZEN_S = min(INGEST_OUTAGE_S, 20.0)
# Long enough for every wait between two attempts to have grown to its limit.
OUTAGE_S = 25.0

Strike = Callable[[Scene], Recovery]
Outage = Callable[[Scene], AbstractContextManager[Recovery]]


def _lasting(seconds: float, outage: Outage) -> Strike:
    """A cause that is there for a while."""

    def strike(scene: Scene) -> Recovery:
        with outage(scene) as recovered:
            time.sleep(seconds)
        return recovered

    return strike


# -- blows -----------------------------------------------------------------------------------


def _relays(blow: signal.Signals) -> Strike:
    def strike(scene: Scene) -> Recovery:
        for node in scene.nodes:
            os.kill(node.relay_pid(), blow)
        return plays

    return strike


def _plays_after(strike: Callable[[Scene], None]) -> Strike:
    """For what ends nodes and starts them again."""

    def struck(scene: Scene) -> Recovery:
        strike(scene)
        return plays

    return struck


def _key_readable(scene: Scene) -> Recovery:
    key_readable(scene)

    async def recovered(scene: Scene, node: AgentProcess, begun_s: float) -> float:
        taken_s = await plays(scene, node, begun_s)
        see_rights_restored(scene, node)
        return taken_s

    return recovered


def _crowd(scene: Scene) -> Recovery:
    """Two hundred viewers come to each node at once, watch, and are gone without a goodbye."""
    for node in scene.nodes:
        asyncio.run(crowd(node.rtmp_port))
    return plays


def _publisher_again(scene: Scene) -> Recovery:
    scene.publisher.stop()
    _publish_anew(scene, size="320x180")
    return plays


def _publish_anew(scene: Scene, size: str = "640x360") -> None:
    """Until the ingest has the new stream, and not the end of the old one."""
    scene.ingest.wait_state("waiting")
    scene.publish(size)
    asyncio.run(until_media(scene.ingest_port, GIVE_UP_S))


def _clock_off(scene: Scene) -> Recovery:
    """An hour ahead from the start of the node on, and then put right."""
    clock = WrongClock(scene.folder / "clock", 3600)
    for number, node in enumerate(scene.nodes):
        node.stop()
        scene.nodes[number] = scene.start_node(number, **clock.settings, **ports_of(node))
    asyncio.run(recoveries(scene, plays))
    clock.put_off(0)
    return plays


# -- outages: what is gone inside the block --------------------------------------------------


@contextmanager
def _ingest_gone(scene: Scene) -> Iterator[Recovery]:
    scene.ingest.process.kill()
    scene.ingest.wait()
    scene.publisher.stop()
    yield plays
    scene.start_ingest()
    _publish_anew(scene)


@contextmanager
def _ingest_frozen(scene: Scene) -> Iterator[Recovery]:
    """Agent and relay both, as a machine that swaps: nobody there can notice."""
    pids = (scene.ingest.process.pid, scene.ingest.relay_pid())
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield plays
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    scene.publisher.stop()
    _publish_anew(scene)


@contextmanager
def _ports_taken(scene: Scene) -> Iterator[Recovery]:
    """The relay dies, and another program has its port before it is back."""
    with ExitStack() as squatters:
        for node in scene.nodes:
            os.kill(node.process.pid, signal.SIGSTOP)
            os.kill(node.relay_pid(), signal.SIGKILL)
            squatters.enter_context(_squatter(node.rtmp_port))
            os.kill(node.process.pid, signal.SIGCONT)
        yield plays


@contextmanager
def _squatter(port: int) -> Iterator[None]:
    with ExitStack() as taken:

        def take() -> bool:
            try:
                taken.enter_context(socket.create_server((HOST, port)))
            except OSError:
                return False
            return True

        wait_for(take, f"a free port {port}", look_every_s=0.01)
        yield


@contextmanager
def _disk_full(scene: Scene) -> Iterator[Recovery]:
    """No byte can be written while the relay has to be started again."""
    limits = {}
    for node in scene.nodes:
        pid = node.process.pid
        limits[pid] = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, limits[pid][1]))
        os.kill(node.relay_pid(), signal.SIGKILL)
    yield plays
    for pid, limit in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


@contextmanager
def _coordinator_away(scene: Scene) -> Iterator[Recovery]:
    recovered = hears_again(scene)
    scene.coordinator.stop()
    yield recovered
    scene.coordinator.start()


def _coordinator(behaviour: str) -> Outage:
    @contextmanager
    def outage(scene: Scene) -> Iterator[Recovery]:
        recovered = hears_again(scene)
        scene.coordinator.behaviour = behaviour
        yield recovered
        asyncio.run(recoveries(scene, plays))  # the relay does not care
        scene.coordinator.behaviour = "well"

    return outage


@contextmanager
def _another_certificate(scene: Scene) -> Iterator[Recovery]:
    recovered = hears_again(scene)
    right = scene.coordinator.tls
    _serve_with(scene, served_with(certificate(scene.folder / "wrong")))
    yield recovered
    _serve_with(scene, right)


def _serve_with(scene: Scene, tls: ssl.SSLContext | None) -> None:
    scene.coordinator.stop()
    scene.coordinator.tls = tls
    scene.coordinator.start()


CRASHES: dict[str, Strike] = {
    "relay killed": _relays(signal.SIGKILL),
    "relay crashes": _relays(signal.SIGSEGV),
}
CAUSES: dict[str, Strike] = {
    **CRASHES,
    "relay frozen": _relays(signal.SIGSTOP),
    "agent killed and started again": _plays_after(agents_killed),
    f"{VIEWERS} viewers come and go": _crowd,
    "publisher restarts with another size": _publisher_again,
    "ingest frozen": _lasting(FROZEN_S, _ingest_frozen),
    f"ingest gone for {INGEST_OUTAGE_S:g} s": _lasting(INGEST_OUTAGE_S, _ingest_gone),
    "port taken": _lasting(OUTAGE_S, _ports_taken),
    "disk full": _lasting(OUTAGE_S, _disk_full),
    "/data read-only: started on it": _plays_after(folder_read_only),
    "key damaged, and restored": _plays_after(key_damaged),
    "key readable by all": _key_readable,
    "coordinator away": _lasting(OUTAGE_S, _coordinator_away),
    "coordinator answers 500": _lasting(OUTAGE_S, _coordinator("broken")),
    "coordinator answers nonsense": _lasting(OUTAGE_S, _coordinator("nonsense")),
    "coordinator slow": _lasting(OUTAGE_S, _coordinator("slow")),
    "coordinator with another certificate": _lasting(OUTAGE_S, _another_certificate),
    "clock off by an hour": _clock_off,  # the last: nodes keep that clock
}
