"""Nodes of tests: keys, and clients that sign by them."""

from collections.abc import Callable

import httpx

from agent.client.signing import SignedBy
from agent.node_key import encode_key, node_id_of, public_key_of, secret_of

__all__ = ["auth_of", "key_of", "node_id_of", "public_key"]


def key_of(number: int) -> str:
    """The key of one of many nodes."""
    return encode_key(number.to_bytes(32))


def public_key(key: str) -> bytes:
    """What the coordinator sees of it."""
    return public_key_of(secret_of(key))


def auth_of(key: str, clock: Callable[[], float] | None = None) -> httpx.Auth:
    """Signs a client's requests; by the clock of a coordinator that stands elsewhere in time."""
    return SignedBy(key, clock) if clock else SignedBy(key)
