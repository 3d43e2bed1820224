"""`python -m tools.preflight` with programs and an API on loopback that answer as was recorded."""

import asyncio
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.project import ROOT
from tests.recorded_cloud import RECORDED, programs
from tools.preflight.commands import ENDPOINT, Fault, Heard, Limits, asking
from tools.preflight.inquiries import POST, RESOURCES, Inquiry

(POSTED,) = [line for line in RECORDED if line.startswith(POST)]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TOKEN = RECORDED["gcloud auth application-default print-access-token"]


class _Api(BaseHTTPRequestHandler):
    """Grants all that it is asked for, to whoever has the token."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        granted = {"permissions": asked["permissions"]}
        status, answer = 200, json.dumps(granted)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            status, answer = (
                401,
                json.dumps({"error": {"status": "UNAUTHENTICATED", "message": "no"}}),
            )
        elif self.path.startswith("/large"):
            answer = "x" * 100
        elif self.path.startswith("/moved"):
            status = 302
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: Any) -> None:
        """Not to the test's output."""


@pytest.fixture
def api() -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _run(path: str, api: str, *options: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": path, ENDPOINT: f"{api}/", "HOME": path}
    argv = [sys.executable, "-m", "tools.preflight", *options]
    return subprocess.run(
        argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )


SIZE = ("--size=large", "--machine=e2-standard-2")
ASKED = ("--project=my-network-4711", "--region=europe-west1", *SIZE)


def test_a_project_in_which_all_is_well_is_told_so(tmp_path: Path, api: str) -> None:
    """By every command line that was recorded; the token is shown nowhere."""
    out = tmp_path / "build" / "preflight.json"
    done = _run(programs(tmp_path, {}), api, *ASKED, f"--out={out}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing is in the way" in done.stdout
    assert {row["value"] for row in json.loads(out.read_text())["rows"]} == {"fine"}
    assert "  asked: permissions\n" in done.stderr
    assert str(TOKEN) not in done.stdout + done.stderr + out.read_text()


def test_what_is_in_the_way_ends_with_one(tmp_path: Path, api: str) -> None:
    """And a gate lets pass what may have been done already."""
    path = programs(tmp_path, {"gcloud compute networks": [{"name": "restream"}]})
    done = _run(path, api, *ASKED)
    assert done.returncode == 1
    assert "to do     names" in done.stdout
    assert _run(path, api, *ASKED, "--gate").returncode == 0


def test_a_machine_without_the_programs_is_told_what_to_install(tmp_path: Path, api: str) -> None:
    """Both at once."""
    done = _run(str(tmp_path), api, *ASKED)
    assert done.returncode == 1
    assert "gcloud is not on PATH" in done.stdout
    assert "terraform is not on PATH" in done.stdout


@pytest.mark.usefixtures("heeds_interrupts")
def test_an_interrupt_ends_it_and_what_it_has_started(tmp_path: Path) -> None:
    """Without a trace of ours."""
    path = programs(tmp_path, {}, ["terraform"])
    (tmp_path / "gcloud").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    (tmp_path / "gcloud").chmod(0o755)
    argv = [sys.executable, "-m", "tools.preflight", *ASKED]
    with subprocess.Popen(
        argv, cwd=ROOT, env={"PATH": path}, stderr=subprocess.PIPE, text=True
    ) as begun:
        assert begun.stderr
        assert begun.stderr.readline() == "  asked: terraform\n"
        begun.send_signal(signal.SIGINT)
        assert begun.stderr.read() == "Interrupted; nothing was changed.\n"
    assert begun.returncode == 130


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--project=my-network-4711",),
        ("--project=My Network", "--region=europe-west1"),
        ("--project=--impersonate-service-account=x", "--region=europe-west1"),
        ("--project=my-network-4711", "--region=europe-west1-b"),
        (*ASKED, "--currency=euro"),
        (*ASKED, "--machine=--zone"),
    ],
)
def test_odd_arguments_are_refused_before_anything_is_asked(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    """With a line that would do."""
    done = _run(str(tmp_path), "http://127.0.0.1:9", *options)
    assert done.returncode == 64
    assert done.stdout == ""
    assert "make preflight PROJECT=my-network-4711 REGION=europe-west1" in done.stderr


def _heard(inquiry: Inquiry, limits: Limits, **env: str) -> Heard:
    ask = asking(dict(os.environ) | env, lambda _: None, limits)
    return ask([inquiry], str(TOKEN))[inquiry.name]


def test_a_command_that_does_not_end_is_ended() -> None:
    """Whatever it waits for."""
    assert _heard(Inquiry("slow", ("sleep", "60")), Limits(0.5)).fault is Fault.SLOW


def test_what_a_command_has_started_ends_with_it(tmp_path: Path) -> None:
    """gcloud is a script that starts a Python."""
    held = tmp_path / "held"
    os.mkfifo(held)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    inquiry = Inquiry("two", ("bash", "-c", f"exec 9>{held}; sleep 60 >&9 & yes"))
    assert _heard(inquiry, Limits(bytes_max=1000)).fault is Fault.LARGE
    gone = select.poll()
    gone.register(reader, 0)
    assert gone.poll(10_000) == [(reader, select.POLLHUP)]
    os.close(reader)


@pytest.mark.parametrize("script", ["yes", "yes >&2", "yes >&2 & yes"])
def test_a_command_that_prints_without_end_is_ended(script: str) -> None:
    """On either output; and the rest of the other one, which is full by then, ends with it."""
    for _ in range(10):
        inquiry = Inquiry("loud", ("bash", "-c", script))
        assert _heard(inquiry, Limits(bytes_max=1000)).fault is Fault.LARGE


def test_outputs_that_somebody_holds_are_not_waited_for(tmp_path: Path) -> None:
    """A program that left the group lives on: it is not ours to end."""
    pid = tmp_path / "pid"
    script = f"setsid bash -c 'echo $$ > {pid}; exec sleep 60' & sleep 60"
    for seconds in (1.0, 30.0):  # a busy machine may not have begun it in one
        assert _heard(Inquiry("held", ("bash", "-c", script)), Limits(seconds)).fault is Fault.SLOW
        if pid.exists() and pid.read_text():
            break
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_a_command_answers_with_its_status_and_both_outputs() -> None:
    """And cannot ask anybody back."""
    script = "read -r || echo told; echo why >&2; echo $CLOUDSDK_CORE_DISABLE_PROMPTS; exit 3"
    heard = _heard(Inquiry("one", ("bash", "-c", script)), Limits())
    assert heard == Heard(3, "told\n1\n", "why\n")


def test_a_program_that_is_not_there_is_told_from_one_that_fails() -> None:
    """By its name."""
    assert _heard(Inquiry("none", ("no-such-program",)), Limits()).fault is Fault.MISSING


def _posted(path: str) -> Inquiry:
    return Inquiry("posted", (POST, f"{RESOURCES}{path}", json.dumps({"permissions": []})))


def test_the_api_s_refusals_are_told_in_its_own_words(api: str) -> None:
    """A token that is not valid any more."""
    ask = asking({ENDPOINT: api}, lambda _: None)
    heard = ask([_posted("/v1")], "another token")["posted"]
    assert heard == Heard(1, "", "UNAUTHENTICATED: no")


def test_what_the_api_answers_has_its_limits(api: str) -> None:
    """In size; and nobody is followed elsewhere with the token."""
    assert _heard(_posted("/large"), Limits(bytes_max=99), **{ENDPOINT: api}).fault is Fault.LARGE
    assert _heard(_posted("/moved"), Limits(), **{ENDPOINT: api}).error == "HTTP 302"


async def _said_to(inquiry: Inquiry, serve: Serve) -> Heard:
    """What is heard within a second from an API that behaves like this."""
    over = asyncio.Event()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await serve(reader, writer)
        writer.close()
        over.set()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        heard = await asyncio.to_thread(_heard, inquiry, Limits(1.0), **{ENDPOINT: address})
        await over.wait()
    return heard


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def _trickling(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("serve", [_silent, _trickling])
async def test_an_api_that_does_not_come_to_an_end_is_left(serve: Serve) -> None:
    """Also where each of its bytes comes in time."""
    assert (await _said_to(_posted("/"), serve)).fault is Fault.SLOW


async def test_an_api_that_is_not_there_is_told() -> None:
    """In the system's words."""
    nowhere = {ENDPOINT: "http://127.0.0.1:9"}
    heard = await asyncio.to_thread(_heard, _posted("/"), Limits(5.0), **nowhere)
    assert "refused" in heard.error
