"""What `make bench-relay` measures: a node of ours and nginx-rtmp, which pull from one ingest."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from bench.node.node_load import bare_nginx
from bench.node.viewers import until_media
from bench.report import NotMeasurableError
from tests.e2e.agents import AgentProcess, examined
from tests.e2e.coordinator_stand_in import INGEST_KEY, STREAM_ID, STREAM_KEY, CoordinatorStandIn
from tests.e2e.watched import HOST, Watched
from tests.ports import free_port

ENGINE = "restream"
START_S_MAX = 20.0
KEY_EVERY_S = 2
FILM_S = 20
FILM_S_MAX = 120.0


class Film(NamedTuple):
    """What is published: a test picture with noise, and a tone."""

    kbit_a_second: int
    pictures_a_second: int = 30
    sound_kbit: int = 96
    """0: it is silent."""

    def recorded(self, folder: Path) -> Path:
        """A recording at a constant rate; made once."""
        path = folder / f"{self.kbit_a_second}.flv"
        if not path.exists():
            made = Watched(self._command(path))
            try:
                if made.wait(FILM_S_MAX):
                    raise NotMeasurableError(f"ffmpeg makes no recording: {made.output}")
            finally:
                made.stop()
        return path

    def _command(self, path: Path) -> list[str]:
        rate, pictures = f"{self.kbit_a_second - self.sound_kbit}k", self.pictures_a_second
        sound = ("-c:a", "aac", "-b:a", f"{self.sound_kbit}k") if self.sound_kbit else ("-an",)
        return [
            *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"),
            *("-f", "lavfi", "-i", f"testsrc2=size=640x360:rate={pictures}"),
            *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-t", str(FILM_S)),
            *("-vf", "noise=alls=24:allf=t", "-pix_fmt", "yuv420p", "-c:v", "libx264"),
            *("-preset", "ultrafast", "-g", str(KEY_EVERY_S * pictures), "-b:v", rate),
            *("-minrate", rate, "-maxrate", rate, "-bufsize", rate),
            *("-x264-params", "nal-hrd=cbr", *sound, str(path)),
        ]


@dataclass
class RelayScene:
    """Everything that runs."""

    folder: Path
    stack: ExitStack
    coordinator: CoordinatorStandIn
    ports: dict[str, str] = field(
        default_factory=lambda: {"RTMP_PORT": str(free_port()), "STATS_PORT": str(free_port())}
    )
    publisher: Watched | None = None

    @property
    def ingest_port(self) -> int:
        """Where publishers and nodes go."""
        return int(self.ports["RTMP_PORT"])

    def start_ingest(self) -> None:
        """On the same ports each time."""
        settings = {"ROLE": "ingest", "INGEST_KEY": INGEST_KEY, "RELAY_ENGINE": ENGINE}
        folder, url = self.folder / "ingest", self.coordinator.url
        self.ingest = AgentProcess(folder, url, **settings, **self.ports)
        self.stack.callback(self.ingest.stop)
        self.ingest.wait_until("ingest up", lambda: self.ingest.get("/healthz")[0] == 200)

    def start_node(self) -> None:
        """The one that is measured; each is a new one."""
        settings = {"STREAM_ID": STREAM_ID, "RELAY_ENGINE": ENGINE}
        folder = examined(Path(mkdtemp(dir=self.folder)) / "node")
        self.node = AgentProcess(folder, self.coordinator.url, **settings)
        self.stack.callback(self.node.stop)

    def start_peer(self) -> None:
        """nginx-rtmp alone."""
        self.peer_pid, self.peer_port = self.stack.enter_context(
            bare_nginx(self.folder, self.ingest_port)
        )

    def publish(self, film: Film) -> None:
        """From now on this comes, in place of what came before."""
        self.stop_publishing()
        target = f"rtmp://{HOST}:{self.ingest_port}/live/{STREAM_ID}?key={STREAM_KEY}"
        recording = str(film.recorded(self.folder))
        self.publisher = Watched(
            [
                *("ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1"),
                *("-i", recording, "-c", "copy", "-f", "flv", target),
            ]
        )
        self.stack.callback(self.publisher.stop)
        asyncio.run(until_media(self.ingest_port, START_S_MAX))

    def stop_publishing(self) -> None:
        """Nothing comes any more."""
        if self.publisher:
            self.publisher.process.terminate()
            self.publisher.process.wait(10)

    def clients(self) -> list[int]:
        """The processes that are not measured."""
        publisher = [self.publisher.process.pid] if self.publisher else []
        return [*publisher, self.ingest.process.pid, self.ingest.relay_pid()]


@contextmanager
def set_up(folder: Path, film: Film) -> Iterator[RelayScene]:
    """Everything up and live."""
    with ExitStack() as stack:
        coordinator = CoordinatorStandIn("")
        scene = RelayScene(folder, stack, coordinator)
        coordinator.ingest_url = f"rtmp://{HOST}:{scene.ingest_port}/live/{STREAM_ID}"
        coordinator.start()
        stack.callback(coordinator.stop)
        scene.start_ingest()
        scene.publish(film)
        scene.start_node()
        scene.node.wait_state("live")
        scene.start_peer()
        yield scene
