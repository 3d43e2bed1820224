"""An ingest tells the coordinator what is published: codecs and the interval of key frames.

The coordinator knows what viewers cannot play, and says it to the sponsor on the stream's page.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from agent.client.coordinator import (
    CoordinatorAwayError,
    CoordinatorClient,
    CoordinatorRefusalError,
)
from agent.log import AgentEvent, log
from agent.relay.engines.engine import StreamReading

LOOK_S = 1.0
STEADY_S = 3.0
"""A stream's tracks come one after the other, and a pause is no key interval."""
AWAY_S = 15.0
"""To the next try, where the coordinator does not answer."""
INTERVAL_STEP_MS = 5_000
"""A key interval that changes within a step is no news: an encoder puts key frames at cuts."""
INTERVAL_STEPS_MAX = 12
"""A minute without a key frame and an hour are told alike."""
_CODEC_CHARS_MAX = 16
_INTERVAL_MS_MAX = 2**31


@dataclass(frozen=True, slots=True)
class Description:
    """What is told of a stream."""

    video: str
    audio: str
    key_interval_ms: int | None

    @classmethod
    def of(cls, stream: StreamReading) -> "Description":
        """Of what the relay read; a codec's name is a stranger's, and is cut to what is told."""
        between_ms = stream.delivery.key_interval_ms
        return cls(
            _name(stream.video.codec if stream.video else ""),
            _name(stream.audio.codec if stream.audio else ""),
            None if between_ms is None else max(0, min(between_ms, _INTERVAL_MS_MAX)),
        )

    @property
    def gist(self) -> tuple[str, str, int]:
        """Two that share it need not be told both."""
        steps = -(-(self.key_interval_ms or 0) // INTERVAL_STEP_MS)
        return self.video, self.audio, min(steps, INTERVAL_STEPS_MAX)


class MediaNews:
    """What the coordinator has not been told yet. Pure: told the time, in seconds."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, str, int]] = {}
        self._seen: dict[str, tuple[tuple[str, str, int], float]] = {}
        """And since when it has been so."""

    def next(
        self, streams: Iterable[StreamReading], now_s: float
    ) -> tuple[str, Description] | None:
        """A stream to tell of. Whoever publishes anew is told of anew."""
        now = {each.name: Description.of(each) for each in streams if each.is_published}
        self._told = {name: gist for name, gist in self._told.items() if name in now}
        self._seen = {
            name: seen
            if (seen := self._seen.get(name)) and seen[0] == each.gist
            else (each.gist, now_s)
            for name, each in now.items()
        }
        for name, (gist, since_s) in self._seen.items():
            is_known = bool(gist[0] or gist[1])
            if is_known and now_s - since_s >= STEADY_S and self._told.get(name) != gist:
                return name, now[name]
        return None

    def told(self, name: str, description: Description) -> None:
        """It knows this now."""
        self._told[name] = description.gist


async def report_media(
    coordinator: CoordinatorClient, streams: Callable[[], Iterable[StreamReading]]
) -> None:
    """Tells until it is cancelled: one stream a look, however many change."""
    news = MediaNews()
    while True:
        await asyncio.sleep(LOOK_S)
        found = news.next(streams(), time.monotonic())
        if found and not await _tell(coordinator, *found):
            await asyncio.sleep(AWAY_S)
        elif found:
            news.told(*found)


async def _tell(coordinator: CoordinatorClient, name: str, description: Description) -> bool:
    """Whether the coordinator has heard it, whatever it says."""
    try:
        warnings = await coordinator.describe_media(
            name, description.video, description.audio, description.key_interval_ms
        )
    except CoordinatorAwayError as e:
        log(AgentEvent.MEDIA_UNTOLD, logging.WARNING, stream_id=name, reason=str(e))
        return False
    except CoordinatorRefusalError as e:
        log(AgentEvent.MEDIA_UNTOLD, logging.WARNING, stream_id=name, reason=str(e))
        return True
    for warning in warnings:
        log(AgentEvent.MEDIA_WARNING, logging.WARNING, stream_id=name, says=warning)
    return True


def _name(codec: str) -> str:
    printable = "".join(char for char in codec if char.isascii() and char.isprintable())
    return printable[:_CODEC_CHARS_MAX]
