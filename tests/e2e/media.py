"""Real media on loopback: RTMP servers, publishers and relays as child processes of a test."""

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emulator.processes.proctable import listening_inodes
from rtmp.addresses import RtmpAddress
from tests.e2e.watched import wait_for
from tests.ports import free_port

PATIENCE_S = 40.0
"""How long a condition may take before the test fails with the output of what it waited for."""

SERVER = """
daemon off; master_process off; worker_processes 1; error_log stderr notice; pid nginx.pid;
load_module {module};
events {{ worker_connections 128; }}
rtmp {{ access_log off; server {{
    listen 127.0.0.1:{port};
    application live {{ live on; idle_streams off; drop_idle_publisher 10s; {pull} }}
}} }}
"""
MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


@dataclass(slots=True)
class Child:
    """One process whose output is kept for the day it is needed."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def is_running(self) -> bool:
        """True until it has ended."""
        return self.process.poll() is None

    def output(self) -> str:
        """The last lines it wrote."""
        tail = self.log.read_text(errors="replace").splitlines()[-15:]
        return "\n".join([f"--- {self.name} (running: {self.is_running})", *tail])

    def stop(self) -> None:
        """Kill its group and collect it; harmless if it is gone."""
        if self.is_running:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(slots=True)
class Media:
    """The processes of one test, all gone when the `with` block ends."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="media-")))
    children: list[Child] = field(default_factory=list)

    def __enter__(self) -> "Media":
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self.children):
            child.stop()
        for path in sorted(self.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        self.folder.rmdir()

    def start(self, name: str, argv: Sequence[str]) -> Child:
        """Start a process in a group of its own."""
        log = self.folder / f"{len(self.children)}-{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                start_new_session=True,
            )
        self.children.append(Child(name, process, log))
        return self.children[-1]

    def server(
        self, name: str, *, pull: RtmpAddress | None = None, port: int | None = None
    ) -> tuple[Child, int]:
        """An nginx with the RTMP module, pulling a stream for ever if asked; and its port.

        It listens: a publisher that comes before it ends at once, and for good.
        """
        port, home = port or free_port(), self.folder / name
        home.mkdir()
        line = (
            "" if pull is None else f"pull {pull.url} name={pull.name} static; pull_reconnect 1s;"
        )
        (home / "c.conf").write_text(SERVER.format(module=MODULE, port=port, pull=line))
        argv = ["nginx", "-p", f"{home}/", "-c", "c.conf", "-e", "stderr"]
        child = self.start(name, argv)

        def is_listening() -> bool:
            assert child.is_running, child.output()
            return bool(listening_inodes(Path("/proc/net/tcp").read_text(), port))

        wait_for(f"{name} to listen", is_listening, child.output, PATIENCE_S)
        return child, port

    def publish(self, to: RtmpAddress, *, seed: int = 1, picture: bool = True) -> Child:
        """A live test picture with noise, 640x360 at 15 a second, a keyframe every 2 s, sound."""
        source = f"testsrc2=s=640x360:r=15,noise=alls=6:allf=t:all_seed={seed}"
        video = ["-f", "lavfi", "-i", source] if picture else []
        encode = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-pix_fmt", "yuv420p"]
        encode += ["-b:v", "500k", "-maxrate", "500k", "-bufsize", "500k"]
        return self.start(
            f"publisher-{seed}",
            [
                *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-re"),
                *video,
                *("-f", "lavfi", "-i", f"sine=f={430 + seed}"),
                *(encode if picture else []),
                *("-c:a", "aac", "-b:a", "64k", "-f", "flv", to.url),
            ],
        )

    def copy(self, source: str, to: RtmpAddress, *options: str) -> Child:
        """An ffmpeg relay from a URL or file to a server; `options` replace `-c copy`."""
        argv = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning"]
        loop = ["-re", "-stream_loop", "-1"] if Path(source).exists() else []
        codec = options or ("-c", "copy")
        return self.start(
            f"copy-{to.name}", [*argv, *loop, "-i", source, *codec, "-f", "flv", to.url]
        )

    def record(self, source: RtmpAddress, path: Path, seconds: float = 5) -> Child:
        """Write some seconds of a live stream to a file, byte for byte."""
        argv = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", source.url, "-c", "copy"]
        return self.start("recorder", [*argv, "-t", str(seconds), str(path)])

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for a condition; if it never comes, fail with what the processes wrote."""
        give_up = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > give_up:
                output = "\n".join(child.output() for child in self.children)
                raise AssertionError(f"waited {PATIENCE_S} s for {what}\n{output}")
            await asyncio.sleep(0.05)


def at(port: int, name: str) -> RtmpAddress:
    """A stream of a server on loopback."""
    return RtmpAddress("127.0.0.1", port, "live", name)


@contextlib.asynccontextmanager
async def media() -> AsyncIterator[Media]:
    """`Media` for asynchronous fixtures."""
    with Media() as one:
        yield one


def children_of_this_process() -> set[str]:
    """Command names of all living descendants of this process, zombies included."""
    return set(descendants().values())


def descendants() -> dict[int, str]:
    """The same by their process ids."""
    parents: dict[int, tuple[int, str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid, rest = path.read_text().split(" (", 1)
            name, fields = rest.rsplit(") ", 1)
            parents[int(pid)] = (int(fields.split()[1]), name)
    ours = {os.getpid()}
    while more := {pid for pid, (parent, _) in parents.items() if parent in ours} - ours:
        ours |= more
    return {pid: parents[pid][1] for pid in ours - {os.getpid()}}
