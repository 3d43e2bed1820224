"""What one connection yielded: its packets, and how it began, went and ended."""

from dataclasses import dataclass
from enum import StrEnum

from coordinator.proof.packets import Packet
from coordinator.reasons import Reason

LATE_S_MAX = 3.0
"""So long the reference is waited for at most, where our own machine was late."""
DATA_BYTES_MAX = 4096
"""So much of script data is kept beside its digest: a mark has some hundred bytes."""


class Reader(StrEnum):
    """Who made a connection."""

    OWN = "own"
    """The prober itself, with `rtmp/`: it sees every track and codec."""
    FFPROBE = "ffprobe"
    """It shows packets of picture and sound alone, no headers, in no codec that it does not know;
    a track that begins after its analysis it never shows."""


class Ending(StrEnum):
    """How a connection ended. Whatever it was, a node is judged up to the planned instant."""

    PLANNED = "planned"
    """By us, when its time was over."""
    UNREACHABLE = "unreachable"
    """Nobody accepted it."""
    CLOSED = "closed"
    """The peer hung up."""
    REFUSED = "refused"
    """The peer said no, or that the stream is over; `says` has its code."""
    BROKEN = "broken"
    """The peer spoke no RTMP; `says` has what was wrong."""
    SLOW = "slow"
    """The stream was not even asked for in a time in which every viewer gives up."""
    FLOOD = "flood"
    """More bytes, packets or messages than any stream has."""
    FAULT = "fault"
    """Our own: no socket, no process, no memory."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time from its first instant up to, and not with, its last."""

    since_s: float
    until_s: float

    def holds(self, at_s: float) -> bool:
        """Whether the instant lies in it."""
        return self.since_s <= at_s < self.until_s


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """What a connection is made for."""

    seconds: float
    """How long it lasts, from the moment in which it is begun."""
    read: tuple[Span, ...] = ()
    """Which spans are hashed, in seconds since that moment; empty: all of it. What comes in
    between is counted only."""


@dataclass(frozen=True, slots=True)
class Steps:
    """When the connection came how far; None for what never was. Unix seconds."""

    connected_s: float | None = None
    """TCP's connect was accepted."""
    greeted_s: float | None = None
    """The handshake was whole."""
    asked_s: float | None = None
    """The stream was asked for."""
    media_s: float | None = None
    """The first picture or sound was whole."""


@dataclass(frozen=True, slots=True)
class Count:
    """What came in one whole second outside of the spans that were read."""

    at_s: float
    packets: int
    size: int


@dataclass(frozen=True, slots=True)
class Capture:
    """Everything that one connection yielded."""

    started_s: float
    """When the connection was begun; Unix seconds of the packets' clock, like all times here."""
    ended_s: float
    """When the capture was due to end. A node that hangs up earlier is judged to the same
    instant: hanging up must not shorten what it has to deliver."""
    packets: tuple[Packet, ...] = ()
    """In order of arrival. Of very long captures those of `read` alone, headers and script data
    always."""
    failure: Reason | None = None
    """Why there are no packets (`UNREACHABLE`, `NO_STREAM`) or no capture (`UNKNOWN_…`)."""
    cpu_s: float = 0.0
    """CPU seconds that the reading used, of a process of its own where it had one."""
    late_s: float = 0.0
    """How late our own machine was meanwhile, at worst. Nothing that comes can make it so."""
    bytes_received: int = 0
    """Payload bytes of the packets, counted ones included."""
    reader: Reader = Reader.OWN
    ending: Ending = Ending.PLANNED
    stopped_s: float | None = None
    """When the connection was over; None where it lasted as long as it was due to."""
    says: str = ""
    """The peer's own words or what was wrong with them: printable, at most 200 characters."""
    steps: Steps = Steps()
    read: tuple[Span, ...] = ()
    """The spans whose packets were hashed, in Unix seconds; empty: all of it."""
    counts: tuple[Count, ...] = ()
    """The seconds in between."""

    def compared_until_s(self, grace_s: float) -> float:
        """Until when the reference may get what came here, if it is `grace_s` behind a viewer.

        The same machine reads it: where that was late, it may read the reference as late."""
        return self.ended_s + grace_s + min(self.late_s, LATE_S_MAX)
