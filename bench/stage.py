"""A small real network for trials: an ingest, honest nodes of many kinds, and every cheat.

Everything is a process of its own on loopback, and is gone when the `with` block ends. Pictures
have noise: an encoder that gets the same frames makes the same bytes, and whoever starts the same
film within the lag bound *is* live, byte for byte.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.cheat_kinds import CONTENT
from bench.directory import Directory
from bench.kinds.honest_kinds import LIVE, NEIGHBOUR, HonestKind
from bench.kinds.nodes import RESTREAM_PATH, Nodes, Task
from bench.kinds.recordings import made
from bench.kinds.scripts import CORNERS, PUBLISHERS
from bench.programs import Programs, listening
from bench.stage_agents import StageAgents, made_mark_key
from coordinator.adapters.media.rtmp_reader import RtmpReader
from coordinator.proof.captures import CapturePlan
from emulator import publisher
from emulator.cheats import PROGRAMS
from emulator.processes.ports import LOOPBACK, Ports
from emulator.processes.supervisor import Supervisor
from rtmp.addresses import RtmpAddress

OTHER_STREAM = "another"
"""What a cheat serves that pulls the wrong one."""
SEEDS = {LIVE: 11, OTHER_STREAM: 23}
PUBLISHED_SECONDS_MAX = 150.0
"""A machine that is busy reads all recordings in so long."""
LOOK_S, LOOK_EVERY_S = 1.5, 0.3
HONEST = "honest"


@dataclass(frozen=True, slots=True)
class Subject:
    """A node that is tried. `kind` is `honest` or the name of its cheat."""

    name: str
    kind: str
    address: RtmpAddress
    stats_port: int

    @property
    def is_honest(self) -> bool:
        """Whether every failure of it is a mistake of ours."""
        return self.kind == HONEST

    @property
    def stream(self) -> str:
        """What it serves."""
        return self.address.name


@dataclass
class Stage:
    """A running network. Made by `staged`."""

    programs: Programs
    ports: Ports
    directory: Directory
    directory_port: int
    nodes: Nodes
    """The ingest is of restream, of whatever engine they are."""
    mark_key_file: Path
    """By which the ingest signs."""
    subjects: list[Subject] = field(default_factory=list)

    def source(self, stream: str) -> RtmpAddress:
        """Where the ingest serves a stream."""
        return RtmpAddress(LOOPBACK, self.nodes.ingest_port, "live", stream)

    async def start(self, kinds: Sequence[HonestKind], cheats: Sequence[str]) -> None:
        """Starts everything; whether it serves is for the caller to see.

        Publishers whose clocks pass a corner come last: checks are to see them do so."""
        ingest_port = self.nodes.ingest_port
        ingest = Task(ingest_port, mark_key_file=str(self.mark_key_file))
        await self.nodes.restream("ingest", ingest)
        await listening(ingest_port)
        recorded = {kind.stream for kind in kinds} & PUBLISHERS.keys()
        live = [LIVE, OTHER_STREAM] if {*map(kind_of, cheats)} & CONTENT else [LIVE]
        for stream in live:
            argv = publisher.argv(self.source(stream).url, SEEDS[stream], None)
            await self.programs.start(f"publisher {stream}", argv)
        await self._publish("publishers", sorted(recorded - CORNERS))
        await asyncio.gather(*map(self._published, [*live, *sorted(recorded - CORNERS)]))
        for kind in kinds:
            await self._start_honest(kind)
        for cheat in cheats:
            await self._start_cheat(cheat)
        await self._publish("late publishers", sorted(recorded & CORNERS))

    async def _publish(self, name: str, streams: Sequence[str]) -> None:
        for medium in {one for stream in streams for one in PUBLISHERS[stream].media}:
            await asyncio.to_thread(made, medium)
        if streams:
            told = (str(self.nodes.ingest_port), *streams)
            argv = (sys.executable, "-m", "bench.kinds.recorded_publishers", *told)
            await self.programs.start(name, argv, RESTREAM_PATH)

    async def _published(self, stream: str) -> None:
        """Returns when it can be played: an ffmpeg relay that comes before it ends."""
        reader = RtmpReader(now=time.time)
        until_s = time.monotonic() + PUBLISHED_SECONDS_MAX
        # Another process publishes, and wakes nobody here.
        while (await reader.capture(self.source(stream), CapturePlan(LOOK_S))).failure:
            if time.monotonic() > until_s:
                raise TimeoutError(f"nobody publishes {stream}: {self.programs.deaths()}")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _start_honest(self, kind: HonestKind) -> None:
        address = await self.nodes.start(kind)
        subject = Subject(kind.name, HONEST, address, self.ports.any())
        self.subjects.append(subject)
        if kind == NEIGHBOUR:
            self.directory.listed_rtmp_ports.append(address.port)
            # It has statistics of its own, which cheats borrow; `dead` serves just those.
            await self._claims(subject, PROGRAMS["dead"], f"statistics of {kind.name}")

    async def _start_cheat(self, name: str) -> None:
        address = RtmpAddress(LOOPBACK, self.ports.any(), "live", LIVE)
        subject = Subject(name, kind_of(name), address, self.ports.any())
        await self._claims(subject, PROGRAMS[subject.kind], name)
        self.subjects.append(subject)

    async def _claims(self, subject: Subject, program: tuple[str, ...], name: str) -> None:
        """A program that announces itself, with or without something to show for it."""
        env = {
            "COORDINATOR_URL": f"http://{LOOPBACK}:{self.directory_port}",
            "STREAM_ID": LIVE,
            "BIND_ADDRESS": LOOPBACK,
            "RTMP_PORT": str(subject.address.port),
            "STATS_PORT": str(subject.stats_port),
            "SOURCE_SEED": str(SEEDS[LIVE]),
        }
        await self.programs.start(name, (sys.executable, "-m", *program), env)


def kind_of(name: str) -> str:
    """The cheat that one of several of its kind is, like `cuts-at-16-s 3`."""
    return name.partition(" ")[0]


@asynccontextmanager
async def staged(logs: Path, engine: str) -> AsyncIterator[Stage]:
    """A stage, not started yet; leaves nothing behind but its logs.

    Of `rtmp_relay` the program on PATH is run."""
    ports, folder = Ports(), Path(tempfile.mkdtemp(prefix="stage-"))
    mark_key_file = folder / "marks.key"
    mark_key = made_mark_key(mark_key_file)
    try:
        async with Supervisor(logs, scratch=folder) as supervisor:
            ingest_port, directory_port = ports.any(), ports.any()
            at = f"rtmp://{LOOPBACK}:{ingest_port}/live"
            directory = Directory({name: f"{at}/{name}" for name in SEEDS})
            answering = asyncio.create_task(directory.serve(directory_port))
            hooks = await asyncio.start_server(StageAgents(mark_key).answer, LOOPBACK, 0)
            hooks_port = hooks.sockets[0].getsockname()[1]
            programs = Programs(supervisor, folder)
            nodes = Nodes(programs, ports, ingest_port, hooks_port, engine)
            try:
                async with hooks:
                    yield Stage(programs, ports, directory, directory_port, nodes, mark_key_file)
            finally:
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)
    finally:
        ports.close()
        shutil.rmtree(folder, ignore_errors=True)
