"""Turns a relay's readings into what is said about the stream. Pure: told the time, in seconds.

The relay forgets a stream's counters when the stream ends; the meter goes on counting, so that
counters grow from the relay's start until it is restarted, as the contract says.
"""

from dataclasses import dataclass, field

from agent.relay.engines.engine import Audio, Delivery, Marks, Reading, StreamReading, Video

# Media is said to arrive while bytes came in within this; audio alone comes ~40 times a second.
ARRIVAL_GAP_S_MAX = 4.0


@dataclass(frozen=True)
class StreamView:
    """What is said about the stream at one instant."""

    is_live: bool
    live_s: float
    viewers: int
    bytes_in: int
    bytes_out: int
    video: Video | None
    audio: Audio | None
    delivery: Delivery = field(default_factory=Delivery)
    marks: Marks | None = None


class Meter:
    """Follows one stream of the relay, or all of them together if `stream_id` is empty."""

    def __init__(self, stream_id: str) -> None:
        self._stream_id = stream_id
        self.restart()

    def follow(self, stream_id: str) -> None:
        """From now on this stream is meant."""
        if stream_id != self._stream_id:
            self._stream_id = stream_id
            self.restart()

    def restart(self) -> None:
        """The relay starts anew: nothing is live and every counter is zero."""
        self._last: dict[str, StreamReading] = {}
        self._bytes_in = 0
        self._bytes_out = 0
        self._live_since_s: float | None = None
        self._arrived_s: float | None = None

    def take(self, reading: Reading, now_s: float) -> None:
        """Add one reading of the relay."""
        ours = {r.name: r for r in reading if not self._stream_id or r.name == self._stream_id}
        arrived = False
        for name, stream in ours.items():
            last = self._last.get(name)
            grown_in = _growth(last.bytes_in if last else 0, stream.bytes_in)
            self._bytes_in += grown_in
            self._bytes_out += _growth(last.bytes_out if last else 0, stream.bytes_out)
            arrived = arrived or (stream.is_published and grown_in > 0)
        if arrived:
            if not self._is_live(now_s):
                self._live_since_s = now_s
            self._arrived_s = now_s
        elif not any(stream.is_published for stream in ours.values()):
            self._arrived_s = None  # the publisher left: that is known without waiting
        self._last = ours

    def view(self, now_s: float) -> StreamView:
        """What is said at `now_s`."""
        is_live = self._is_live(now_s)
        since_s = self._live_since_s if is_live and self._live_since_s is not None else now_s
        published = next((s for s in self._last.values() if s.is_published), None)
        first = next(iter(self._last.values()), None)
        return StreamView(
            is_live=is_live,
            live_s=now_s - since_s,
            viewers=sum(stream.viewers for stream in self._last.values()),
            bytes_in=self._bytes_in,
            bytes_out=self._bytes_out,
            video=published.video if published and is_live else None,
            audio=published.audio if published and is_live else None,
            delivery=published.delivery if published and is_live else Delivery(),
            marks=first.marks if first else None,
        )

    @property
    def streams(self) -> tuple[StreamReading, ...]:
        """The last reading."""
        return tuple(self._last.values())

    @property
    def stream_names(self) -> list[str]:
        """The streams of the last reading."""
        return sorted(self._last)

    def _is_live(self, now_s: float) -> bool:
        return self._arrived_s is not None and now_s - self._arrived_s <= ARRIVAL_GAP_S_MAX


def _growth(before: int, after: int) -> int:
    """How much a counter grew; one that fell was begun anew."""
    return after - before if after >= before else after
