"""The relay of our own, `agent.relay.restream`: how the agent configures and measures it."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.relay.engines.engine import (
    Audio,
    Delivery,
    EngineSilentError,
    Marks,
    Reading,
    RelayTask,
    StatisticsError,
    StreamReading,
    Video,
)
from agent.relay.engines.local_page import LocalPage
from agent.relay.last_read import LastRead, last_read
from agent.relay.restream.configuration import Configuration

_CONFIGURATION = "restream.json"
_SOCKET = "statistics.sock"
_LAST_READ = "last-read"
_NAMES = {
    "avc1": "H264",
    "hvc1": "HEVC",
    "av01": "AV1",
    "vp09": "VP9",
    "vp08": "VP8",
    "vvc1": "VVC",
    "mp4a": "AAC",
    ".mp3": "MP3",
    "fLaC": "FLAC",
    "ac-3": "AC-3",
    "ec-3": "E-AC-3",
}
"""What people call them; other codecs are told as they are named in the stream."""
_SILENT_S_MAX = 4.5


class Restream:
    """The engine `restream`."""

    name = "restream"
    checks_publishers = True
    hurry_signal: int | None = signal.SIGUSR1

    def __init__(self, work_dir: Path) -> None:
        self.work_dir = work_dir
        self.refused: Mapping[str, int] = {}
        self._page = LocalPage(
            "restream's statistics",
            "/statistics",
            lambda: asyncio.open_unix_connection(work_dir / _SOCKET),
        )

    def render(self, task: RelayTask, upstream_ip: str) -> Mapping[str, str]:
        """One file of JSON."""
        configuration = Configuration(
            bind_address=task.bind_address,
            rtmp_port=task.rtmp_port,
            stream_id=task.stream_id,
            upstream_url=task.upstream.url if task.upstream else "",
            upstream_ip=upstream_ip,
            hooks=task.hooks,
            statistics=str(self.work_dir / _SOCKET),
            last_read=str(self.work_dir / _LAST_READ),
            flush_ms=task.flush_ms,
            mark_key_file=task.mark_key_file,
        )
        return {_CONFIGURATION: configuration.to_json()}

    def command(self) -> list[str]:
        """The same Python that runs the agent; removes what a dead relay left."""
        for name in (_SOCKET, _LAST_READ):
            (self.work_dir / name).unlink(missing_ok=True)
        module = "agent.relay.restream"
        return [sys.executable, "-m", module, str(self.work_dir / _CONFIGURATION)]

    def started(self, pid: int) -> None:
        """It counts by itself: nothing to do."""

    async def read(self) -> Reading:
        """The streams of the running relay. Raises EngineSilentError."""
        try:
            reading, self.refused = parse_statistics(await self._page.read())
            return reading
        except StatisticsError as e:
            raise EngineSilentError(f"restream's statistics: {e}") from e

    def last_read(self) -> LastRead | None:
        """As the relay wrote it down."""
        return last_read(self.work_dir / _LAST_READ)

    def ailment(self, silent_s: float) -> str:
        """A frozen relay is told by its silence; a dead one the supervisor sees by itself."""
        if silent_s > _SILENT_S_MAX:
            return f"restream has not answered for {silent_s:.0f} s"
        return ""

    def level_of(self, line: str) -> int:
        """A traceback is an error; whatever else it says is a warning at most."""
        return logging.ERROR if line.startswith("Traceback") else logging.WARNING


def parse_statistics(page: bytes) -> tuple[Reading, dict[str, int]]:
    """The streams of the page, and the refused by reason. Pure. Raises StatisticsError."""
    try:
        told = json.loads(page)
        refused = {str(reason): int(count) for reason, count in told["refused"].items()}
        marks = told["marks"]
        found = Marks(str(marks["state"]), dict(marks["left"])) if marks else None
        return tuple(_stream(stream, found) for stream in told["streams"]), refused
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as e:
        raise StatisticsError(f"they are not what it writes: {e!r}") from e


def _stream(told: Mapping[str, Any], marks: Marks | None) -> StreamReading:
    codecs = {each["kind"]: each["codec"] for each in reversed(told["codecs"])}
    video, audio = (_NAMES.get(c, c) for c in (codecs.get("video", ""), codecs.get("audio", "")))
    said = told["metadata"]
    return StreamReading(
        name=told["name"],
        is_published=told["is_published"],
        viewers=told["viewers"],
        bytes_in=told["bytes_in"],
        bytes_out=told["bytes_out"],
        video=Video(video, int(said["width"]), int(said["height"]), said["frame_rate"])
        if video
        else None,
        audio=Audio(audio, int(said["sample_rate"]), int(said["channels"])) if audio else None,
        delivery=Delivery(told["key_interval_ms"], told["gop_bytes"], told["dropped_batches"]),
        marks=marks,
    )
