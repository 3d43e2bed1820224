"""A demo that runs as a process of its own, in surroundings that are as difficult as any."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from emulator.demo.options import ROOT
from emulator.demo.public_api import PublicNode
from emulator.processes.proctable import MARK, marked, pids
from tests.e2e.agents import ENGINE, node_engine
from tests.ports import free_port

START_SECONDS_MAX = 120.0
TOOLS = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


class Demo:
    """A demo that runs as a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, printed: Path) -> None:
        self.process = process
        self.port = port
        self._printed = printed
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)

    def output(self) -> str:
        return self._printed.read_text(errors="replace")

    def until(
        self, condition: Callable[[], bool], what: str, seconds: float = START_SECONDS_MAX
    ) -> None:
        """Waits; fails with the demo's output if it never comes to pass or the demo ends."""
        deadline_s = time.monotonic() + seconds
        while not condition():
            says = f"never came: {what}\n{self.output()[-8000:]}"
            assert time.monotonic() < deadline_s, says
            assert self.process.poll() is None, f"the demo ended; {says}"
            time.sleep(0.1)

    def until_printed(self, text: str) -> None:
        self.until(lambda: text in self.output(), f"{text!r} in the output")

    def children(self) -> dict[str, int]:
        """Pid by name of the demo's own children."""
        found = {}
        for pid in pids():
            with contextlib.suppress(OSError):
                parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
                environ = Path(f"/proc/{pid}/environ").read_text().split("\0")
                marks = [v for v in environ if v.startswith(f"{MARK}=")]
                if parent == self.process.pid and marks:
                    found[marks[0].rpartition("/")[2]] = pid
        return found

    def token(self) -> str:
        """What marks all its descendants."""
        pid = next(iter(self.children().values()))
        environ = Path(f"/proc/{pid}/environ").read_text().split("\0")
        return next(v for v in environ if v.startswith(f"{MARK}=")).partition("=")[2].split("/")[0]

    @property
    def folder(self) -> Path:
        return self._printed.parent

    def api_answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return self.api.get("/nodes").is_success
        return False

    def nodes_or_none(self) -> list[PublicNode]:
        """None while the api is started again."""
        with contextlib.suppress(httpx.HTTPError):
            return self.nodes()
        return []

    def nodes(self) -> list[PublicNode]:
        told = self.api.get("/nodes").raise_for_status().json()["nodes"]
        return [PublicNode.model_validate(node) for node in told]

    def ports(self) -> set[int]:
        """What its descendants listen on."""
        inodes = {
            os.readlink(link)
            for pid in marked(self.token())
            for link in _links(Path(f"/proc/{pid}/fd"))
        }
        return {port for port, inode in listening() if f"socket:[{inode}]" in inodes and port != 0}


def _links(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [link for link in folder.iterdir() if _is_socket(link)]
    return []


def _is_socket(link: Path) -> bool:
    try:
        return os.readlink(link).startswith("socket:")
    except OSError:
        return False


def listening() -> list[tuple[int, str]]:
    """(port, inode) of every socket that listens on this machine."""
    rows = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                rows.append((int(fields[1].rpartition(":")[2], 16), fields[9]))
    return rows


@contextlib.contextmanager
def running(folder: Path, nodes: int, cheats: str, **more: str) -> Iterator[Demo]:
    """A demo of its own, killed afterwards; with more variables of the environment."""
    folder.mkdir(exist_ok=True)
    port, printed = free_port(), folder / "printed"
    env = {
        **TOOLS,
        **_difficult(folder),
        "PORT": str(port),
        "NODES": str(nodes),
        "CHEATS": cheats,
        "DEMO_DIR": str(folder),
        "ENGINE": ENGINE,
        "PATH": node_engine().get("PATH", os.environ["PATH"]),
        **more,
    }
    with (
        printed.open("wb") as out,
        subprocess.Popen(
            (sys.executable, "-m", "emulator", "demo"),
            cwd=ROOT,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        demo = Demo(process, port, printed)
        try:
            yield demo
        finally:
            demo.api.close()
            process.kill()


def _difficult(folder: Path) -> dict[str, str]:
    """What a user may have set: no part of a demo may follow any of it."""
    scratch = folder / ("a $place 'for' files " + "x" * 120)
    scratch.mkdir(exist_ok=True)
    nowhere = "http://127.0.0.1:9"
    return {
        "TMPDIR": str(scratch),
        "http_proxy": nowhere,
        "HTTPS_PROXY": nowhere,
        "ALL_PROXY": nowhere,
        "PIP_USER": "1",
    }
