"""Viewers and upload of the last hour and day, for the page at `/`.

Kept in memory alone, in two rings of fixed size (156 intervals, about 20 kB): whoever wants more
has /metrics, and a file would be one more thing that can be full, broken or read by somebody.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.relay.meter import StreamView

SAMPLE_EVERY_S = 10.0
# A machine that stood still was not watching: such a gap counts as no time at all.
SAMPLE_S_MAX = 3 * SAMPLE_EVERY_S


@dataclass(slots=True)
class Interval:
    """What was seen in one stretch of time."""

    number: int
    viewers: int = 0
    """The most at once."""
    sent_bytes: int = 0
    seen_s: float = 0.0
    """How much of it was watched; the rest is unknown."""

    @property
    def bits_per_s(self) -> float:
        """The mean while it was watched."""
        return 8 * self.sent_bytes / self.seen_s if self.seen_s else 0.0


class Ring:
    """The latest `count` intervals of `length_s` seconds each; older ones are forgotten."""

    def __init__(self, length_s: float, count: int) -> None:
        self.length_s = length_s
        self.count = count
        self._intervals: deque[Interval] = deque(maxlen=count)

    @property
    def span_s(self) -> float:
        """How far back it reaches."""
        return self.length_s * self.count

    def add(self, now_s: float, viewers: int, sent_bytes: int, seen_s: float) -> None:
        """Count a sample in. `now_s` never falls."""
        number = int(now_s // self.length_s)
        if not self._intervals or self._intervals[-1].number != number:
            self._intervals.append(Interval(number))
        newest = self._intervals[-1]
        newest.viewers = max(newest.viewers, viewers)
        newest.sent_bytes += sent_bytes
        newest.seen_s += seen_s

    def latest(self, now_s: float) -> Sequence[Interval | None]:
        """`count` intervals up to now, oldest first; None where nobody watched."""
        newest = int(now_s // self.length_s)
        known = {each.number: each for each in self._intervals}
        return [known.get(number) for number in range(newest - self.count + 1, newest + 1)]


class Traffic:
    """Takes a sample every now and then; sees a counter that began anew."""

    def __init__(self) -> None:
        self.hour = Ring(60.0, 60)
        self.day = Ring(900.0, 96)
        self._last: tuple[float, int] | None = None

    async def watch(self, view: Callable[[float], StreamView]) -> None:
        """Take samples until cancelled."""
        while True:
            now_s = time.monotonic()
            self.sample(now_s, view(now_s))
            await asyncio.sleep(SAMPLE_EVERY_S)

    def sample(self, now_s: float, stream: StreamView) -> None:
        """What the meter says at `now_s`, by the monotonic clock."""
        before_s, before = self._last or (now_s, stream.bytes_out)
        self._last = now_s, stream.bytes_out
        grown = stream.bytes_out - before if stream.bytes_out >= before else stream.bytes_out
        passed_s = now_s - before_s
        was_seen = passed_s <= SAMPLE_S_MAX
        for ring in (self.hour, self.day):
            ring.add(now_s, stream.viewers, grown if was_seen else 0, passed_s if was_seen else 0.0)
