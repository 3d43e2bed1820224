"""Ids and keys: who somebody is follows from a secret that only they hold.

Nobody registers: a node's id is derived from its key, a stream's publishing key from its
sponsor's key, so there is nothing to hand out twice and nothing but hashes to store.
"""

import base64
import hashlib
import hmac
import re
from functools import lru_cache

SPONSOR_KEY_PATTERN = INGEST_KEY_PATTERN = re.compile(r"[A-Za-z0-9_-]{20,128}")
NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What may stand in an RTMP or HTTP path: stream ids, node ids."""
SPONSOR_NAME_PATTERN = re.compile(r"[a-z][a-z0-9-]{0,39}")
"""Stricter, since people read it: no two of these names look alike but for their letters."""
SHA256_PATTERN = re.compile(r"[0-9a-f]{64}")
"""The form in which a key's hash is written."""


def sha256_hex(secret: str) -> str:
    """The only form in which a key of somebody else is ever stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: str, stored_sha256_hex: str) -> bool:
    """Whether `secret` is the stored one, in constant time."""
    return hmac.compare_digest(sha256_hex(secret), stored_sha256_hex)


@lru_cache(maxsize=16_384)
def node_id_of(public_key: bytes) -> str:
    """`n` and 19 base32 characters (95 bits) of the SHA-256 of a node's public key."""
    return "n" + _base32(hashlib.sha256(public_key).digest()[:15])[:19]


def stream_id_of(seed: bytes) -> str:
    """12 base32 characters (60 bits) of the seed's SHA-256.

    The seed is fresh randomness, or sponsor and Idempotency-Key, so that a repeated request
    names the same stream."""
    return _base32(hashlib.sha256(b"stream|" + seed).digest())[:12]


def stream_key_of(sponsor_key: str, stream_id: str) -> str:
    """The key that publishes `stream_id`: 32 characters only the sponsor's key can make.

    A repeated registration can answer with it again although only its hash is stored."""
    mac = hmac.new(sponsor_key.encode(), b"publish|" + stream_id.encode(), hashlib.sha256)
    return _base32(mac.digest())[:32]


def shard_of(node_id: str, shards: int) -> int:
    """Which of `shards` rosters a node belongs to; stable for a given count."""
    return int.from_bytes(hashlib.sha256(node_id.encode()).digest()[:8]) % shards


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").lower().rstrip("=")
