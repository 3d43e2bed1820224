"""`python -m tools.verify` says in one sentence why it cannot tell, and ends with status 2."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.ports import free_port
from tools.verify.__main__ import main


class Website(BaseHTTPRequestHandler):
    """Answers everything with a page for people."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A shop</title>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing is to be read of it."""


@pytest.fixture
def website() -> Iterator[str]:
    """The URL of something that is no coordinator."""
    with HTTPServer(("127.0.0.1", 0), Website) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _says(capsys: pytest.CaptureFixture[str], api: str) -> str:
    assert main(["schedule", "--date", "2026-11-22", "--api", api]) == 2
    return capsys.readouterr().err


def test_another_website_is_named_as_such(website: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"{website} is not the URL of a coordinator" in _says(capsys, website)


def test_what_is_no_url_is_named_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    assert "is not the URL of a coordinator" in _says(capsys, "http://127.0.0.1:port")


def test_nobody_there_is_named_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not answer" in _says(capsys, f"http://127.0.0.1:{free_port()}")


def test_the_verdict_is_in_a_file_whatever_becomes_of_the_status(tmp_path: Path) -> None:
    """`make` ends with 2 for whatever is not 0."""
    out = tmp_path / "build" / "audit.json"
    api = f"http://127.0.0.1:{free_port()}"
    asked = ["statement", "--stream", "s3", "--epoch", "7", "--api", api, "--out", str(out)]
    assert main(asked) == 2
    assert json.loads(out.read_text()) == {
        "verb": "statement",
        "status": 2,
        "verdict": "cannot be told",
    }
