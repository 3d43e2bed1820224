"""A small real network for trials: an ingest, honest relays of five kinds, and every cheat.

Everything is a process of its own on loopback, and is gone when the `with` block ends. The
publisher's picture has noise: an encoder that gets the same frames makes the same bytes, and
whoever starts the same film within the lag bound *is* live, byte for byte.
"""

import asyncio
import base64
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent.relay.engines.engine import RelayTask
from agent.relay.engines.rtmp_relay import RtmpRelay
from agent.relay.restream.configuration import Configuration
from agent.settings import FLUSH_MS
from bench.directory import Directory
from bench.report import ROOT
from coordinator.adapters.media.rtmp_probe import RtmpProbe
from emulator import publisher
from emulator.cheats import PROGRAMS
from emulator.processes.ports import LOOPBACK, Ports
from emulator.processes.supervisor import Child, Command, Supervisor
from rtmp.addresses import RtmpAddress

STREAM, OTHER_STREAM = "show", "another"
SEEDS = {STREAM: 11, OTHER_STREAM: 23}
PUBLISHED_SECONDS_MAX = 40.0
THROTTLE_BYTES_PER_S = 125_000
"""1.5 times what the stream needs."""
HONEST = ("1 hop", "2 hops", "ffmpeg relay", "throttled", "slow line")


@dataclass(frozen=True, slots=True)
class Subject:
    """A node that is tried. `kind` is `honest` or the name of its cheat."""

    name: str
    kind: str
    rtmp_port: int
    stats_port: int

    @property
    def is_honest(self) -> bool:
        """Whether every failure of it is a mistake of ours."""
        return self.kind == "honest"


