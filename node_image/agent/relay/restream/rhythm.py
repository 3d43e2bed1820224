"""How often what came is written to viewers. Pure: told the time, in seconds that only grow.

Each write to a viewer costs about the same, however many frames are in it. So an ingest waits
after each flush, and writes all that came meanwhile. A node's frames come in its ingest's batches,
and it hands on each as it comes: were it to wait as long as its ingest, any delay of one batch
would stay for good. So its pauses are a little shorter, and some may be left out: a key frame
comes in several reads, and a busy machine wakes nobody in time.
"""

NODE_SHARE = 0.9
"""Of the pause that is set, at a node: it catches up a batch's delay within half a second."""
NODE_AHEAD = 3
"""So many flushes of a node may come without their pauses."""


class Rhythm:
    """Allows a flush at once after a pause, and then one each `every_s` on average."""

    def __init__(self, flush_ms: float, is_node: bool) -> None:
        self._every_s = flush_ms / 1000 * (NODE_SHARE if is_node else 1.0)
        self._ahead_s = self._every_s * NODE_AHEAD if is_node else 0.0
        self._due_s: float | None = None

    def wait_s(self, now_s: float) -> float:
        """How long until the next flush."""
        return max(0.0, self._due_s - self._ahead_s - now_s) if self._due_s is not None else 0.0

    def flushed(self, now_s: float) -> None:
        """What waited was written."""
        self._due_s = max(self._due_s or now_s, now_s) + self._every_s
