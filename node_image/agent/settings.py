"""The agent's settings: environment variables, parsed in one place, and every mistake named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from agent import __version__
from agent.backoff import HEARTBEAT_S_MAX, HEARTBEAT_S_MIN
from agent.environment import Environment

ROLES = ("node", "ingest")
RELAY_ENGINES = ("restream", "rtmp_relay")
"""The names of agent.relay.engines, which stands above the settings."""
# With the goodbye before it and the relay's end after it, this fits into docker's 10 s.
DRAIN_S, DRAIN_S_MAX = 5.0, 600.0
UNPAID_S, UNPAID_S_MAX = 3_600.0, 604_800.0
"""An hour is one epoch: a sponsor who is told with its statement has time to top up."""
FLUSH_MS, FLUSH_MS_MIN, FLUSH_MS_MAX = 50, 5, 200
"""Below, merging writes spares nothing; above, it is a delay that viewers notice."""
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Variable(NamedTuple):
    """A row of `--help` and of the table in docs/architecture.md."""

    name: str
    default: str
    meaning: str


VARIABLES = (
    Variable("COORDINATOR_URL", "required", "address of the coordinator's API"),
    Variable("STREAM_ID", "required for ROLE=node", "the stream; `auto`: one that lacks nodes"),
    Variable("ROLE", "node", "`node` relays a stream, `ingest` receives it from publishers"),
    Variable("RELAY_ENGINE", "restream", f"the relay: {', '.join(RELAY_ENGINES)}"),
    Variable("RTMP_PORT", "1935", "where the relay listens"),
    Variable("STATS_PORT", "8080", "where the agent serves /stats.json and /healthz"),
    Variable("PUBLIC_STATS_URL", "empty", "announced in place of the address it calls from"),
    Variable("PUBLIC_RTMP_PORT", "RTMP_PORT", "announced, where a router maps the port"),
    Variable("PUBLIC_STATS_PORT", "STATS_PORT", "announced, where a router maps the port"),
    Variable("BIND_ADDRESS", "0.0.0.0", "IPv4 address that relay and agent listen on"),  # noqa: S104 -- viewers come from outside
    Variable("DATA_DIR", "/data", "folder of the node's key (node.key); keep it"),
    Variable("WORK_DIR", "a new temporary folder", "the relay's configuration and socket"),
    Variable("HEARTBEAT_SECONDS", "as the coordinator asks", "overrides the pace, 1 to 600"),
    Variable("DRAIN_SECONDS", "5", "how long viewers may finish after SIGTERM, 0 to 600"),
    Variable("UNPAID_SECONDS", "3600", "how long a stream without tokens is relayed, 0 to 604800"),
    Variable("FLUSH_MILLISECONDS", "50", "how long restream collects frames for a write, 5 to 200"),
    Variable("INGEST_KEY", "required for ROLE=ingest", "shown to the coordinator by the ingest"),
    Variable("COORDINATOR_CA", "empty", "file of a private authority that signed its certificate"),
    Variable("NOTIFY_URLS", "empty", "Apprise addresses to tell of trouble; spaces between"),
    Variable("LOG_LEVEL", "INFO", f"one of {', '.join(LOG_LEVELS)}"),
)


class SettingsError(Exception):
    """At least one variable is missing or wrong; one sentence for each."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True)