@dataclass
class Stage:
    """A running network. Made by `staged`."""

    folder: Path
    supervisor: Supervisor
    ports: Ports
    directory: Directory
    directory_port: int
    ingest_port: int
    hooks_port: int
    engine: str
    """Of the honest nodes; the ingest is always of restream."""
    subjects: list[Subject] = field(default_factory=list)

    @property
    def source(self) -> RtmpAddress:
        """Where the ingest serves the stream."""
        return RtmpAddress(LOOPBACK, self.ingest_port, "live", STREAM)

    async def start(self, cheats: Iterable[str]) -> None:
        """Starts everything; whether it serves is for the caller to see."""
        await self._restream("ingest", self.ingest_port, None)
        for stream, seed in SEEDS.items():
            url = f"rtmp://{LOOPBACK}:{self.ingest_port}/live/{stream}"
            await listening(self.ingest_port)
            await self._run(f"publisher {stream}", publisher.argv(url, seed, None))
        await self._published()
        await self._start_honest()
        for kind in cheats:
            await self._start_cheat(kind)

    async def _published(self) -> None:
        """Returns when the streams can be played: an ffmpeg relay that comes before them ends."""
        probe = RtmpProbe(now=time.time)
        async with asyncio.timeout(PUBLISHED_SECONDS_MAX):
            for stream in SEEDS:
                address = RtmpAddress(LOOPBACK, self.ingest_port, "live", stream)
                while not (await probe.capture(address, 1.5)).packets:
                    pass

    async def _start_honest(self) -> None:
        honest = {
            name: Subject(name, "honest", self.ports.any(), self.ports.any()) for name in HONEST
        }
        one, two, copied, throttled, slow = honest.values()
        await self._relay(one.name, one.rtmp_port, self.ingest_port)
        await self._relay(two.name, two.rtmp_port, one.rtmp_port)
        await self._relay(copied.name, copied.rtmp_port, None)
        await listening(copied.rtmp_port)
        to = f"rtmp://{LOOPBACK}:{copied.rtmp_port}/live/{STREAM}"
        relay = ("-i", self.source.url, "-c", "copy", "-f", "flv", to)
        await self._run("relay", ("ffmpeg", "-nostdin", "-loglevel", "warning", *relay))
        await self._link(throttled, one, "--rate", str(THROTTLE_BYTES_PER_S))
        await self._link(slow, one, "--delay", "0.1", "--jitter", "0.05", "--stall", "1")
        self.subjects += honest.values()
        self.directory.listed_rtmp_ports.append(one.rtmp_port)
        # The neighbour that cheats borrow from has statistics of its own; `dead` serves just those.
        await self._claims(one, PROGRAMS["dead"], "statistics of 1 hop")

    async def _start_cheat(self, kind: str) -> None:
        subject = Subject(kind, kind, self.ports.any(), self.ports.any())
        await self._claims(subject, PROGRAMS[kind], kind)
        self.subjects.append(subject)

    async def _claims(self, subject: Subject, program: tuple[str, ...], name: str) -> None:
        """A program that announces itself, with or without something to show for it."""
        env = {
            "COORDINATOR_URL": f"http://{LOOPBACK}:{self.directory_port}",
            "STREAM_ID": STREAM,
            "BIND_ADDRESS": LOOPBACK,
            "RTMP_PORT": str(subject.rtmp_port),
            "STATS_PORT": str(subject.stats_port),
            "SOURCE_SEED": str(SEEDS[STREAM]),
        }
        await self._run(name, (sys.executable, "-m", *program), env)

    async def _relay(self, name: str, port: int, pull_from: int | None) -> None:
        """A node's engine alone, as an agent would run it; without a source it is published to."""
        if self.engine == RtmpRelay.name:
            await self._rtmp_relay(name, port, pull_from)
        else:
            await self._restream(name, port, pull_from)

    async def _rtmp_relay(self, name: str, port: int, pull_from: int | None) -> None:
        folder = self.folder / f"relay-{port}"
        folder.mkdir()
        source = RtmpAddress(LOOPBACK, pull_from, "live", STREAM) if pull_from else None
        relay = RtmpRelay(folder, self.ports.any())
        for file, text in relay.render(RelayTask(LOOPBACK, port, STREAM, source), LOOPBACK).items():
            (folder / file).write_text(text)
        await self._run(name, tuple(relay.command()), cwd=folder)

    async def _restream(self, name: str, port: int, pull_from: int | None) -> None:
        upstream = f"rtmp://{LOOPBACK}:{pull_from}/live/{STREAM}" if pull_from else ""
        configuration = self.folder / f"relay-{port}.json"
        told = Configuration(
            bind_address=LOOPBACK,
            rtmp_port=port,
            stream_id=STREAM if pull_from else "",
            upstream_url=upstream,
            upstream_ip=LOOPBACK if pull_from else "",
            hooks=f"http://{LOOPBACK}:{self.hooks_port}",
            statistics=str(self.folder / f"relay-{port}.sock"),
            flush_ms=FLUSH_MS,
            mark_key_file=self._mark_key_file() if name == "ingest" else "",
        )
        configuration.write_text(told.to_json())
        argv = (sys.executable, "-m", "agent.relay.restream", str(configuration))
        await self._run(name, argv, {"PYTHONPATH": f"{ROOT / 'node_image'}{os.pathsep}{ROOT}"})

    def _mark_key_file(self) -> str:
        """The ingest signs its streams, as one that an agent runs does."""
        key_file = self.folder / "marks.key"
        key_file.write_text(base64.urlsafe_b64encode(os.urandom(32)).decode("ascii").rstrip("="))
        return str(key_file)

    async def _link(self, subject: Subject, to: Subject, *shape: str) -> None:
        ends = (f"{LOOPBACK}:{subject.rtmp_port}", f"{LOOPBACK}:{to.rtmp_port}")
        await self._run(subject.name, (sys.executable, "-m", "emulator.link", *ends, *shape))

    async def _run(
        self,
        name: str,
        argv: tuple[str, ...],
        own: dict[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> Child:
        env = {"PATH": f"{os.environ['PATH']}:/usr/sbin", "TMPDIR": str(self.folder)}
        env |= {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
        return await self.supervisor.start(Command(name, argv, env | (own or {}), cwd, layer=1))

    def deaths(self) -> str:
        """What ended although nobody asked it to, with its last words; empty if nothing did."""
        return "\n".join(
            "\n".join([str(death), *(f"  {line}" for line in death.output[-5:])])
            for death in self.supervisor.deaths
        )


async def _yes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Lets whoever asks play and publish, as the agents here would."""
    await reader.read(65_536)
    writer.write(b"HTTP/1.0 204 No Content\r\n\r\n")
    writer.close()


@asynccontextmanager
async def staged(logs: Path, engine: str) -> AsyncIterator[Stage]:
    """A stage, not started yet; leaves nothing behind but its logs.

    Of `rtmp_relay` the program on PATH is run."""
    ports, folder = Ports(), Path(tempfile.mkdtemp(prefix="stage-"))
    try:
        async with Supervisor(logs, scratch=folder) as supervisor:
            ingest_port, directory_port = ports.any(), ports.any()
            at = f"rtmp://{LOOPBACK}:{ingest_port}/live"
            directory = Directory({name: f"{at}/{name}" for name in SEEDS})
            answering = asyncio.create_task(directory.serve(directory_port))
            hooks = await asyncio.start_server(_yes, LOOPBACK, 0)
            known = (directory, directory_port, ingest_port, hooks.sockets[0].getsockname()[1])
            try:
                async with hooks:
                    yield Stage(folder, supervisor, ports, *known, engine)
            finally:
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)
    finally:
        ports.close()
        shutil.rmtree(folder, ignore_errors=True)


async def listening(port: int, seconds_max: float = 20.0) -> None:
    """Returns when somebody listens there. Raises TimeoutError."""
    async with asyncio.timeout(seconds_max):
        while True:
            try:
                _, writer = await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
