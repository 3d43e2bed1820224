"""Who is calling: keys of sponsors and the ingest, signatures of nodes, the address of a call."""

import re
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.openapi.models import HTTPBearer
from fastapi.openapi.models import SecurityBase as SecurityModel
from fastapi.security.base import SecurityBase
from starlette.types import Scope

from api.http.problems import Problem, ProblemKind
from coordinator.keys import SPONSOR_KEY_PATTERN, matches, sha256_hex
from coordinator.strangers.networks import plain_address

_FOR = re.compile(r"(?:^|;)\s*for=([^;\s]+)", re.IGNORECASE)
_PORT = re.compile(r"[0-9]{1,5}")
_CALLERS = "api.callers"
"""Where a request's scope has who calls, by what was asked for."""


class Sponsor(NamedTuple):
    """A sponsor who calls."""

    name: str
    key: str


class CallerKey(SecurityBase):
    """Who a route wants to know: `caller: Sponsor = Security(services.sponsor_key)`.

    It makes the security scheme of the OpenAPI document; `http.route` asks for it first."""

    def __init__(self, scheme_name: str, model: SecurityModel) -> None:
        self.scheme_name = scheme_name
        self.model = model

    @abstractmethod
    async def ask(self, request: Request) -> None:
        """Finds who calls, by the headers alone; a problem if nobody says so, or anybody could."""

    def hold_to(self, request: Request, body: bytes) -> None:
        """A problem if the caller did not send this body."""

    def find(self, request: Request, caller: Any) -> None:
        """Keeps who calls, for `found`."""
        request.scope.setdefault(_CALLERS, {})[self] = caller

    def found(self, request: Request) -> Any:
        """Who calls, as `ask` found it; KeyError where nobody asked, so that nobody gets by."""
        return request.scope[_CALLERS][self]

    async def __call__(self, request: Request) -> Any:
        """The same, as FastAPI asks for it."""
        return self.found(request)


class BearerKey(CallerKey):
    """A caller who is known by a key."""

    def __init__(self, scheme_name: str, says: str) -> None:
        super().__init__(scheme_name, HTTPBearer(description=says))

    async def ask(self, request: Request) -> None:
        """A problem if the key is missing, or nobody's."""
        self.find(request, await self.caller(request.headers.get("authorization")))

    @abstractmethod
    async def caller(self, authorization: str | None) -> Any:
        """Whose key a header holds; a problem if it is missing, or nobody's."""


class SponsorKey(BearerKey):
    """One of the sponsors'."""

    def __init__(self, name_of: Callable[[str], Awaitable[str | None]]) -> None:
        """`name_of` tells whose key has a hash, which cannot be guessed digit by digit."""
        super().__init__("sponsorKey", "From whoever runs the coordinator (`make sponsor`).")
        self.name_of = name_of

    async def caller(self, authorization: str | None) -> Sponsor:
        """The sponsor. What no key looks like is nobody's, and is not looked for."""
        key = bearer_of(authorization)
        is_one = SPONSOR_KEY_PATTERN.fullmatch(key)
        name = await self.name_of(sha256_hex(key)) if is_one else None
        if name is None:
            says = (
                "Ask whoever runs this coordinator for a sponsor key. A new one opens within a "
                "minute, and one that was revoked no longer does."
            )
            raise Problem(ProblemKind.KEY_UNKNOWN, says)
        return Sponsor(name, key)


class IngestKey(BearerKey):
    """The ingest's."""

    def __init__(self, key_hash: str) -> None:
        super().__init__("ingestKey", "The ingest's own key, INGEST_KEY.")
        self._key_hash = key_hash

    async def caller(self, authorization: str | None) -> None:
        """Nothing: there is one ingest."""
        if not matches(bearer_of(authorization), self._key_hash):
            says = "Only the ingest may ask this, with INGEST_KEY."
            raise Problem(ProblemKind.KEY_UNKNOWN, says)


def bearer_of(authorization: str | None) -> str:
    """The key of an `Authorization: Bearer …` header; a problem if there is none."""
    scheme, key = key_in(authorization or "")
    if scheme != "bearer" or not key:
        raise Problem(ProblemKind.KEY_MISSING, "Send your key as `Authorization: Bearer <key>`.")
    return key


def key_in(authorization: str) -> tuple[str, str]:
    """The scheme in lower case and the key of an `Authorization` header, as both are read."""
    scheme, _, key = authorization.partition(" ")
    return scheme.lower(), key.strip()


def peer_of(scope: Scope, trusted_proxies: int) -> str:
    """The caller's address, as its own text; empty if nobody knows it.

    It is what the outermost of our own proxies saw. Each trusted proxy appends the address it was
    called from, to X-Forwarded-For or as another one, so with n of them the n-th entry from the
    right was written by one of ours; anything further left is hearsay. Forwarded is read, in the
    same way, where no proxy writes the other."""
    client: str = (scope.get("client") or ("",))[0]
    if not trusted_proxies:
        return told_address(client)
    headers = scope["headers"]
    found = [value for name, value in headers if name == b"x-forwarded-for"]
    if not found:
        found = [value for name, value in headers if name == b"forwarded"]
    if not found:
        return told_address(client)
    entries = b",".join(found).decode("latin-1").split(",")
    return told_address(entries[max(0, len(entries) - trusted_proxies)])


@lru_cache(maxsize=16_384)
def told_address(entry: str) -> str:
    """The address that an entry names, without its port; empty if it names none.

    Proxies write `198.51.100.7`, `198.51.100.7:443`, `[2001:db8::7]:443`, `::ffff:198.51.100.7`,
    and in a Forwarded header `for="[2001:db8::7]:443"`; also `unknown`, and names of their own."""
    text = entry.strip()
    if "=" in text:
        named = _FOR.search(text)
        text = named[1] if named else ""
    text = text.strip('"')
    if text.startswith("["):
        text, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
    else:
        port = ""
    if port and not _PORT.fullmatch(port):
        return ""
    return plain_address(text)
