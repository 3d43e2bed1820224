"""Who is calling: bearer keys of sponsors, nodes and the ingest, and the address of the call."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Header
from starlette.types import Scope

from api.http.problems import Problem
from coordinator.keys import SPONSOR_KEY_PATTERN, matches, node_id_of

Authorization = Annotated[str | None, Header()]
"""What a route that takes a key declares; in the OpenAPI document it becomes a security scheme."""


def bearer_of(authorization: str | None) -> str:
    """The key of an `Authorization: Bearer …` header; a problem if there is none."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Problem("key-missing", "Send your key as `Authorization: Bearer <key>`.")
    return key.strip()


def sponsor_of(authorization: str | None, names_by_hash: Mapping[str, str]) -> tuple[str, str]:
    """(name, key) of the sponsor who calls; every stored hash is compared, in constant time."""
    key = bearer_of(authorization)
    names = [name for stored, name in names_by_hash.items() if matches(key, stored)]
    if not names or not SPONSOR_KEY_PATTERN.fullmatch(key):
        raise Problem("key-unknown", "Ask whoever runs this coordinator for a sponsor key.")
    return names[0], key


def node_of(authorization: str | None) -> str:
    """The id of the node that calls: whoever holds the key is the node."""
    try:
        return node_id_of(bearer_of(authorization))
    except ValueError as error:
        raise Problem("key-unknown", f"That is not a node key: {error}.") from error


def require_ingest(authorization: str | None, ingest_key_hash: str) -> None:
    """A problem unless the ingest calls."""
    if not matches(bearer_of(authorization), ingest_key_hash):
        raise Problem("key-unknown", "Only the ingest may ask this, with INGEST_KEY.")


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
