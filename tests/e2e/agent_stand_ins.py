"""What the agent's end-to-end tests need around it: a coordinator, media and watched processes."""

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from agent.doctor import first_look
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
STREAM_ID = "k3v9m2x7q4ab"
STREAM_KEY = "a-stream-key-for-tests"
INGEST_KEY = "an-ingest-key-for-tests"
WAIT_S_MAX = 25.0
PLAY_S_MAX = 20
P = TypeVar("P", bound="Watched")


def is_listening(port: int) -> bool:
    """True if something accepts connections on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def wait_for(
    what: str, condition: Callable[[], Any], tell: Callable[[], str], seconds: float = WAIT_S_MAX
) -> Any:
    """The first truthy value of `condition`; fails with what was told when it never comes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)  # the pace of looking, not a wait for luck
    raise AssertionError(f"never came within {seconds:g} s: {what}\n{tell()}")


class CoordinatorStandIn:
    """A real HTTP server that speaks the contract, records every call, and can misbehave.

    `mood`: "well", "broken" (500), "nonsense" (200, not JSON) or "slow" (no answer until the mood
    changes). `dial_back` is what it finds from outside; None means it offers no such thing.
    `others` are streams beside the one. `told` is what it says of a node in place of "healthy".
    """

    def __init__(self, ingest_url: str) -> None:
        self.ingest_url = ingest_url
        self.stream_status = "active"
        self.mood = "well"
        self.dial_back: dict[str, Any] | None = None
        self.pace_s = 1.0
        self.tls: ssl.SSLContext | None = None
        self.others: list[dict[str, Any]] = []
        self.told: dict[str, Any] = {}
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.keys: set[str] = set()
        self.port = free_port()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """What COORDINATOR_URL is set to; a path is part of it, as of a function's URL."""
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}/api"

    def beats(self, state: str = "running") -> list[dict[str, Any]]:
        """The heartbeats so far that said `state`."""
        return [
            b for _, path, b in self.calls if path == "/nodes/heartbeat" and b["state"] == state
        ]

    def start(self) -> None:
        """Serve, on the same port each time."""
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in.answer(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                is_json = self.headers["content-type"] == "application/json"
                stand_in.answer(self, json.loads(body) if is_json else {})

            def log_message(self, *args: Any) -> None:
                """Keep quiet: calls are recorded."""

        self._server = ThreadingHTTPServer((HOST, self.port), Handler)
        if self.tls:
            # Not on connect: a client that refuses the certificate must not end the server.
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Be away: connections are refused."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        """Answer one call."""
        path = request.path.removeprefix("/api")
        self.calls.append((request.command, path, body))
        while self.mood == "slow":
            time.sleep(0.05)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.mood == "broken":
            _send(request, 500, {"type": "/problems/internal"})
        elif self.mood == "nonsense":
            _send(request, 200, "<html>hello</html>")
        elif path == "/health":
            _send(request, 200, {"status": "ok"})
        elif path == "/nodes/dial-back" and self.dial_back is not None:
            _send(request, 200, self.dial_back)
        elif path == "/streams":
            streams = list(self._streams().values())
            _send(request, 200, {"streams": streams, "next_page_token": None})
        elif path == f"/streams/{STREAM_ID}":
            _send(request, 200, self._stream())
        elif path == "/ingest/publish":
            self._answer_publisher(request, key, body)
        elif path == "/nodes/heartbeat" and body["stream_id"] in self._streams():
            self.keys.add(key)
            _send(request, 200, self._heartbeat_answer(body))
        else:
            _problem(request, 404, "unknown-stream", "There is no stream of this id.")

    def _answer_publisher(
        self, request: BaseHTTPRequestHandler, key: str, body: dict[str, Any]
    ) -> None:
        if key != INGEST_KEY:
            _problem(request, 401, "unknown-key", "This is not the ingest's key.")
        elif body != {"stream_id": STREAM_ID, "stream_key": STREAM_KEY}:
            _problem(request, 403, "wrong-stream-key", "The stream key is wrong.")
        else:
            _send(request, 204, None)

    def _streams(self) -> dict[str, dict[str, Any]]:
        return {stream["stream_id"]: stream for stream in (self._stream(), *self.others)}

    def _stream(self) -> dict[str, Any]:
        return {
            "stream_id": STREAM_ID,
            "name": "Main stage",
            "status": self.stream_status,
            "ingest_url": self.ingest_url,
            "play_url": f"{self.url}/streams/{STREAM_ID}/playlist.m3u",
            "reward_per_node_hour": "1.5",
            "max_paid_nodes": 100,
            "balance": "998.5",
            "created_at": "2026-11-22T14:00:00Z",
            "ends_at": None,
            "nodes_verified": 3,
        }

    def _heartbeat_answer(self, beat: dict[str, Any]) -> dict[str, Any]:
        stream = self._streams()[beat["stream_id"]]
        return {
            "node_id": "n4w7d2",
            "stream_id": stream["stream_id"],
            "stream_status": stream["status"],
            "status": "healthy",
            "reason": "ok",
            "says": "Everything is as it should be.",
            "fix": "",
            "stats_url": f"http://{HOST}:{beat.get('stats_port')}/stats.json",
            "rtmp_url": f"rtmp://{HOST}:{beat['rtmp_port']}/live/{beat['stream_id']}",
            "ingest_url": stream["ingest_url"],
            "earned": "12.25",
            "next_heartbeat_seconds": self.pace_s,
            **self.told,
        }


def _send(request: BaseHTTPRequestHandler, status: int, body: object) -> None:
    text = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    try:
        request.send_response(status)
        request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)
    except OSError:
        pass  # the agent stopped waiting, as it should for one that is slow


def _problem(request: BaseHTTPRequestHandler, status: int, problem: str, detail: str) -> None:
    _send(request, status, {"type": f"/problems/{problem}", "status": status, "detail": detail})


class Watched:
    """A process whose output is kept, to be shown when a test fails."""

    def __init__(self, command: list[str], env: dict[str, str] | None = None) -> None:
        # A file and not a pipe: nobody has to drain it while the test looks elsewhere.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by stop()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=ROOT,
        )

    @property
    def output(self) -> str:
        """Everything it wrote so far."""
        return os.pread(self._output.fileno(), 1_000_000, 0).decode(errors="replace")

    def wait(self, seconds: float = WAIT_S_MAX) -> int:
        """Its exit code; fails with its output when it does not end."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as e:
            raise AssertionError(f"did not end within {seconds:g} s\n{self.output}") from e

    def stop(self) -> None:
        """End it, kindly at first."""
        try:
            if self.process.poll() is None:
                self.process.terminate()
                try:
                    self.process.wait(6)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait(5)
        finally:
            self._output.close()


class RunningAgent(Watched):
    """An agent with its settings in the environment, seen through what it serves and logs."""

    def __init__(self, command: list[str], settings: dict[str, str]) -> None:
        self._settings = settings
        super().__init__(command, {k: v for k, v in settings.items() if v})

    @property
    def rtmp_port(self) -> int:
        """Where its relay listens."""
        return int(self._settings["RTMP_PORT"])

    @property
    def stats_port(self) -> int:
        """Where it serves its statistics."""
        return int(self._settings["STATS_PORT"])

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """The status and JSON of a page of the agent; status 0 while it does not listen."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.stats_port}{path}", timeout=5) as a:
                return a.status, json.load(a)
        except urllib.error.HTTPError as e:
            with e:
                return e.code, json.load(e)
        except OSError:
            return 0, {}

    def text(self, path: str) -> str:
        """A page of the agent that is not JSON."""
        with urllib.request.urlopen(f"http://{HOST}:{self.stats_port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def stats(self) -> dict[str, Any]:
        """/stats.json, or nothing while the agent does not listen."""
        return self.get("/stats.json")[1]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event. Every line of the agent has to be JSON."""
        lines = [
            json.loads(line) for line in self.output.splitlines(keepends=True) if line[-1:] == "\n"
        ]
        return [line for line in lines if line["event"] == name]

    def relay_pid(self) -> int:
        """The process id of the relay that was started last."""
        return int(self.events("relay_started")[-1]["pid"])

    def wait_until(
        self, what: str, condition: Callable[[], Any], seconds: float = WAIT_S_MAX
    ) -> Any:
        """Wait, and show this agent's output if it never comes."""
        return wait_for(what, condition, lambda: self.output, seconds)

    def wait_state(self, state: str) -> dict[str, Any]:
        """Wait until the stream is `live` or `waiting`; returns the statistics."""

        def stats_in_state() -> dict[str, Any] | None:
            stats = self.stats()
            return stats if stats and stats["stream"]["state"] == state else None

        found: dict[str, Any] = self.wait_until(f"stream {state}", stats_in_state)
        return found


class WrongClock:
    """A clock that processes have in place of this machine's, and that can be put wrong meanwhile.

    Debian's libfaketime; the clock that nobody sets stays as it is. Where the library is missing
    the loader only complains: look at the effect.
    """

    def __init__(self, file: Path, off_s: int) -> None:
        self._file = file
        self.put_off(off_s)

    @property
    def settings(self) -> dict[str, str]:
        """For the environment of an agent; its relay inherits them."""
        return {
            "LD_PRELOAD": "/usr/$LIB/faketime/libfaketime.so.1",
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def put_off(self, seconds: int) -> None:
        """From now on it is ahead by so much, or behind."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}")
        draft.replace(self._file)


def read_only(folder: Path) -> tuple[str, ...]:
    """What a command is begun with to see a folder that nobody can write to, not even root."""
    mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    # Root keeps its own user: nginx would hand its folders to one that another namespace lacks.
    rights = () if os.geteuid() == 0 else ("--map-current-user", "--keep-caps")
    return ("unshare", *rights, "--mount", "sh", "-c", mount, str(folder))


class AgentProcess(RunningAgent):
    """An agent run from this tree; `command` is its argument, such as `doctor`.

    `wrapper` is what the command is begun with; it has to become the agent (exec).
    """

    def __init__(
        self,
        data_dir: Path,
        coordinator_url: str,
        *command: str,
        wrapper: Sequence[str] = (),
        **settings: str,
    ) -> None:
        ports = {"RTMP_PORT": str(free_port()), "STATS_PORT": str(free_port())}
        env = ports | {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "node_image"),
            "COORDINATOR_URL": coordinator_url,
            "BIND_ADDRESS": HOST,
            "DATA_DIR": str(data_dir),
            **settings,
        }
        super().__init__([*wrapper, sys.executable, "-m", "agent", *command], env)


def examined(folder: Path) -> Path:
    """A node's folder as after its first look at itself, which plays: that counts as a viewer."""
    folder.mkdir(parents=True)
    (folder / first_look.FILE).touch()
    return folder


def publisher(
    rtmp_port: int, key: str = STREAM_KEY, stream_id: str = STREAM_ID, size: str = "640x360"
) -> Watched:
    """ffmpeg publishing a test picture with noise and a tone, in real time, until stopped."""
    return Watched(
        [
            *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-re"),
            *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=15"),
            *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"),
            *("-vf", "noise=alls=6:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-g", "30"),
            *("-pix_fmt", "yuv420p", "-threads", "1", "-b:v", "400k", "-c:a", "aac", "-f", "flv"),
            f"rtmp://{HOST}:{rtmp_port}/live/{stream_id}?key={key}",
        ]
    )


def player(rtmp_port: int) -> Watched:
    """ffmpeg playing a stream into nowhere until stopped."""
    url = f"rtmp://{HOST}:{rtmp_port}/live/{STREAM_ID}"
    return Watched(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", url, *("-c", "copy", "-f", "null", "-")]
    )


def probe(rtmp_port: int, seconds: int = 4) -> dict[str, Any]:
    """What ffprobe finds in the stream, after really reading some seconds of it.

    A picture may begin only with the next keyframe, which is up to 2 s away.
    """
    done = subprocess.run(
        [
            *(
                "ffprobe",
                "-v",
                "error",
                "-of",
                "json",
                "-read_intervals",
                f"%+{seconds}",
                "-count_packets",
            ),
            *("-show_entries", "stream=codec_name,width,height,nb_read_packets"),
            f"rtmp://{HOST}:{rtmp_port}/live/{STREAM_ID}",
        ],
        capture_output=True,
        timeout=PLAY_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return {stream["codec_name"]: stream for stream in found["streams"]}


@contextmanager
def running(process: P) -> Iterator[P]:
    """Stop the process at the end, whatever happens."""
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def ingest_in(folder: Path, host: str = HOST) -> Iterator[tuple[CoordinatorStandIn, AgentProcess]]:
    """A coordinator and an ingest that is up; nobody publishes yet. `host`: how nodes call it."""
    port = free_port()
    coordinator = CoordinatorStandIn(f"rtmp://{host}:{port}/live/{STREAM_ID}")
    coordinator.start()
    settings = {"ROLE": "ingest", "INGEST_KEY": INGEST_KEY, "RTMP_PORT": str(port)}
    try:
        with running(AgentProcess(folder / "ingest", coordinator.url, **settings)) as ingest:
            ingest.wait_until("ingest up", lambda: ingest.get("/healthz")[0] == 200)
            yield coordinator, ingest
    finally:
        coordinator.stop()
