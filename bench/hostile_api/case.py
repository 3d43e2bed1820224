"""One hostile input: its bytes, and what the answer has to be."""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.client.signing import signed_headers
from agent.node_key import encode_key, secret_of

TOLD_CHARS_MAX = 90
SPONSOR_KEY = "sponsor-key-of-the-bench-0123456789abcdefgh"
NODE = "a node"
"""In place of a key: a node shows none, it signs."""
INGEST_KEY = "ingest-key-of-the-bench"
HOST = "api.example"
CALLER = "203.0.114.7"
"""As our own proxy tells it: a public address."""
USUAL_HEADERS = ("x-content-type-options", "x-request-id", "cache-control")
_SECRET = secret_of(encode_key((7).to_bytes(32)))


@dataclass(frozen=True, slots=True)
class Case:
    """What is sent on a connection of its own, and which answers are right."""

    group: str
    name: str
    sent: bytes
    statuses: Collection[int]
    says: str = ""
    """What the answer's body holds besides."""

    def wrong(self, answer: bytes) -> str | None:
        """What is wrong with an answer; None if it is right."""
        head, _, body = answer.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        parts = status_line.split(" ")
        if len(parts) < 2 or not parts[1].isdigit():
            return f"no answer: {answer[:40]!r}"
        status = int(parts[1])
        if status not in self.statuses:
            return f"{status} and not {sorted(self.statuses)}: {body[:TOLD_CHARS_MAX]!r}"
        headers = {
            name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
        }
        lacking = [name for name in USUAL_HEADERS if name not in headers]
        if lacking:
            return f"without {', '.join(lacking)}"
        if status >= 400 and headers.get("content-type") != "application/problem+json":
            return f"an error that is no problem: {headers.get('content-type')}"
        if self.says.encode() not in body:
            return f"it does not say {self.says!r}: {body[:TOLD_CHARS_MAX]!r}"
        return None


def request(  # noqa: PLR0913 - all of a request, each part named
    method: str,
    path: str,
    *,
    key: str | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    raw: bytes | None = None,
    secret: Ed25519PrivateKey = _SECRET,
) -> bytes:
    """As any client would send it; `raw` is a body that is no JSON, `secret` a node's."""
    sent = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Connection: close"]
    told = {"X-Forwarded-For": CALLER, **(headers or {})}
    if key == NODE:
        told |= signed_headers(secret, method, HOST, path, sent, int(time.time()))
    if sent:
        told.setdefault("Content-Type", "application/json")
        told.setdefault("Content-Length", str(len(sent)))
    if key is not None and key != NODE:
        told["Authorization"] = f"Bearer {key}"
    lines += [f"{name}: {value}" for name, value in told.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + sent
