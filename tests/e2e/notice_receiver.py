"""Where notices go in tests: a real server for Apprise's `json://`, and one that hangs."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.e2e.watched import HOST

SECRET = "a-secret-path"
NOTICE_S_MAX = 60.0
"""A notice comes from processes that stand back for all others (nice), and may take 30 s."""


class NoticeReceiver:
    """Keeps every notice that came, in order."""

    def __init__(self, port: int) -> None:
        self.address = f"json://{HOST}:{port}/{SECRET}"
        self.notices: list[dict[str, Any]] = []

    @property
    def titles(self) -> list[str]:
        """Without the node's name."""
        return [notice["title"].partition(": ")[2] for notice in self.notices]


@contextmanager
def receiving() -> Iterator[NoticeReceiver]:
    """A receiver that answers 200 to what was sent to the secret path, and 404 to anything else."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            is_ours = self.path == f"/{SECRET}"
            if is_ours:
                receiver.notices.append(body)
            self.send_response(200 if is_ours else 404)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Keep quiet: notices are kept."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    receiver = NoticeReceiver(server.server_address[1])
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def hanging() -> Iterator[tuple[str, socket.socket]]:
    """A service that takes connections and never answers: its address, and where they come in."""
    with socket.create_server((HOST, 0)) as deaf:
        deaf.settimeout(NOTICE_S_MAX)
        yield f"json://{HOST}:{deaf.getsockname()[1]}/{SECRET}", deaf
