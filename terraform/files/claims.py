"""The known-bad control node: says that it relays, and serves nothing. Standard library only.

Follows the newest active stream. Environment: COORDINATOR_URL, DATA_DIR (holds node.key), STATS_PORT, RTMP_PORT (closed).
"""

import hashlib
import base64
import json
import os
import threading
import time
import urllib.request
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BYTES_PER_SECOND = 83_000
PAUSE_SECONDS = 30
STARTED_S = time.time()
URL = os.environ["COORDINATOR_URL"].rstrip("/")
STATS_PORT = int(os.environ.get("STATS_PORT", "8081"))
RTMP_PORT = int(os.environ.get("RTMP_PORT", "1936"))
KEY = Path(os.environ.get("DATA_DIR", "/data"), "node.key").read_text().strip()
NODE_ID = "n" + base64.b32encode(hashlib.sha256(KEY.encode()).digest()).decode().lower()[:19]
stream_id = ""


def stats() -> dict:
    """The agent's own schema, with counters that grow."""
    age_s = round(time.time() - STARTED_S, 1)
    received = int(age_s * BYTES_PER_SECOND)
    return {
        "schema": "restream-node/1",
        "node_id": NODE_ID,
        "generated_at": datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "agent": {"version": "0.1.0", "uptime_s": age_s},
        "relay": {"engine": "nginx-rtmp", "state": "running", "uptime_s": age_s, "restarts": 0},
        "stream": {
            "id": stream_id, "state": "live", "live_s": age_s, "viewers": 1, "bytes_in": received, "bytes_out": received,
            "video": {"codec": "H264", "width": 1280, "height": 720, "frame_rate": 30.0}, "audio": None,
        },
    }


class Answer(BaseHTTPRequestHandler):
    """Whatever is asked for, the answer is the statistics."""

    timeout = 5

    def do_GET(self) -> None:
        body = json.dumps(stats()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Polled every minute: not worth a line."""


def call(method: str, path: str, body: dict | None = None) -> dict:
    """The coordinator's answer. Raises OSError or ValueError."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(URL + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read(1_000_000))


def announce() -> float:
    """One heartbeat for the newest active stream; how long to wait, in seconds."""
    global stream_id
    active = [stream["stream_id"] for stream in call("GET", "/streams")["streams"] if stream["status"] == "active"]
    if not active:
        return PAUSE_SECONDS
    stream_id = active[0]
    beat = {"stream_id": stream_id, "stats_port": STATS_PORT, "rtmp_port": RTMP_PORT,
            "agent": "0.1.0", "engine": "nginx-rtmp", "state": "running"}
    return float(call("POST", "/nodes/heartbeat", beat)["next_heartbeat_seconds"])


def main() -> None:
    """Until it is ended."""
    server = ThreadingHTTPServer(("", STATS_PORT), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        try:
            pause_s = announce()
        except (OSError, ValueError, KeyError) as error:
            print(f"the coordinator cannot be reached: {error}", flush=True)
            pause_s = PAUSE_SECONDS
        time.sleep(pause_s)


if __name__ == "__main__":
    main()
