"""The `Date` of answers, by the clock that the api judges others' clocks by.

A server writes it by the machine's clock. That may be set while the api's own goes on as before.
Nodes whose signatures were refused would then take a time that is refused as well.
"""

from email.utils import formatdate

from coordinator.adapters.clock import Clock


class DateHeader:
    """Written once a second, however many answers bear it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second, self._header = 0, (b"date", b"")

    def now(self) -> tuple[bytes, bytes]:
        """Name and value."""
        if (second := int(self._clock())) != self._second:
            self._second = second
            self._header = (b"date", formatdate(second, usegmt=True).encode("ascii"))
        return self._header
