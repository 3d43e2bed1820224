"""elnormous/rtmp_relay, built from its own repository: a small relay without counters.

What is known of it, and why it is not the default, is in docs/adr/0006-relay-engine.md. It resolves
names once and dies of one that does not resolve, so it gets addresses only. It asks nobody whether
a publisher may send. After an upstream loss it may give new players no codec headers, so it is
restarted when media comes over a second connection.
"""

import asyncio
import logging
import re
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from agent.relay.engines.byte_ledger import ByteLedger
from agent.relay.engines.engine import (
    EngineMissingError,
    EngineSilentError,
    EngineUnfitError,
    Reading,
    RelayTask,
    StatisticsError,
)
from agent.relay.engines.local_page import LocalPage
from agent.relay.engines.rtmp_relay_stat import parse_connections
from agent.relay.engines.sockets import CountersError, sockets_of

_CONFIG = "rtmp_relay.yaml"
_SILENT_S_MAX = 4.5
_ANY_NAME = "[A-Za-z0-9_-]+"
_LEVEL = re.compile(r"(?i)\b(error|failed)\b")

# Level 2 is warnings and errors, which it writes to standard error. A host's address must be a
# list; a publisher and a player meet only inside one `servers` item.
_HEAD = """\
log: {{level: 2, syslogEnabled: false}}
statusPage: {{address: "127.0.0.1:{stats_port}"}}
servers:
  - endpoints:
"""
_PULL = (
    '      - {{type: client, direction: input, address: ["{ip}:{url.port}"], '
    'applicationName: "live", streamName: "{name}", reconnectInterval: 1.0}}\n'
)
_HOST = (
    '      - {{type: host, direction: {direction}, address: ["{bind_address}:{rtmp_port}"], '
    'applicationName: "live", streamName: "{name}"}}\n'
)


class RtmpRelay:
    """The engine `rtmp_relay`."""

    name = "rtmp_relay"
    checks_publishers = False
    hurry_signal: int | None = None

    def __init__(self, work_dir: Path, stats_port: int | None = None) -> None:
        """`stats_port` is a port of loopback for its statistics: any free one, unless given."""
        self.work_dir = work_dir
        self.refused: Mapping[str, int] = {}
        self._pid = 0
        self._ledger = ByteLedger()
        self._move(stats_port or _free_port())

    def render(self, task: RelayTask, upstream_ip: str) -> Mapping[str, str]:
        """rtmp_relay.yaml for a node or an ingest. Raises EngineUnfitError."""
        text = _HEAD.format(stats_port=self._stats_port)
        directions, name = ["input", "output"], _ANY_NAME
        if (url := task.upstream) is not None:
            if (url.app, url.name) != ("live", task.stream_id):
                raise EngineUnfitError(
                    f"rtmp_relay serves a stream under the name it pulls it by, and {url.url} is "
                    f"not …/live/{task.stream_id}: set RELAY_ENGINE=restream."
                )
            directions, name = ["output"], task.stream_id
            text += _PULL.format(ip=upstream_ip, url=url, name=name)
        for direction in directions:
            text += _HOST.format(
                direction=direction,
                bind_address=task.bind_address,
                rtmp_port=task.rtmp_port,
                name=name,
            )
        return {_CONFIG: text}

    def command(self) -> list[str]:
        """rtmp_relay in the foreground. Raises EngineMissingError."""
        program = shutil.which("rtmp_relay")
        if program is None:
            raise EngineMissingError(
                "rtmp_relay is not in this image: build one with --build-arg "
                "RELAY_ENGINE=rtmp_relay, or set RELAY_ENGINE=restream."
            )
        return [program, "--config", _CONFIG]

    def started(self, pid: int) -> None:
        """Count anew, on this process's connections."""
        self._pid = pid
        self._ledger = ByteLedger()

    async def read(self) -> Reading:
        """The streams of the running relay. Raises EngineSilentError."""
        try:
            connections = parse_connections(await self._page.read())
            return self._ledger.take(connections, sockets_of(self._pid))
        except (StatisticsError, CountersError) as e:
            raise EngineSilentError(f"rtmp_relay cannot be measured: {e}") from e

    def last_read(self) -> None:
        """It does not tell."""

    def ailment(self, silent_s: float) -> str:
        """Silence, or an upstream that came back."""
        if silent_s > _SILENT_S_MAX:
            # Its page may have lost its port to another program, which it would only log.
            self._move(_free_port())
            return f"rtmp_relay could not be measured for {silent_s:.0f} s"
        if self._ledger.has_pulled_anew:
            return (
                "the stream came back over a new connection, after which rtmp_relay may give new "
                "viewers no codec headers"
            )
        return ""

    def level_of(self, line: str) -> int:
        """It writes no level: only warnings and errors are let through."""
        return logging.ERROR if _LEVEL.search(line) else logging.WARNING

    def _move(self, stats_port: int) -> None:
        self._stats_port = stats_port
        self._page = LocalPage(
            "rtmp_relay's statistics",
            "/stats.json",
            lambda: asyncio.open_connection("127.0.0.1", stats_port),
        )


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
