"""A server of one file, with every way in which such a server may fail."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class FileServer:
    """What is served, and how; a test changes it between two fetches."""

    body: bytes
    port: int = 0
    status: int = 200
    knows_ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    """After so many bytes of each of the next answers the connection ends."""
    pause_s: float = 0.0
    """Between two kilobytes."""
    asked: list[str] = field(default_factory=list)
    """The Range of each request, in order; empty for a whole file."""
    targets: list[str] = field(default_factory=list)
    """What stood in each request's first line: a whole URL if we are somebody's proxy."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/drop/emulator-v2.jar"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """One request."""
        asked = handler.headers.get("Range", "")
        self.asked.append(asked)
        self.targets.append(handler.path)
        if self.status != 200:
            handler.send_error(self.status)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.knows_ranges else 0
        if start >= len(self.body):
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        if start:
            last = len(self.body) - 1
            handler.send_header("Content-Range", f"bytes {start}-{last}/{len(self.body)}")
        rest = self.body[start:]
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        self._send(handler, rest[: self.cuts.pop(0)] if self.cuts else rest)

    def _send(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        step = 1_000 if self.pause_s else len(data) or 1
        for at in range(0, len(data), step):
            handler.wfile.write(data[at : at + step])
            time.sleep(self.pause_s)


@contextlib.contextmanager
def serving(body: bytes, **given: Any) -> Iterator[FileServer]:
    """On a free port of loopback, until the block is left."""
    served = FileServer(body, **given)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):  # a test may have seen enough
                served.answer(self)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - its name there
            """Nothing of it belongs into a test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
