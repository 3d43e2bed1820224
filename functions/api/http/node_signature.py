"""A node that calls is known by what it signs."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.openapi.models import APIKey, APIKeyIn

from api.http.callers import CallerKey
from api.http.problems import Problem, ProblemKind
from api.http.rates import require_node
from coordinator.adapters.clock import Clock
from coordinator.keys import node_id_of
from coordinator.strangers.signed_requests import (
    COVERED,
    TAG,
    SignatureError,
    Signed,
    base_of,
    clock_sentence,
    has_digest,
    is_by_its_key,
    parse,
)

_SIGNED = "api.signed"
"""Where a request's scope has what was signed."""


class SentNode(NamedTuple):
    """A node that calls, and when it says that it did: Unix seconds, within minutes of ours."""

    node_id: str
    created_s: int


class NodeSignature(CallerKey):
    """A node, by what it signs: its key never leaves it, so nobody can speak for it, nor do we."""

    def __init__(self, clock: Clock, public_url: str | None = None) -> None:
        """`public_url`: the api's own, where a proxy tells us another host than it was called."""
        says = (
            "An Ed25519 signature by RFC 9421, with Signature-Input and RFC 9530's Content-Digest, "
            f'of {COVERED}, with created, keyid, alg="ed25519" and tag="{TAG}".'
        )
        scheme = APIKey.model_validate(
            {"in": APIKeyIn.header, "name": "Signature", "description": says}
        )
        super().__init__("nodeSignature", scheme)
        self._clock, self._host = clock, urlsplit(public_url or "").netloc.lower()

    async def ask(self, request: Request) -> None:
        """A problem if the signature is missing, does not fit, or is of another time. Or if the
        node calls too often, which is counted here: before, it might be anybody."""
        try:
            signed = parse(request.headers)
        except SignatureError as error:
            kind = ProblemKind.SIGNATURE_WRONG
            if "signature" not in request.headers:
                kind = ProblemKind.SIGNATURE_MISSING
            raise Problem(
                kind, f"Sign the request as docs/architecture.md says: {error}."
            ) from None
        wrong_clock = clock_sentence(signed.created_s, self._clock())
        if wrong_clock is not None:
            raise Problem(ProblemKind.CLOCK_OFF, wrong_clock)
        if not any(is_by_its_key(signed, base) for base in self._bases(signed, request)):
            says = "The signature does not fit: sign this method, host, path and body, by this key."
            raise Problem(ProblemKind.SIGNATURE_WRONG, says)
        require_node(request.scope, signed.public_key)
        self.find(request, SentNode(node_id_of(signed.public_key), signed.created_s))
        request.scope[_SIGNED] = signed

    def hold_to(self, request: Request, body: bytes) -> None:
        """A problem if it signed another body."""
        if not has_digest(request.scope[_SIGNED], body):
            says = "The body is not the one whose digest was signed."
            raise Problem(ProblemKind.SIGNATURE_WRONG, says)

    def _bases(self, signed: Signed, request: Request) -> Iterator[bytes]:
        """What the node may have signed: the host as we were told it, or as we are known."""
        if request.scope["query_string"]:
            return  # it would not be covered
        method, path = request.method, request.scope["path"]
        for host in dict.fromkeys((request.headers.get("host", "").lower(), self._host)):
            if host:
                yield base_of(signed, method, host, path)
