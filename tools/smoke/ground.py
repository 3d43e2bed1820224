"""What a network stands on, as far as a cloud has what a machine of one's own lacks."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from coordinator.adapters.log import LogEvent


class CalledFunction(StrEnum):
    """Those that jobs call, in the order in which smoke calls them."""

    PAYOUT = "payout"
    COLLECTOR = "collector"
    PROBER = "prober"

    @property
    def event(self) -> LogEvent:
        """What its log says after a call."""
        return _EVENTS[self]


_EVENTS = {
    CalledFunction.PAYOUT: LogEvent.JOBS_REVIEWED,
    CalledFunction.COLLECTOR: LogEvent.SWEPT,
    CalledFunction.PROBER: LogEvent.CHECKED,
}


@dataclass(frozen=True)
class ScheduledJob:
    """A job of the scheduler."""

    name: str
    """As the scheduler knows it."""
    function: CalledFunction

    @property
    def id(self) -> str:
        """The last part of it."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True)
class CloudMachine:
    """One that runs the node image."""

    name: str
    status: str
    """`RUNNING`, or what it is in the middle of."""
    health: str
    """`HEALTHY`, or what its health check found; empty where nothing checks it."""

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be waited for."""
        return self.status == "RUNNING" and self.health in ("", "HEALTHY")


@dataclass(frozen=True)
class Database:
    """One of the network's, and the HTTP status with which the prober reads it."""

    name: str
    is_for_the_prober: bool
    status: int


class Call(Protocol):
    """A job's call, watched from then on."""

    def has_come_through(self) -> bool:
        """Whether its function has done its work since."""

    def failure(self) -> str:
        """Why it failed, and what to do; empty while it has not."""


class Ground(Protocol):
    """A cloud, or machines of one's own. Each raises NotToldError where it cannot ask."""

    def jobs(self) -> Sequence[ScheduledJob]:
        """All that the network has."""

    def call(self, job: ScheduledJob) -> Call:
        """Has the scheduler call it now, beside its schedule. Raises WrongError."""

    def doors(self) -> Mapping[str, int]:
        """What closed functions answer to a stranger, by name."""

    def databases(self) -> Sequence[Database]:
        """What the prober's identity is answered by each."""

    def machines(self) -> Sequence[CloudMachine]:
        """Those of the ingest and of the control nodes."""

    def relaying(self, stream_id: str) -> AbstractContextManager[None]:
        """A node for the stream, where the network has none that comes by itself."""
