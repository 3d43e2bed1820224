"""Signs what a node says: RFC 9421 over the digest of RFC 9530, in the one form that is taken.

docs/architecture.md has the form, with an example that any implementation can be held against.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Generator
from email.utils import parsedate_to_datetime

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.node_key import public_key_of, secret_of

_COVERED = '("@method" "@authority" "@path" "content-type" "content-digest")'
_JSON = "application/json"
# A clock that was set back does not stop a node for longer: the coordinator takes times in order.
_AHEAD_S_MAX = 60


def signed_headers(  # noqa: PLR0913, PLR0917 - what is signed, part by part
    secret: Ed25519PrivateKey, method: str, authority: str, path: str, body: bytes, created_s: int
) -> dict[str, str]:
    """The headers that a signed request with a JSON body has."""
    key = base64.b64encode(public_key_of(secret)).decode("ascii")
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode('ascii')}:"
    params = f'{_COVERED};created={created_s};keyid="{key}";alg="ed25519";tag="restream-node"'
    base = (
        f'"@method": {method}\n"@authority": {authority}\n"@path": {path}\n'
        f'"content-type": {_JSON}\n"content-digest": {digest}\n"@signature-params": {params}'
    )
    signature = base64.b64encode(secret.sign(base.encode())).decode("ascii")
    return {
        "Content-Type": _JSON,
        "Content-Digest": digest,
        "Signature-Input": f"node={params}",
        "Signature": f"node=:{signature}:",
    }


class Bearer(httpx.Auth):
    """Shows a key as it is: an ingest's, which the coordinator knows anyway."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the header."""
        request.headers["authorization"] = f"Bearer {self._key}"
        yield request


class SignedBy(httpx.Auth):
    """Signs each request of a client by a node's key, at the time that the coordinator has."""

    requires_request_body = True

    def __init__(self, key: str, clock: Callable[[], float] = time.time) -> None:
        """`key` as its file holds it. Raises ValueError if it is none."""
        self._secret = secret_of(key)
        self._clock = clock
        self._ahead_s = 0.0
        self._last_s = 0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Signs it, and learns the coordinator's clock from the answer."""
        authority = request.headers["host"]
        path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        headers = signed_headers(
            self._secret, request.method, authority, path, request.content, self._next_s()
        )
        request.headers.update(headers)
        answer = yield request
        self._learn(answer.headers.get("date", ""))

    def _next_s(self) -> int:
        """Later than all before: the coordinator takes what was said later."""
        now_s = int(self._clock() + self._ahead_s)
        self._last_s = max(now_s, min(self._last_s + 1, now_s + _AHEAD_S_MAX))
        return self._last_s

    def _learn(self, date: str) -> None:
        try:
            self._ahead_s = parsedate_to_datetime(date).timestamp() - self._clock()
        except (ValueError, OverflowError):
            return
