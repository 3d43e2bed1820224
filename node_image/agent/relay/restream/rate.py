"""How many bytes a second come."""

RATE_S = 5.0
"""The byte rate is a mean over about so long."""


class Rate:
    """Bytes a second, as a mean over RATE_S."""

    def __init__(self) -> None:
        self.bytes_per_s = 0.0
        self._since_s: float | None = None
        self._bytes = 0

    def count(self, size: int, now_s: float) -> None:
        """So many more have come."""
        if self._since_s is None:
            self._since_s = now_s
        self._bytes += size
        passed_s = now_s - self._since_s
        if passed_s >= RATE_S:
            self.bytes_per_s = self._bytes / passed_s
            self._since_s, self._bytes = now_s, 0
