"""The real demo, as a user runs it: started, looked at, robbed of a child, interrupted."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from emulator.demo.options import ROOT
from emulator.demo.public_api import Node
from emulator.processes.proctable import MARK, marked, pids
from tests.ports import free_port

START_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 10.0  # 5 are promised; a busy machine gets some more before this is a failure
PROBE_SECONDS_MAX = 30.0
PLAY_SECONDS = 15
"""ffplay never ends by itself; it takes some seconds to begin."""
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

    def nodes(self) -> list[Node]:
        told = self.api.get("/nodes").raise_for_status().json()["nodes"]
        return [Node.model_validate(node) for node in told]

    def ports(self) -> set[int]:
        """What its descendants listen on."""
        inodes = {
            os.readlink(link)
            for pid in marked(self.token())
            for link in _links(Path(f"/proc/{pid}/fd"))
        }
        return {port for port, inode in _listening() if f"socket:[{inode}]" in inodes and port != 0}


def _links(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [link for link in folder.iterdir() if _is_socket(link)]
    return []


def _is_socket(link: Path) -> bool:
    try:
        return os.readlink(link).startswith("socket:")
    except OSError:
        return False


def _listening() -> list[tuple[int, str]]:
    rows = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                rows.append((int(fields[1].rpartition(":")[2], 16), fields[9]))
    return rows


@contextlib.contextmanager
def running(folder: Path, nodes: int, cheats: str) -> Iterator[Demo]:
    """A demo of its own, killed afterwards."""
    folder.mkdir(exist_ok=True)
    port, printed = free_port(), folder / "printed"
    env = {
        **TOOLS,
        "PORT": str(port),
        "NODES": str(nodes),
        "CHEATS": cheats,
        "DEMO_DIR": str(folder),
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


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Two honest nodes and a dead one, all of them swept and checked."""
    with running(tmp_path_factory.mktemp("demo"), 2, "dead") as demo:
        demo.until_printed("starting nodes")
        demo.until(lambda: len(demo.nodes()) == 3, "three nodes")
        demo.until(
            lambda: all(n.checks_passed + n.checks_failed > 0 for n in demo.nodes()),
            "a check of every node",
        )
        yield demo


def test_honest_nodes_pass_and_the_cheat_fails(demo: Demo) -> None:
    assert sum(node.checks_passed > 0 and node.checks_failed == 0 for node in demo.nodes()) == 2
    assert sum(node.checks_failed > 0 and node.checks_passed == 0 for node in demo.nodes()) == 1
    demo.until_printed("node-1 (honest) is healthy")
    demo.until_printed("dead-1 (dead) is")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/healthz"])
def test_the_addresses_it_prints_answer(demo: Demo, path: str) -> None:
    assert demo.api.get(path).status_code == 200
    assert f"dashboard: http://127.0.0.1:{demo.port}/" in demo.output()


def test_a_player_gets_the_picture_through_a_node_of_the_playlist(demo: Demo) -> None:
    stream_id = demo.nodes()[0].stream_id
    playlist = f"/streams/{stream_id}/playlist.m3u"
    demo.until(lambda: "rtmp://" in demo.api.get(playlist).text, "a node in the playlist")
    entries = [line for line in demo.api.get(playlist).text.splitlines() if "rtmp://" in line]
    played = subprocess.run(
        ("ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width", entries[0]),
        capture_output=True,
        text=True,
        timeout=PROBE_SECONDS_MAX,
        check=False,
    )
    assert "codec_name=h264" in played.stdout, f"{entries}\n{played.stderr}\n{demo.output()}"
    assert "codec_name=aac" in played.stdout
    assert "width=640" in played.stdout


def test_a_player_opens_the_playlist_itself(demo: Demo) -> None:
    stream_id = demo.nodes()[0].stream_id
    playlist = f"/streams/{stream_id}/playlist.m3u"
    demo.until(lambda: "rtmp://" in demo.api.get(playlist).text, "a node in the playlist")
    played = subprocess.run(
        (
            "mpv",
            "--no-config",
            "--vo=null",
            "--ao=null",
            "--frames=20",
            "--term-playing-msg=picture ${width}x${height}",
            f"http://127.0.0.1:{demo.port}{playlist}",
        ),
        capture_output=True,
        text=True,
        timeout=PROBE_SECONDS_MAX,
        check=False,
    )
    told = played.stdout + played.stderr
    assert "picture 640x360" in told, f"{told}\n{demo.output()}"
    assert played.returncode == 0, told


