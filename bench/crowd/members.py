"""Who is in a crowd: each member has a key and an address of loopback of its own."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address

from agent.node_key import encode_key, node_id_of

FIRST_HOST = int(IPv4Address("127.16.0.1"))
OF_NETWORK = 50
"""Members of one /24: strangers come from many networks, and limits count by network."""
MEMBERS_MAX = 20_000


@dataclass(frozen=True)
class CrowdMember:
    """The same number of the same seed is the same node, in whatever process."""

    seed: str
    number: int

    @property
    def host(self) -> str:
        """Its address, from which it calls and at which it is reached."""
        network, place = divmod(self.number, OF_NETWORK)
        return str(IPv4Address(FIRST_HOST + 256 * network + place))

    @cached_property
    def key(self) -> str:
        """Its secret, as its file would hold it."""
        return encode_key(hashlib.sha256(f"{self.seed} {self.number}".encode()).digest())

    @cached_property
    def node_id(self) -> str:
        """By which everybody knows it."""
        return node_id_of(self.key)
