"""How each honest node is made: relays of four programs, and poor lines in front of them."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from agent.relay.engines.rtmp_relay import RtmpRelay
from agent.relay.restream.configuration import Configuration
from agent.settings import FLUSH_MS
from bench.kinds.honest_kinds import HonestKind
from bench.programs import Programs, listening
from bench.report import ROOT
from emulator.processes.ports import LOOPBACK, Ports
from rtmp.addresses import RtmpAddress

LOOPBACK_6 = "::1"
THROTTLE_BYTES_PER_S = 125_000
"""1.5 times what the live stream needs."""
SLOW_LINE = ("--delay", "0.1", "--jitter", "0.1", "--stall", "1")
VIEWERS = 40
NGINX_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
NGINX_CONF = """\
load_module {module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        chunk_size 4096;
        application live {{
            live on;
            idle_streams off;
            drop_idle_publisher 10s;
            pull {source} name={name} static;
            pull_reconnect 1s;
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Task:
    """What one relay has to do."""

    port: int
    stream: str = ""
    pull_from: int | None = None
    """A port of this machine; without one it takes whatever is published."""
    host: str = LOOPBACK
    mark_key_file: str = ""
    """With it an ingest signs."""


@dataclass
class Nodes:
    """Starts nodes, each of them as processes of its own."""

    programs: Programs
    ports: Ports
    ingest_port: int
    hooks_port: int
    """Where relays ask whether somebody may play or publish."""
    engine: str
    """Of those that can be of either."""
    _first_hops: dict[str, int] = field(default_factory=dict)
    """By stream: what others stand behind."""

    async def start(self, kind: HonestKind) -> RtmpAddress:
        """Starts the node of a kind; gives the address at which viewers find it."""
        port = self.ports.any()
        host = LOOPBACK_6 if kind.node == "IPv6" else LOOPBACK
        match kind.node:
            case "1 hop":
                port = await self._first_hop(kind.stream)
            case "2 hops":
                first = await self._first_hop(kind.stream)
                await self._relay(kind.name, Task(port, kind.stream, first))
            case "ffmpeg relay":
                await self._copying(kind, port)
            case "throttled":
                await self._line(kind, port, "--rate", str(THROTTLE_BYTES_PER_S))
            case "slow line":
                await self._line(kind, port, *SLOW_LINE)
            case "nginx-rtmp":
                await self._nginx(kind, port)
            case "other engine":
                await self._rtmp_relay(kind.name, Task(port, kind.stream, self.ingest_port))
            case "IPv6":
                await self.restream(kind.name, Task(port, kind.stream, self.ingest_port, host))
            case "restarted":
                await self._restarted(kind, port)
            case "many viewers":
                await self._relay(kind.name, Task(port, kind.stream, self.ingest_port))
                await self._audience(kind, port)
            case unknown:
                raise ValueError(unknown)
        return RtmpAddress(host, port, "live", kind.stream)

    async def _first_hop(self, stream: str) -> int:
        """The stream's node that pulls from the ingest; one for all who stand behind it."""
        if stream not in self._first_hops:
            port = self._first_hops[stream] = self.ports.any()
            await self._relay(f"{stream} by 1 hop", Task(port, stream, self.ingest_port))
        return self._first_hops[stream]

    async def _relay(self, name: str, task: Task) -> None:
        """A node's engine alone, as an agent would run it."""
        if self.engine == RtmpRelay.name:
            await self._rtmp_relay(name, task)
        else:
            await self.restream(name, task)

    async def _rtmp_relay(self, name: str, task: Task) -> None:
        folder = self._folder(task.port)
        source = [] if task.pull_from is None else [str(task.pull_from)]
        told = (str(folder), str(task.port), task.stream, *source)
        argv = (sys.executable, "-m", "bench.kinds.tended_relay", *told)
        await self.programs.start(name, argv, RESTREAM_PATH)

    async def restream(self, name: str, task: Task) -> None:
        """A relay of our own engine; the ingest too is one."""
        await self.programs.start(name, self._restream_argv(task), RESTREAM_PATH)

    def _restream_argv(self, task: Task) -> tuple[str, ...]:
        folder, is_node = self._folder(task.port), task.pull_from is not None
        source = f"rtmp://{LOOPBACK}:{task.pull_from}/live/{task.stream}"
        told = Configuration(
            bind_address=task.host,
            rtmp_port=task.port,
            stream_id=task.stream if is_node else "",
            upstream_url=source if is_node else "",
            upstream_ip=LOOPBACK if is_node else "",
            hooks=f"http://{LOOPBACK}:{self.hooks_port}",
            statistics=str(folder / "relay.sock"),
            flush_ms=FLUSH_MS,
            mark_key_file=task.mark_key_file,
        )
        configuration = folder / "relay.json"
        configuration.write_text(told.to_json())
        return sys.executable, "-m", "agent.relay.restream", str(configuration)

    async def _copying(self, kind: HonestKind, port: int) -> None:
        """ffmpeg pulls from the ingest, and publishes to a relay."""
        await self._relay(kind.name, Task(port, kind.stream))
        await listening(port)
        there = f"rtmp://{LOOPBACK}:{self.ingest_port}/live/{kind.stream}"
        here = f"rtmp://{LOOPBACK}:{port}/live/{kind.stream}"
        argv = ("ffmpeg", "-nostdin", "-loglevel", "warning", "-i", there, "-c", "copy")
        await self.programs.start(f"copier to {kind.name}", (*argv, "-f", "flv", here))

    async def _line(self, kind: HonestKind, port: int, *shape: str) -> None:
        to = await self._first_hop(kind.stream)
        ends = (f"{LOOPBACK}:{port}", f"{LOOPBACK}:{to}")
        argv = (sys.executable, "-m", "emulator.link", *ends, *shape)
        await self.programs.start(kind.name, argv)

    async def _nginx(self, kind: HonestKind, port: int) -> None:
        folder = self._folder(port)
        source = f"rtmp://{LOOPBACK}:{self.ingest_port}/live/{kind.stream}"
        text = NGINX_CONF.format(
            module=NGINX_MODULE, folder=folder, port=port, source=source, name=kind.stream
        )
        (folder / "nginx.conf").write_text(text)
        argv = ("nginx", "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr")
        await self.programs.start(kind.name, argv)

    async def _restarted(self, kind: HonestKind, port: int) -> None:
        relay = self._restream_argv(Task(port, kind.stream, self.ingest_port))
        argv = (sys.executable, "-m", "bench.kinds.restarting", *relay)
        await self.programs.start(kind.name, argv, RESTREAM_PATH)

    async def _audience(self, kind: HonestKind, port: int) -> None:
        whom = (LOOPBACK, str(port), kind.stream, str(VIEWERS))
        argv = (sys.executable, "-m", "bench.kinds.audience", *whom)
        await self.programs.start(f"audience of {kind.name}", argv, RESTREAM_PATH)

    def _folder(self, port: int) -> Path:
        folder = self.programs.folder / f"relay-{port}"
        folder.mkdir()
        return folder


RESTREAM_PATH = {"PYTHONPATH": f"{ROOT / 'node_image'}{os.pathsep}{ROOT}"}