def test_ffplay_shows_the_stream_of_the_playlist(demo: Demo) -> None:
    """With the address that the playlist names: ffplay reads no playlists of this kind."""
    stream_id = demo.nodes()[0].stream_id
    playlist = f"/streams/{stream_id}/playlist.m3u"
    demo.until(lambda: "rtmp://" in demo.api.get(playlist).text, "a node in the playlist")
    entries = [line for line in demo.api.get(playlist).text.splitlines() if "rtmp://" in line]
    shown = subprocess.run(
        (
            *("timeout", "--signal=INT", str(PLAY_SECONDS)),
            *("ffplay", "-v", "info", "-stats", entries[0]),
        ),
        env={**os.environ, "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"},
        capture_output=True,
        text=True,
        timeout=PROBE_SECONDS_MAX,
        check=False,
    )
    assert "Video: h264" in shown.stderr, f"{shown.stderr}\n{demo.output()}"
    assert "640x360" in shown.stderr
    assert " vq=" in shown.stderr  # its line of statistics, once pictures are shown


@pytest.mark.parametrize("victim", ["prober", "node-2"])
def test_a_killed_child_is_told_and_the_rest_goes_on(demo: Demo, victim: str) -> None:
    before = demo.children()
    os.kill(before[victim], signal.SIGKILL)
    demo.until_printed(f"{victim} (pid {before[victim]}) was killed by SIGKILL")
    after = demo.children()
    assert after == {name: pid for name, pid in before.items() if name != victim}
    due = max(node.minutes_due for node in demo.nodes())
    demo.until(lambda: max(node.minutes_due for node in demo.nodes()) > due, "another sweep")
    demo.until(lambda: marked(f"{demo.token()}/{victim}") == [], f"nothing of {victim} being left")


def test_an_interrupt_ends_everything_and_frees_every_port(demo: Demo) -> None:
    token, ports = demo.token(), demo.ports()
    assert demo.port in ports
    assert len(ports) > 5
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(STOP_SECONDS_MAX) == 0, demo.output()
    assert marked(token) == []
    assert ports.isdisjoint(port for port, _ in _listening())


def test_nothing_outlives_a_demo_that_is_killed_while_it_starts(tmp_path: Path) -> None:
    with running(tmp_path / "killed", 1, "none") as demo:
        demo.until(lambda: "api" in demo.children(), "the api's process")
        token = demo.token()
        demo.process.kill()
        demo.process.wait()
        deadline_s = time.monotonic() + START_SECONDS_MAX
        while left := marked(token):
            assert time.monotonic() < deadline_s, f"{left} are left\n{demo.output()}"
            time.sleep(0.05)


def test_a_taken_port_is_named_with_who_holds_it() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        tried = subprocess.run(
            (sys.executable, "-m", "emulator", "demo"),
            cwd=ROOT,
            env={**TOOLS, "PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=START_SECONDS_MAX,
            check=False,
        )
    me = Path("/proc/self/comm").read_text().strip()
    assert tried.returncode == 1
    assert tried.stderr.strip() == (
        f"port {port} is held by {me} (pid {os.getpid()}): stop it, or choose another with PORT=…"
    )


def test_make_demo_shows_a_table_and_ctrl_c_ends_it_quietly(tmp_path: Path) -> None:
    port = free_port()
    words = ("make", "demo", f"PORT={port}", "NODES=1", "CHEATS=none", f"DEMO_DIR={tmp_path}")
    terminal, other_end = os.openpty()
    with subprocess.Popen(
        ("setsid", "--ctty", *words),  # so that Ctrl-C on this terminal is for make and its child
        cwd=ROOT,
        env={**TOOLS, "TERM": "xterm", "COLUMNS": "140", "LINES": "50"},
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
    ) as process:
        os.close(other_end)
        shown = _read_until(terminal, b"healthy")
        os.write(terminal, b"\x03")
        shown += _read_until(terminal, None)
        os.close(terminal)
        status = process.wait(STOP_SECONDS_MAX)
    text = shown.decode(errors="replace")
    for expected in ("node-1", "minutes up", "tokens", f"http://127.0.0.1:{port}/docs", "rtmp://"):
        assert expected in text, text
    assert "***" not in text, text
    assert "Traceback" not in text, text
    assert status in (0, -signal.SIGINT), text
    assert port not in [taken for taken, _ in _listening()]


def _read_until(terminal: int, what: bytes | None) -> bytes:
    """What a terminal shows until `what` appears; until it is closed if that is None."""
    shown = b""
    deadline_s = time.monotonic() + START_SECONDS_MAX
    while what is None or what not in shown:
        assert time.monotonic() < deadline_s, shown.decode(errors="replace")
        try:
            data = os.read(terminal, 65_536)
        except OSError:  # the other side is gone
            data = b""
        if not data:
            assert what is None, shown.decode(errors="replace")
            return shown
        shown += data
    return shown
