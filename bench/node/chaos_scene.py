"""The network that `make chaos-node` strikes: agents, ingest, publisher and coordinator."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.agents import AgentProcess
from tests.e2e.certificates import certificate, served_with
from tests.e2e.coordinator_stand_in import INGEST_KEY, STREAM_ID, CoordinatorStandIn
from tests.e2e.ffmpeg import publisher
from tests.e2e.watched import HOST, Watched
from tests.ports import free_port

NODES = int(os.environ.get("NODES", "5"))
# The pace that the coordinator asks for; only so can its absence be noticed within an outage.
PACE_S, HURRIED_PACE_S = 30.0, 1.0
GIVE_UP_S = 90.0


@dataclass
class Scene:
    """Everything that runs."""

    folder: Path
    stack: ExitStack
    coordinator: CoordinatorStandIn
    ingest_ports: dict[str, str] = field(
        default_factory=lambda: {"RTMP_PORT": str(free_port()), "STATS_PORT": str(free_port())}
    )
    nodes: list[AgentProcess] = field(default_factory=list)

    @property
    def ingest_port(self) -> int:
        """Where publishers and nodes go."""
        return int(self.ingest_ports["RTMP_PORT"])

    def start_ingest(self) -> AgentProcess:
        """The ingest, on the same ports each time."""
        settings = {"ROLE": "ingest", "INGEST_KEY": INGEST_KEY, **self.authority}
        self.ingest = AgentProcess(
            self.folder / "ingest", self.coordinator.url, **settings, **self.ingest_ports
        )
        self.stack.callback(self.ingest.stop)
        self.ingest.wait_until("ingest up", lambda: self.ingest.get("/healthz")[0] == 200)
        return self.ingest

    def start_node(self, number: int, wrapper: Sequence[str] = (), **settings: str) -> AgentProcess:
        """A node; its number decides which key it has."""
        own = {"STREAM_ID": STREAM_ID, **self.authority, **settings}
        folder = self.folder / f"node-{number}"
        node = AgentProcess(folder, self.coordinator.url, wrapper=wrapper, **own)
        self.stack.callback(node.stop)
        return node

    def publish(self, size: str = "640x360") -> Watched:
        """Somebody publishes, until stopped."""
        self.publisher = publisher(self.ingest_port, size=size)
        self.stack.callback(self.publisher.stop)
        return self.publisher

    @property
    def authority(self) -> dict[str, str]:
        """What makes agents trust the coordinator's certificate."""
        return {"COORDINATOR_CA": str(self.folder / "right" / "certificate.pem")}


def set_up(folder: Path, stack: ExitStack) -> Scene:
    """Everything up and live."""
    coordinator = CoordinatorStandIn("")
    coordinator.tls = served_with(certificate(folder / "right"))
    coordinator.pace_s = PACE_S
    scene = Scene(folder, stack, coordinator)
    coordinator.ingest_url = f"rtmp://{HOST}:{scene.ingest_port}/live/{STREAM_ID}"
    coordinator.start()
    stack.callback(coordinator.stop)
    scene.start_ingest()
    scene.publish()
    scene.nodes = [scene.start_node(number) for number in range(NODES)]
    for node in scene.nodes:
        node.wait_state("live")
    return scene
