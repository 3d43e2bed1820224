"""Leases: what a node said last, signed by the coordinator and carried by the node itself.

A heartbeat that echoes its lease and says the same again needs no document to be read: the lease
proves that it was written, and when. It holds for ten minutes and is renewed after five.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field

LEASE_SECONDS = 600
LEASE_KEY_CHARACTERS_MIN = 32
LEASE_CHARACTERS_MAX = 130
_LEASE = re.compile(r"([0-9]{1,15})\.([0-9]{1,15})\.([0-9]{1,12})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Written:
    """When a node's document was first and last written, to the millisecond."""

    joined_s: float
    changed_s: float


@dataclass(frozen=True, slots=True)
class Leases:
    """Signs and verifies; everyone who holds the key can."""

    key: bytes
    _mac_key: bytes = field(init=False, repr=False)
    """BLAKE2 takes 64 bytes of key at most."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_mac_key", hashlib.sha256(self.key).digest())

    def renewed(self, lease: str, told: str, written: Written, now_s: float) -> str:
        """One that is `held` as it is while more than half of its time is left, else a new one."""
        ends_s = int(lease.split(".", 3)[2])
        if now_s < ends_s - LEASE_SECONDS / 2:
            return lease
        return self.granted(told, written, now_s)

    def granted(self, told: str, written: Written, now_s: float) -> str:
        """A lease for what a node told (`Node.what_it_says`)."""
        joined_ms, changed_ms = round(written.joined_s * 1000), round(written.changed_s * 1000)
        signed = f"{joined_ms}.{changed_ms}.{int(now_s) + LEASE_SECONDS}"
        return f"{signed}.{self._mac(told, signed)}"

    def held(self, lease: str | None, told: str, now_s: float) -> Written | None:
        """When that was written, by the lease; None unless it is ours, for this, and valid."""
        parts = _LEASE.fullmatch(lease) if lease and len(lease) <= LEASE_CHARACTERS_MAX else None
        if lease is None or parts is None or now_s >= int(parts[3]):
            return None
        signed, _, mac = lease.rpartition(".")
        if not hmac.compare_digest(self._mac(told, signed), mac):
            return None
        return Written(int(parts[1]) / 1000, int(parts[2]) / 1000)

    def _mac(self, told: str, signed: str) -> str:
        text = f"{told}|{signed}".encode()
        # A keyed hash by itself (RFC 7693), in half of the time of an HMAC.
        return hashlib.blake2b(text, digest_size=32, key=self._mac_key, person=b"lease").hexdigest()
