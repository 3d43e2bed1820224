"""A coordinator for the agent's tests: the contract, as it is kept and as it may be broken."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.e2e.watched import HOST
from tests.ports import free_port

STREAM_ID = "k3v9m2x7q4ab"
STREAM_KEY = "a-stream-key-for-tests"
INGEST_KEY = "an-ingest-key-for-tests"


class CoordinatorStandIn:
    """A real HTTP server that speaks the contract, records every call, and can misbehave.

    `behaviour`: "well", "broken" (500), "nonsense" (200, not JSON) or "slow" (no answer until it
    changes). `dial_back` is what it finds from outside; None means it offers no such thing.
    `others` are streams beside the one. `told` is what it says of a node in place of "healthy".
    `warnings` are what it says of all that is published. `ingest_public_key` is what an ingest
    told.
    """

    def __init__(self, ingest_url: str) -> None:
        self.ingest_url = ingest_url
        self.stream_status = "active"
        self._behaviour = "well"
        self._mood_changed = threading.Condition()
        self.dial_back: dict[str, Any] | None = None
        self.dial_back_at: dict[str, dict[str, Any]] = {}
        """What it finds at another address than the caller's, by stats_url."""
        self.pace_s = 1.0
        self.sweep_s = 60.0
        self.tls: ssl.SSLContext | None = None
        self.others: list[dict[str, Any]] = []
        self.told: dict[str, Any] = {}
        self.unverified: set[str] = set()
        """Streams on which nobody can be verified."""
        self.warnings: list[str] = []
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.keys: set[str] = set()
        self.ingest_public_key: str | None = None
        self.port = free_port()
        self._server: ThreadingHTTPServer | None = None

    @property
    def behaviour(self) -> str:
        """How it answers from now on."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: str) -> None:
        with self._mood_changed:
            self._behaviour = behaviour
            self._mood_changed.notify_all()

    @property
    def url(self) -> str:
        """What COORDINATOR_URL is set to; a path is part of it, as of a function's URL."""
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}/api"

    def beats(self, state: str = "running") -> list[dict[str, Any]]:
        """The heartbeats so far that said `state`."""
        return [
            b for _, path, b in self.calls if path == "/nodes/heartbeat" and b["state"] == state
        ]

    def described(self) -> list[dict[str, Any]]:
        """What an ingest said so far of what is published."""
        return [body for _, path, body in self.calls if path == "/ingest/media"]

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
        if path == "/nodes/heartbeat" and "stats_url" not in body and body.get("address") != HOST:
            _problem(request, 409, "address-unsigned", f"You call from {HOST}.", address=HOST)
            return
        self.calls.append((request.command, path, body))
        with self._mood_changed:
            self._mood_changed.wait_for(lambda: self._behaviour != "slow")
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.behaviour == "broken":
            _send(request, 500, {"type": "/problems/internal"})
        elif self.behaviour == "nonsense":
            _send(request, 200, "<html>hello</html>")
        elif path == "/health":
            _send(request, 200, {"status": "ok"})
        elif path == "/nodes/dial-back" and self.dial_back is not None:
            _send(request, 200, self.dial_back_at.get(body.get("stats_url", ""), self.dial_back))
        elif path == "/streams":
            streams = list(self._streams().values())
            _send(request, 200, {"streams": streams, "next_page_token": None})
        elif path == f"/streams/{STREAM_ID}":
            _send(request, 200, self._stream())
        elif path == "/ingest/publish":
            self._answer_publisher(request, key, body)
        elif path == "/ingest/media" and key == INGEST_KEY:
            _send(request, 200, {"warnings": self.warnings})
        elif path == "/nodes/heartbeat" and body["stream_id"] in self._streams():
            self.keys.add(request.headers["signature-input"].partition("keyid=")[2])
            _send(request, 200, self._heartbeat_answer(body))
        else:
            _problem(request, 404, "unknown-stream", "There is no stream of this id.")

    def _answer_publisher(
        self, request: BaseHTTPRequestHandler, key: str, body: dict[str, Any]
    ) -> None:
        if key != INGEST_KEY:
            _problem(request, 401, "unknown-key", "This is not the ingest's key.")
        elif body["stream_id"] not in self._streams() or body["stream_key"] != STREAM_KEY:
            _problem(request, 403, "wrong-stream-key", "The stream key is wrong.")
        else:
            self.ingest_public_key = body.get("ingest_public_key")
            _send(request, 204, None)

    def _streams(self) -> dict[str, dict[str, Any]]:
        return {
            stream["stream_id"]: {**stream, "unverified_since": self._since(stream)}
            for stream in (self._stream(), *self.others)
        }

    def _since(self, stream: dict[str, Any]) -> str | None:
        return "2026-11-22T14:10:00Z" if stream["stream_id"] in self.unverified else None

    def _stream(self) -> dict[str, Any]:
        return {
            "stream_id": STREAM_ID,
            "name": "Main stage",
            "status": self.stream_status,
            "ingest_url": self.ingest_url,
            "ingest_public_key": self.ingest_public_key,
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
            "ingest_public_key": self.ingest_public_key,
            "earned": "12.25",
            "next_heartbeat_seconds": self.pace_s,
            "polled_every_seconds": self.sweep_s,
            "stream_unverified_since": stream["unverified_since"],
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


def _problem(
    request: BaseHTTPRequestHandler, status: int, problem: str, detail: str, **more: str
) -> None:
    told = {"type": f"/problems/{problem}", "status": status, "detail": detail, **more}
    _send(request, status, told)
