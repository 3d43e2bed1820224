"""How long and how much a stranger may answer, and what came of asking one."""

from dataclasses import dataclass

from coordinator.reasons import Reason


@dataclass(frozen=True, slots=True)
class OutboundLimits:
    """Each stage has a limit, and all together have one more, which no drip of bytes can move."""

    resolve_seconds: float = 2.0
    connect_seconds: float = 3.0
    """For the connection, TLS included."""
    total_seconds: float = 5.0
    header_bytes: int = 8_192
    body_bytes: int = 65_536


LIMITS = OutboundLimits()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete answer with status 200. `peer` is the address it came from."""

    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Posted:
    """The status that a POST was answered with, whatever it is; `peer` answered."""

    status: int
    peer: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no answer: a public reason, and a detail for the log and the operator."""

    reason: Reason
    detail: str
    seconds: float
