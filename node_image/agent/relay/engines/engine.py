"""What every relay engine can do, and what is told to and read from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agent.relay.last_read import LastRead
from agent.settings import FLUSH_MS
from rtmp.addresses import RtmpAddress


class EngineMissingError(Exception):
    """The engine's program is not on this machine. The message says what to install."""


class EngineUnfitError(Exception):
    """The engine cannot do this task at all. The message says what to set instead."""


class EngineSilentError(Exception):
    """The engine did not give its statistics. The message says why."""


class StatisticsError(Exception):
    """A page of statistics is not what this engine writes. The message says what is wrong."""


@dataclass(frozen=True)
class RelayTask:
    """What a relay has to do. Two equal tasks need the same configuration."""

    bind_address: str
    rtmp_port: int
    stream_id: str
    upstream: RtmpAddress | None = None  # a node pulls from here; an ingest has none
    hooks: str = ""  # asked at {hooks}/play about players, on an ingest at /publish as well
    flush_ms: int = FLUSH_MS
    """How long an engine that merges writes collects frames; others need not heed it."""
    mark_key_file: str = ""  # with which an ingest signs its streams


@dataclass(frozen=True)
class Video:
    """A video track; zero and empty mean unknown."""

    codec: str
    width: int
    height: int
    frame_rate: float


@dataclass(frozen=True)
class Audio:
    """An audio track; zero and empty mean unknown."""

    codec: str
    sample_rate: int
    channels: int


@dataclass(frozen=True)
class Delivery:
    """How a stream is handed on, where the engine tells."""

    key_interval_ms: int | None = None
    """Between the last two key frames."""
    gop_bytes: int = 0
    """Kept for newcomers."""
    dropped: int = 0
    """Writes that slow viewers did not get."""


@dataclass(frozen=True)
class Marks:
    """Whether a node's upstream sends what the ingest has signed, where the engine tells."""

    state: str = "not_signed"
    """Or `waiting` for the first mark of a connection, or `verified`."""
    left: Mapping[str, int] = field(default_factory=dict)
    """How often the upstream was left because of a mark, by what was found."""


@dataclass(frozen=True)
class StreamReading:
    """One stream in a relay, as the relay tells it."""

    name: str
    is_published: bool
    viewers: int
    bytes_in: int
    bytes_out: int
    video: Video | None
    audio: Audio | None
    delivery: Delivery = field(default_factory=Delivery)
    marks: Marks | None = None
    """None on an ingest."""


Reading = tuple[StreamReading, ...]


class Engine(Protocol):
    """A relay program that lives in one working folder: how to configure, start and measure it."""

    name: str
    work_dir: Path
    checks_publishers: bool
    """Whether an ingest of it asks the task's hooks before it lets a publisher in."""

    hurry_signal: int | None
    """Sent to a running engine when the stream is said to be live; None if it needs none."""
    refused: Mapping[str, int]
    """How many connections it refused or threw out, by reason, as of its last reading."""

    def render(self, task: RelayTask, upstream_ip: str) -> Mapping[str, str]:
        """The configuration: texts by file name in the working folder. Pure.

        Raises EngineUnfitError.
        """
        ...

    def command(self) -> list[str]:
        """The command line, run in the working folder. Raises EngineMissingError."""
        ...

    def started(self, pid: int) -> None:
        """Told the process id of every new run of the engine; forgets the run before."""
        ...

    async def read(self) -> Reading:
        """Ask the running engine for its statistics. Raises EngineSilentError."""
        ...

    def last_read(self) -> LastRead | None:
        """What an engine that crashed had read last; None if it does not tell."""
        ...

    def ailment(self, silent_s: float) -> str:
        """Why a running engine has to be restarted, or nothing while it is healthy.

        `silent_s`: seconds since it last gave its statistics, or since it was started.
        """
        ...

    def level_of(self, line: str) -> int:
        """The logging level of a line that the engine wrote. Pure."""
        ...
