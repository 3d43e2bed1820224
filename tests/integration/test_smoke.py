"""`python -m tools.smoke` as a process: its publisher, its key, and how it ends."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.wire.example_names import STREAM_ID
from emulator.processes.proctable import pids
from tests.applied_cloud import TOLD
from tests.ports import free_port
from tests.project import ROOT
from tools.smoke.children import running
from tools.smoke.course import has_ffmpeg
from tools.smoke.picture import Publishing, publishing
from tools.smoke.results import NotToldError, WrongError
from tools.smoke.watching import answering

KEY = "a-sponsors-key-of-forty-three-characters-xyz"
STREAM_KEY = TOLD["POST /streams"]["publish_url"].partition("=")[2]
WAIT_S_MAX = 60.0


def test_a_publisher_that_nobody_takes_is_told_without_its_key() -> None:
    """By real ffmpeg, in the words with which it ended."""
    url = f"rtmp://127.0.0.1:{free_port()}/live/{STREAM_ID}?key={STREAM_KEY}"
    says = "does not take the picture"
    with publishing(url) as sender, pytest.raises(WrongError, match=says) as ended:
        _until_it_ends(sender)
    assert ended.value.code == "not-published"
    assert STREAM_KEY not in ended.value.sentence


def _until_it_ends(sender: Publishing) -> None:
    end_s = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < end_s:
        sender.look()
        time.sleep(0.05)  # a look only asks, and waits for nothing


def test_what_a_program_said_last_is_shown_without_a_key(tmp_path: Path) -> None:
    """Nor with what could steer a terminal."""
    words = ("printf", "first\n\\033[2Jno %s\n", STREAM_KEY)
    with running(words, os.environ, tmp_path / "log") as program:
        program.process.wait(WAIT_S_MAX)
        assert program.last_line(STREAM_KEY) == "[2Jno ***"


def test_an_ingest_that_nobody_hears_is_told() -> None:
    """With what to look at; the usual port is RTMP's."""
    with pytest.raises(WrongError, match="look whether the ingest runs") as closed:
        answering(f"rtmp://127.0.0.1:{free_port()}/live/x")
    assert closed.value.code == "ingest-closed"


def test_without_ffmpeg_nothing_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked for first."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotToldError, match="install it") as missing:
        has_ffmpeg()
    assert missing.value.code == "no-ffmpeg"


def _argv(*options: str) -> list[str]:
    return [sys.executable, "-m", "tools.smoke", *options]


def _env(**more: str) -> dict[str, str]:
    paths = os.pathsep.join(str(ROOT / each) for each in ("functions", "node_image", "."))
    return {"PATH": os.environ["PATH"], "PYTHONPATH": paths} | more


class _Api(BaseHTTPRequestHandler):
    """The examples of the api, and an ingest that takes a connection and says nothing."""

    requests: list[tuple[str, str]]
    ingest: str

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        line = f"{self.command} {self.path}"
        self.requests.append((line, self.headers.get("Authorization", "")))
        told: Any = TOLD[line]
        if line == "POST /streams":
            told = told | {
                "ingest_url": f"{self.ingest}/{STREAM_ID}",
                "publish_url": f"{self.ingest}/{STREAM_ID}?key={STREAM_KEY}",
            }
        if line == f"GET /streams/{STREAM_ID}":
            told = told | {"media": None}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Not to the test's output."""


@pytest.fixture
def api() -> Iterator[ThreadingHTTPServer]:
    """It, until the test is over."""
    with socket.create_server(("127.0.0.1", 0)) as ingest:
        _Api.requests, _Api.ingest = [], f"rtmp://127.0.0.1:{ingest.getsockname()[1]}/live"
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
        server.server_close()


def _command_lines() -> Iterator[str]:
    for pid in pids():
        with contextlib.suppress(OSError):
            yield Path(f"/proc/{pid}/cmdline").read_text(errors="replace")


@pytest.mark.usefixtures("heeds_interrupts")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGHUP])
def test_an_interrupt_closes_the_stream_and_ends_the_publisher(
    sent: signal.Signals, api: ThreadingHTTPServer, tmp_path: Path
) -> None:
    """Also while something is waited for. No key is in a command line, in a row or in a file."""
    key_file, out, kept = (tmp_path / name for name in ("key", "smoke.json", "kept.json"))
    key_file.write_text(f"{KEY}\n")
    url = f"http://127.0.0.1:{api.server_port}"
    argv = _argv(f"--api={url}", f"--out={out}", f"--kept={kept}")
    env = _env(SPONSOR_KEY_FILE=str(key_file), TMPDIR=str(tmp_path))
    with subprocess.Popen(
        argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as begun:
        assert begun.stderr
        assert begun.stdout
        for line in begun.stderr:
            if "published" in line:
                break
        lines = list(_command_lines())
        assert [line for line in lines if str(tmp_path) in line and "ffmpeg" in line]
        assert not [line for line in lines if KEY in line or STREAM_KEY in line]
        begun.send_signal(sent)
        told, progress = begun.stdout.read(), begun.stderr.read()
    assert begun.returncode == 130, told + progress
    assert (f"POST /streams/{STREAM_ID}/close", f"Bearer {KEY}") in _Api.requests
    rows = json.loads(out.read_text())["rows"]
    assert [(row["name"], row["value"]) for row in rows][-2:] == [
        ("ingest", "green"),
        ("closed", "green"),
    ]
    assert json.loads(kept.read_text()) == {url: STREAM_ID}
    for text in (told, progress, out.read_text(), kept.read_text()):
        assert KEY not in text
        assert STREAM_KEY not in text
    assert not [line for line in _command_lines() if str(tmp_path) in line]
