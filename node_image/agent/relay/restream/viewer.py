"""One viewer's queue: bounded, so that who reads slowly costs little and delays nobody."""

import asyncio
from dataclasses import dataclass

QUEUE_BYTES_MAX = 800_000
"""With what Python needs around them and the kernel's part, two megabytes of a machine."""
QUEUE_S_MAX = 5.0
"""Of the stream: whoever lies further behind is not watching live."""
QUEUE_BYTES_MIN = 256_000
"""A slow stream's frames have to fit in as well."""
RESUME_SHARE = 0.25
"""Of its bound: below it a viewer that was behind goes on at the next key frame."""
WATCHED_S_MIN = 5.0
"""Whoever stays for less is no viewer: a player that tries, a test, the agent's look at itself."""
BEHIND_S_MAX = 20.0
"""A viewer that is behind for so long is dropped."""


def queue_bound(bytes_per_s: float) -> int:
    """How many bytes may wait for a viewer of a stream. Pure."""
    return int(max(QUEUE_BYTES_MIN, min(QUEUE_BYTES_MAX, bytes_per_s * QUEUE_S_MAX)))


@dataclass(frozen=True, slots=True)
class Batch:
    """What came since the last flush: the same bytes for everybody."""

    whole: bytes
    entry: bytes | None
    """From a key frame on, with headers before it; None where no picture begins."""
    opening: bytes | None
    """For newcomers: all of it, with headers before it, where no picture is kept for them."""
    bound: int
    """How many bytes may wait for a viewer."""
    size: int
    """Of the whole."""


class Viewer:
    """A connection that plays. Bytes wait in its transport."""

    def __init__(self, transport: asyncio.Transport, came_s: float) -> None:
        self._transport_write = transport.write
        self._transport_write_all = transport.writelines
        self._waiting_bytes = transport.get_write_buffer_size
        self._came_s = came_s
        self._behind_since_s: float | None = None
        self._is_entering = False
        self._burst_bytes = 0
        """Of its first batch, until that is on its way."""
        self.sent_bytes = 0
        self.dropped_batches = 0

    @property
    def waiting_bytes(self) -> int:
        """What was not taken off yet."""
        return self._waiting_bytes()

    def is_watching(self, now_s: float) -> bool:
        """Whether it counts as a viewer: it has been sent media for a while."""
        return bool(self.sent_bytes) and now_s - self._came_s >= WATCHED_S_MIN

    @property
    def is_behind(self) -> bool:
        """Whether it gets nothing because it read too slowly."""
        return self._behind_since_s is not None

    def begin(self, *burst: bytes) -> None:
        """The first that it gets: a picture at once. Without one it begins with a later batch.

        Parts, since they are kept anyway: however many come and never read, there is one copy."""
        self._is_entering = not burst
        self._burst_bytes = sum(map(len, burst))
        self._transport_write_all(burst)
        self.sent_bytes += self._burst_bytes

    def send(self, batch: Batch, now_s: float) -> int:
        """Gives how many bytes this one was sent.

        A viewer beyond the bound gets nothing until it has read, and then goes on at a key frame:
        a stream without its key frame shows nothing.
        """
        if self._is_entering:
            return self._enter(batch)
        if not self._waiting_bytes():  # nearly always, for nearly everybody: it must cost little
            self._burst_bytes = 0
            self._transport_write(batch.whole)
            self.sent_bytes += batch.size
            return batch.size
        if self._is_too_full(batch):
            self._behind_since_s, self._is_entering = now_s, True
            self.dropped_batches += 1
            return 0
        return self._write(batch.whole)

    def say(self, data: bytes) -> None:
        """Write it, if nothing waits before it: no media are sent by this."""
        if not self.waiting_bytes:
            self._transport_write(data)

    def is_lost(self, now_s: float) -> bool:
        """Whether it has been behind for too long."""
        since_s = self._behind_since_s
        return since_s is not None and now_s - since_s > BEHIND_S_MAX

    def _is_too_full(self, batch: Batch) -> bool:
        """Whether the batch is too much; a first burst may be larger than the bound for a while."""
        wanted_bytes = self.waiting_bytes + len(batch.whole)
        if wanted_bytes <= batch.bound or wanted_bytes == len(batch.whole):
            self._burst_bytes = 0
            return False
        return wanted_bytes > self._burst_bytes + batch.bound * RESUME_SHARE

    def _enter(self, batch: Batch) -> int:
        # Who was behind has lost pictures, and goes on at a whole one; a newcomer has lost none.
        entry = batch.entry if batch.entry or self.is_behind else batch.opening
        if entry is None or self.waiting_bytes > batch.bound * RESUME_SHARE:
            self.dropped_batches += self.is_behind
            return 0
        self._behind_since_s, self._is_entering = None, False
        return self._write(entry)

    def _write(self, data: bytes) -> int:
        self._transport_write(data)
        self.sent_bytes += len(data)
        return len(data)