class AgentSettings:
    """Everything the environment tells the agent."""

    coordinator_url: str
    stream_id: str
    role: str
    relay_engine: str
    rtmp_port: int
    stats_port: int
    public_stats_url: str
    public_rtmp_port: int
    public_stats_port: int
    bind_address: str
    data_dir: Path
    work_dir: Path | None
    heartbeat_s: float | None
    drain_s: float
    unpaid_s: float
    flush_ms: int
    coordinator_ca: Path | None
    ingest_key: str = field(repr=False)
    notify_urls: tuple[str, ...] = field(repr=False)
    log_level: str

    @property
    def whereabouts(self) -> dict[str, object]:
        """Where the node says that it can be reached."""
        if self.public_stats_url:
            stats: dict[str, object] = {"stats_url": self.public_stats_url}
        else:
            stats = {"stats_port": self.public_stats_port}
        return {**stats, "rtmp_port": self.public_rtmp_port}

    @property
    def announcement(self) -> dict[str, object]:
        """The heartbeat without its state."""
        own = {"agent": __version__, "engine": self.relay_engine}
        return {"stream_id": self.stream_id, **self.whereabouts, **own}

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "AgentSettings":
        """Read every variable. Raises SettingsError with all the mistakes at once."""
        read = Environment(env)
        role = read.one_of("ROLE", ROLES)
        rtmp_port = read.port("RTMP_PORT", 1935)
        stats_port = read.port("STATS_PORT", 8080)
        if rtmp_port == stats_port:
            read.wrong.append(f"RTMP_PORT and STATS_PORT are both {rtmp_port}: set one of them.")
        drain_s = read.seconds("DRAIN_SECONDS", 0.0, DRAIN_S_MAX)
        unpaid_s = read.seconds("UNPAID_SECONDS", 0.0, UNPAID_S_MAX)
        settings = cls(
            coordinator_url=read.url("COORDINATOR_URL", "https://api.example.org", required=True),
            stream_id=read.stream_id(required=role == "node"),
            role=role,
            relay_engine=read.one_of("RELAY_ENGINE", RELAY_ENGINES),
            rtmp_port=rtmp_port,
            stats_port=stats_port,
            public_stats_url=read.url("PUBLIC_STATS_URL", "http://203.0.113.7:8080/stats.json"),
            public_rtmp_port=read.port("PUBLIC_RTMP_PORT", rtmp_port),
            public_stats_port=read.port("PUBLIC_STATS_PORT", stats_port),
            bind_address=read.ipv4("BIND_ADDRESS"),
            data_dir=Path(read.text("DATA_DIR") or "/data"),
            work_dir=read.work_dir(),
            heartbeat_s=read.seconds("HEARTBEAT_SECONDS", HEARTBEAT_S_MIN, HEARTBEAT_S_MAX),
            drain_s=DRAIN_S if drain_s is None else drain_s,
            unpaid_s=UNPAID_S if unpaid_s is None else unpaid_s,
            flush_ms=read.whole("FLUSH_MILLISECONDS", FLUSH_MS, FLUSH_MS_MIN, FLUSH_MS_MAX),
            coordinator_ca=read.certificates("COORDINATOR_CA"),
            ingest_key=read.secret("INGEST_KEY", required=role == "ingest"),
            notify_urls=read.addresses("NOTIFY_URLS"),
            log_level=read.one_of("LOG_LEVEL", LOG_LEVELS, "INFO"),
        )
        if read.wrong:
            raise SettingsError(read.wrong)
        return settings


def help_text() -> str:
    """What `python -m agent --help` prints."""
    rows = "\n".join(f"  {v.name:<18} {v.meaning} [{v.default}]" for v in VARIABLES)
    return (
        "usage: python -m agent [doctor | notify-test | --help | --version]\n\n"
        "Relays a stream and reports to the coordinator; `doctor` examines this machine and its\n"
        "connection, and ends in one exact fix; `notify-test` sends a notice to NOTIFY_URLS.\n"
        "All settings are environment variables (defaults in brackets):\n\n"
        f"{rows}\n\n"
        "Exit codes: 0 stopped by SIGTERM or SIGINT, 1 something on this machine has to be\n"
        "repaired first, 2 a setting is missing or wrong. Of `doctor`: 0 all is well, 2 as above,\n"
        "10 coordinator, 11 clock, 12 stream, 13 key or folder, 14 ports, 15 relay, 16 ingest,\n"
        "17 playback, 18 carrier's NAT, 19 not reached from outside, 20 upload.\n"
    )
