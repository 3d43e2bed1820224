"""The known-bad control node: says that it relays, and serves nothing. It needs what the node image
has: Python and its cryptography.

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
from urllib.error import HTTPError
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BYTES_PER_SECOND = 83_000
PAUSE_SECONDS = 30.0
ANSWER_BYTES_MAX = 1_000_000
PAGES_MAX = 20
STATS_PORT = int(os.environ.get("STATS_PORT", "8081"))
RTMP_PORT = int(os.environ.get("RTMP_PORT", "1936"))


def choice(streams: Iterable[dict[str, Any]]) -> tuple[str, bool] | None:
    """The active stream to claim, and whether nodes serve it: only what is published is checked.

    Such a one first, and of several the newest. None if none is active."""
    active = [stream for stream in streams if stream["status"] == "active"]
    best = max(active, key=lambda s: (s["nodes_verified"] > 0, s["created_at"]), default=None)
    return (str(best["stream_id"]), best["nodes_verified"] > 0) if best else None


class Claims:
    """What the node says of itself."""

    def __init__(self, coordinator_url: str, key: str) -> None:
        raw = base64.urlsafe_b64decode(key.removeprefix("ed25519:") + "=")
        self._secret = Ed25519PrivateKey.from_private_bytes(raw)
        self._public = self._secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        digest = hashlib.sha256(self._public).digest()
        self._node_id = "n" + base64.b32encode(digest).decode().lower()[:19]
        self._url = coordinator_url.rstrip("/")
        self._address = ""
        self._stream_id = ""
        self._is_served = False
        """Whether others serve it. Who is alone with a claim would have the prober wait for a
        stream that nobody publishes."""
        self._started_s = time.time()

    def stats(self) -> dict[str, Any]:
        """The agent's own schema, with counters that grow."""
        age_s = round(time.time() - self._started_s, 1)
        received = int(age_s * BYTES_PER_SECOND)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        relay = {"engine": "restream", "state": "running", "uptime_s": age_s, "restarts": 0}
        state = "live" if self._is_served else "waiting"
        stream = {"id": self._stream_id, "state": state, "live_s": age_s, "viewers": 1}
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
        chosen = choice(self._streams())
        if chosen is None:
            self._is_served = False
            return PAUSE_SECONDS
        self._stream_id, self._is_served = chosen
        ports = {"stats_port": STATS_PORT, "rtmp_port": RTMP_PORT}
        about = {"agent": "0.1.0", "engine": "restream", "state": "running"}
        beat = {"stream_id": self._stream_id, **ports, **about}
        try:
            answer = self._beat({**beat, "address": self._address})
        except HTTPError as error:  # 409: it has to sign the address that it is seen at
            told = json.loads(error.read(ANSWER_BYTES_MAX)).get("address", self._address)
            if told == self._address:
                raise
            self._address = told
            answer = self._beat({**beat, "address": self._address})
        return float(answer["next_heartbeat_seconds"])

    def _beat(self, beat: dict[str, Any]) -> Any:
        """Signed as docs/architecture.md says."""
        body, url = json.dumps(beat).encode(), urlsplit(self._url)
        digest = f"sha-256=:{_base64(hashlib.sha256(body).digest())}:"
        params = (
            '("@method" "@authority" "@path" "content-type" "content-digest")'
            f';created={int(time.time())};keyid="{_base64(self._public)}"'
            ';alg="ed25519";tag="restream-node"'
        )
        base = (
            f'"@method": POST\n"@authority": {url.netloc}\n"@path": {url.path}/nodes/heartbeat\n'
            f'"content-type": application/json\n"content-digest": {digest}\n'
            f'"@signature-params": {params}'
        )
        signature = f"node=:{_base64(self._secret.sign(base.encode()))}:"
        signed = {"Content-Digest": digest, "Signature-Input": f"node={params}"}
        return self._call("/nodes/heartbeat", body, {**signed, "Signature": signature})

    def _streams(self) -> Iterator[dict[str, Any]]:
        token = ""
        for _ in range(PAGES_MAX):
            page = self._call(f"/streams?page_token={token}")
            yield from page["streams"]
            token = page["next_page_token"]
            if token is None:
                return

    def _call(
        self, path: str, body: bytes | None = None, signed: dict[str, str] | None = None
    ) -> Any:
        headers = {"Content-Type": "application/json", **(signed or {})}
        url = self._url + path
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - ops named the address
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - likewise
            return json.loads(answer.read(ANSWER_BYTES_MAX))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


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
