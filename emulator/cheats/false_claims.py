"""What cheats have in common: an identity, heartbeats, and statistics that look alive.

Written from the documented wire contract alone, as a stranger would; nothing of the honest
agent is used.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import secrets
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VIDEO_BYTES_PER_SECOND = 83_000
HEARTBEAT_SECONDS_MAX = 30.0
RETRY_SECONDS = 2.0
REQUEST_SECONDS_MAX = 5.0
WRONG_ADDRESS = 409
"""What is answered to a heartbeat that signs another address than it comes from."""


def new_key() -> str:
    """A node's key, as its file holds it."""
    return secrets.token_urlsafe(32)


def _secret_of(key: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(key + "="))


def _public_key_of(key: str) -> bytes:
    return _secret_of(key).public_key().public_bytes_raw()


def node_id_of(key: str) -> str:
    """The id that the coordinator derives from a node's public key."""
    digest = hashlib.sha256(_public_key_of(key)).digest()
    return "n" + base64.b32encode(digest).decode("ascii").lower()[:19]


@dataclass(frozen=True, slots=True)
class Setup:
    """Where a cheat pretends to be a node."""

    coordinator_url: str
    stream_id: str
    bind_address: str
    rtmp_port: int
    stats_port: int
    key: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Setup":
        """Without NODE_KEY a new key on every start: who cheats does not keep a reputation."""
        return cls(
            coordinator_url=environ["COORDINATOR_URL"].rstrip("/"),
            stream_id=environ["STREAM_ID"],
            bind_address=environ.get("BIND_ADDRESS", "0.0.0.0"),
            rtmp_port=int(environ.get("RTMP_PORT", "1935")),
            stats_port=int(environ.get("STATS_PORT", "8080")),
            key=environ.get("NODE_KEY") or new_key(),
        )


class FalseClaims:
    """Serves the statistics and announces them, until cancelled."""

    def __init__(self, setup: Setup, now_s: float, viewers: int = 3) -> None:
        self._setup = setup
        self._since_s = now_s
        self._viewers = viewers
        self.polled_s = 0.0
        """When the statistics were last asked for, Unix seconds."""

    def stats(self, now_s: float) -> dict[str, Any]:
        """A body in the agent's own schema, as a healthy node would answer at `now_s`."""
        age_s = round(now_s - self._since_s, 1)
        received = int(age_s * VIDEO_BYTES_PER_SECOND)
        return {
            "schema": "restream-node/1",
            "node_id": node_id_of(self._setup.key),
            "generated_at": _rfc3339(now_s),
            "agent": {"version": "0.1.0", "uptime_s": age_s + 2},
            "relay": {
                "engine": "restream",
                "state": "running",
                "uptime_s": age_s + 1,
                "restarts": 0,
            },
            "stream": {
                "id": self._setup.stream_id,
                "state": "live",
                "live_s": age_s,
                "viewers": self._viewers,
                "bytes_in": received,
                "bytes_out": received * self._viewers,
                "video": {"codec": "H264", "width": 640, "height": 360, "frame_rate": 15.0},
                "audio": {"codec": "AAC", "sample_rate": 44100, "channels": 1},
            },
        }

    async def run(self) -> None:
        """Raises OSError if the stats port is taken."""
        server = await asyncio.start_server(
            self._answer, self._setup.bind_address, self._setup.stats_port
        )
        async with server, httpx.AsyncClient(timeout=REQUEST_SECONDS_MAX, trust_env=False) as http:
            await heartbeats(http, self._setup)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One answer per connection, whatever was asked for."""
        try:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                await reader.readuntil(b"\r\n\r\n")
                self.polled_s = time.time()
                body = json.dumps(self.stats(time.time())).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                    + f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


async def heartbeats(http: httpx.AsyncClient, setup: Setup, stats_url: str | None = None) -> None:
    """Announces the node for ever, at `stats_url` if that is given and not at its own address.

    What is refused or lost is printed and tried again."""
    beat = {
        "stream_id": setup.stream_id,
        **({"stats_port": setup.stats_port} if stats_url is None else {"stats_url": stats_url}),
        "rtmp_port": setup.rtmp_port,
        "agent": "0.1.0",
        "engine": "restream",
        "state": "running",
    }
    address = ""
    while True:
        pause_s = RETRY_SECONDS
        try:
            answer = await http.send(_signed(http, setup, {**beat, "address": address}))
            if answer.status_code == WRONG_ADDRESS and answer.json()["address"] != address:
                address, pause_s = answer.json()["address"], 0.0
            elif answer.is_success:
                pause_s = min(float(answer.json()["next_heartbeat_seconds"]), HEARTBEAT_SECONDS_MAX)
            else:
                print(f"heartbeat refused: {answer.status_code} {answer.text[:300]}", flush=True)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            print(f"heartbeat lost: {error!r}", flush=True)
        await asyncio.sleep(pause_s)


def _signed(http: httpx.AsyncClient, setup: Setup, beat: Mapping[str, Any]) -> httpx.Request:
    """A heartbeat by RFC 9421, in the form of docs/architecture.md."""
    request = http.build_request("POST", f"{setup.coordinator_url}/nodes/heartbeat", json=beat)
    digest = f"sha-256=:{_base64(hashlib.sha256(request.content).digest())}:"
    params = (
        '("@method" "@authority" "@path" "content-type" "content-digest")'
        f';created={int(time.time())};keyid="{_base64(_public_key_of(setup.key))}"'
        ';alg="ed25519";tag="restream-node"'
    )
    base = (
        f'"@method": POST\n"@authority": {request.headers["host"]}\n"@path": {request.url.path}\n'
        f'"content-type": application/json\n"content-digest": {digest}\n'
        f'"@signature-params": {params}'
    )
    signature = _base64(_secret_of(setup.key).sign(base.encode()))
    request.headers["content-digest"] = digest
    request.headers["signature-input"] = f"node={params}"
    request.headers["signature"] = f"node=:{signature}:"
    return request


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _rfc3339(now_s: float) -> str:
    at = datetime.fromtimestamp(now_s, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class CheatError(Exception):
    """A cheat cannot do its trick. The message says why."""


def run(cheat: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a cheat's program to its end; exits with a sentence if it cannot go on."""
    try:
        asyncio.run(_until_told(cheat()))
    except (CheatError, OSError) as error:
        sys.exit(f"the cheat gives up: {error}")
    except KeyboardInterrupt:
        pass


async def _until_told(cheat: Coroutine[Any, Any, None]) -> None:
    """SIGTERM cancels it, so that it ends its own children."""
    task = asyncio.ensure_future(cheat)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
