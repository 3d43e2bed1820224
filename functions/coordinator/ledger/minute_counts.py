"""Counting in every minute of an epoch at once: bitmaps instead of ten thousand loops of sixty.

Plane k holds bit k of each minute's number, as one big integer with a bit for every minute.
"""

from collections.abc import Iterable, Sequence


class MinuteCounts:
    """How many bitmaps have each minute."""

    def __init__(self) -> None:
        self._planes: list[int] = []

    def add(self, minutes: int) -> None:
        """Counts these minutes once more."""
        carry = minutes
        for at, plane in enumerate(self._planes):
            if not carry:
                return
            self._planes[at] = plane ^ carry
            carry &= plane
        if carry:
            self._planes.append(carry)

    def of(self, minutes: int) -> list[int]:
        """The count of each of so many minutes."""
        return [
            sum((plane >> minute & 1) << at for at, plane in enumerate(self._planes))
            for minute in range(minutes)
        ]


class Vacancies:
    """How many places are free in each minute."""

    def __init__(self, free: Sequence[int]) -> None:
        """`free`, by minute."""
        width = max(free, default=0).bit_length()
        self._planes = [_bits(number >> at & 1 for number in free) for at in range(width)]

    @property
    def open(self) -> int:
        """The minutes with a place left."""
        left = 0
        for plane in self._planes:
            left |= plane
        return left

    def take(self, minutes: int) -> None:
        """One place less in each of these; they must be open."""
        borrow = minutes
        for at, plane in enumerate(self._planes):
            if not borrow:
                return
            self._planes[at] = plane ^ borrow
            borrow &= ~plane


def _bits(are_set: Iterable[int]) -> int:
    return sum(1 << at for at, is_set in enumerate(are_set) if is_set)
