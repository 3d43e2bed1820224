"""One viewer's queue: bounded, so that who reads slowly costs little and delays nobody."""

import asyncio

QUEUE_BYTES_MAX = 2_000_000
QUEUE_S_MAX = 5.0
"""Of the stream: whoever lies further behind is not watching live."""
QUEUE_BYTES_MIN = 256_000
"""A slow stream's frames have to fit in as well."""
RESUME_SHARE = 0.25
"""Of its bound: below it a viewer that was behind goes on at the next key frame."""
BEHIND_S_MAX = 20.0
"""A viewer that is behind for so long is dropped."""


def queue_bound(bytes_per_s: float) -> int:
    """How many bytes may wait for a viewer of a stream. Pure."""
    return int(max(QUEUE_BYTES_MIN, min(QUEUE_BYTES_MAX, bytes_per_s * QUEUE_S_MAX)))


class Viewer:
    """A connection that plays. Bytes wait in its transport."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._behind_since_s: float | None = None
        self.sent_bytes = 0
        self.dropped_batches = 0
        self.is_new = True
        """Whether the batch that is being gathered was in its first burst."""

    @property
    def waiting_bytes(self) -> int:
        """What was not taken off yet."""
        return self._transport.get_write_buffer_size()

    def begin(self, burst: bytes) -> None:
        """The first that it gets: a picture at once."""
        self._transport.write(burst)
        self.sent_bytes += len(burst)

    def send(self, batch: bytes, key_at: int | None, bound: int, now_s: float) -> int:
        """One batch for all viewers; gives how many bytes of it this one was sent.

        `key_at`: where a key frame begins in it. A viewer beyond `bound` gets nothing until it has
        read, and then goes on there: a stream without its key frame shows nothing.
        """
        if self._behind_since_s is not None:
            if key_at is None or self.waiting_bytes > bound * RESUME_SHARE:
                self.dropped_batches += 1
                return 0
            batch = batch[key_at:]
            self._behind_since_s = None
        elif self.waiting_bytes + len(batch) > bound and self.waiting_bytes:
            self._behind_since_s = now_s
            self.dropped_batches += 1
            return 0
        self._transport.write(batch)
        self.sent_bytes += len(batch)
        return len(batch)

    def is_lost(self, now_s: float) -> bool:
        """Whether it has been behind for too long."""
        since_s = self._behind_since_s
        return since_s is not None and now_s - since_s > BEHIND_S_MAX
