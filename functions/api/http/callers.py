"""Who is calling: bearer keys of sponsors, nodes and the ingest, and the address of the call."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.types import Scope

from api.http.problems import Problem, ProblemKind
from coordinator.keys import SPONSOR_KEY_PATTERN, matches, node_id_of

_CALLERS = "api.callers"
"""Where a request's scope has who calls, by the key that was asked for."""


class Sponsor(NamedTuple):
    """A sponsor who calls."""

    name: str
    key: str


class BearerKey(SecurityBase):
    """A key that a route takes as a dependency: `caller: Sponsor = Security(services.sponsor_key)`.

    It makes the security scheme of the OpenAPI document; `http.route` asks for it first."""

    def __init__(self, scheme_name: str, says: str) -> None:
        self.scheme_name = scheme_name
        self.model = HTTPBearer(description=says)

    def ask(self, request: Request) -> None:
        """Finds who calls, for the handler; a problem if the key is missing, or nobody's."""
        found = self.caller(request.headers.get("authorization"))
        request.scope.setdefault(_CALLERS, {})[self] = found

    def found(self, request: Request) -> Any:
        """Who calls, as `ask` found it; KeyError where nobody asked, so that nobody gets by."""
        return request.scope[_CALLERS][self]

    async def __call__(self, request: Request) -> Any:
        """The same, as FastAPI asks for it."""
        return self.found(request)

    @abstractmethod
    def caller(self, authorization: str | None) -> Any:
        """Whose key a header holds; a problem if it is missing, or nobody's."""


class SponsorKey(BearerKey):
    """One of the sponsors'."""

    def __init__(self, names_by_hash: Mapping[str, str]) -> None:
        super().__init__("sponsorKey", "From whoever runs the coordinator (`make sponsor`).")
        self._names_by_hash = names_by_hash

    def caller(self, authorization: str | None) -> Sponsor:
        """The sponsor."""
        return sponsor_of(authorization, self._names_by_hash)


class NodeKey(BearerKey):
    """A node's own."""

    def __init__(self) -> None:
        says = "32 random bytes in URL-safe base64 without padding: whoever holds it is the node."
        super().__init__("nodeKey", says)

    def caller(self, authorization: str | None) -> str:
        """The node's id."""
        try:
            return node_id_of(bearer_of(authorization))
        except ValueError as error:
            raise Problem(ProblemKind.KEY_UNKNOWN, f"That is not a node key: {error}.") from error


class IngestKey(BearerKey):
    """The ingest's."""

    def __init__(self, key_hash: str) -> None:
        super().__init__("ingestKey", "The ingest's own key, INGEST_KEY.")
        self._key_hash = key_hash

    def caller(self, authorization: str | None) -> None:
        """Nothing: there is one ingest."""
        if not matches(bearer_of(authorization), self._key_hash):
            says = "Only the ingest may ask this, with INGEST_KEY."
            raise Problem(ProblemKind.KEY_UNKNOWN, says)


def bearer_of(authorization: str | None) -> str:
    """The key of an `Authorization: Bearer …` header; a problem if there is none."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Problem(ProblemKind.KEY_MISSING, "Send your key as `Authorization: Bearer <key>`.")
    return key.strip()


def sponsor_of(authorization: str | None, names_by_hash: Mapping[str, str]) -> Sponsor:
    """The sponsor who calls; every stored hash is compared, in constant time."""
    key = bearer_of(authorization)
    names = [name for stored, name in names_by_hash.items() if matches(key, stored)]
    if not names or not SPONSOR_KEY_PATTERN.fullmatch(key):
        raise Problem(
            ProblemKind.KEY_UNKNOWN, "Ask whoever runs this coordinator for a sponsor key."
        )
    return Sponsor(names[0], key)


def peer_of(scope: Scope, trusted_proxies: int) -> str:
    """The caller's address: what the outermost of our own proxies saw; empty if nobody knows.

    Each trusted proxy appends the address it was called from, to the header or as another one, so
    with n of them the n-th entry from the right was written by one of ours; anything further left
    is hearsay."""
    client: str = (scope.get("client") or ("",))[0]
    if not trusted_proxies:
        return client
    found = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    if not found:
        return client
    entries = [entry.strip() for entry in b",".join(found).decode("latin-1").split(",")]
    return entries[max(0, len(entries) - trusted_proxies)]
