"""The known-bad control node: says that it relays, and serves nothing. Standard library only.

Environment: COORDINATOR_URL, DATA_DIR (holds node.key), STATS_PORT, RTMP_PORT (nobody listens
there).
"""

import base64
import hashlib
import json
import os
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BYTES_PER_SECOND = 83_000
PAUSE_SECONDS = 30.0
ANSWER_BYTES_MAX = 1_000_000
PAGES_MAX = 20
STATS_PORT = int(os.environ.get("STATS_PORT", "8081"))
RTMP_PORT = int(os.environ.get("RTMP_PORT", "1936"))


def choice(streams: Iterable[dict[str, Any]]) -> str | None:
    """The active stream to claim: one that nodes serve, because only what is published is
    checked, and of several the newest. None if none is active."""
    active = [stream for stream in streams if stream["status"] == "active"]
    best = max(active, key=lambda s: (s["nodes_verified"] > 0, s["created_at"]), default=None)
    return str(best["stream_id"]) if best else None


class Claims:
    """What the node says of itself."""

    def __init__(self, coordinator_url: str, key: str) -> None:
        digest = hashlib.sha256(key.encode()).digest()
        self._node_id = "n" + base64.b32encode(digest).decode().lower()[:19]
        self._url = coordinator_url.rstrip("/")
        self._key = key
        self._stream_id = ""
        self._started_s = time.time()

    def stats(self) -> dict[str, Any]:
        """The agent's own schema, with counters that grow."""
        age_s = round(time.time() - self._started_s, 1)
        received = int(age_s * BYTES_PER_SECOND)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        relay = {"engine": "restream", "state": "running", "uptime_s": age_s, "restarts": 0}
        stream = {"id": self._stream_id, "state": "live", "live_s": age_s, "viewers": 1}
        video = {"codec": "H264", "width": 1280, "height": 720, "frame_rate": 30.0}
        media = {"bytes_in": received, "bytes_out": received, "video": video, "audio": None}
        return {
            "schema": "restream-node/1",
            "node_id": self._node_id,
            "generated_at": now,
            "agent": {"version": "0.1.0", "uptime_s": age_s},
            "relay": relay,
            "stream": stream | media,
        }

    def announce(self) -> float:
        """One heartbeat for the stream of its choice; the seconds until the next.

        Raises OSError, ValueError or KeyError."""
        stream_id = choice(self._streams())
        if stream_id is None:
            return PAUSE_SECONDS
        self._stream_id = stream_id
        ports = {"stats_port": STATS_PORT, "rtmp_port": RTMP_PORT}
        about = {"agent": "0.1.0", "engine": "restream", "state": "running"}
        beat = {"stream_id": self._stream_id, **ports, **about}
        return float(self._call("POST", "/nodes/heartbeat", beat)["next_heartbeat_seconds"])

    def _streams(self) -> Iterator[dict[str, Any]]:
        token = ""
        for _ in range(PAGES_MAX):
            page = self._call("GET", f"/streams?page_token={token}")
            yield from page["streams"]
            token = page["next_page_token"]
            if token is None:
                return

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - ops named the address
            self._url + path, data, headers, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - likewise
            return json.loads(answer.read(ANSWER_BYTES_MAX))


def handler(claims: Claims) -> type[BaseHTTPRequestHandler]:
    """Whatever is asked for, the answer is the statistics."""

    class Answer(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            body = json.dumps(claims.stats()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Polled every minute: not worth a line."""

    return Answer


def main() -> None:
    """Until it is ended."""
    key = Path(os.environ.get("DATA_DIR", "/data"), "node.key").read_text().strip()
    claims = Claims(os.environ["COORDINATOR_URL"], key)
    server = ThreadingHTTPServer((os.environ.get("BIND_ADDRESS", ""), STATS_PORT), handler(claims))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        try:
            pause_s = claims.announce()
        except (OSError, ValueError, KeyError) as error:
            print(f"the coordinator cannot be reached: {error}", flush=True)
            pause_s = PAUSE_SECONDS
        time.sleep(pause_s)


if __name__ == "__main__":
    main()
