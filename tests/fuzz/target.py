"""What is fuzzed: a reader of strangers' bytes, with the law that holds for every input."""

from collections.abc import Callable
from typing import NamedTuple

Law = Callable[[bytes], None]
"""Ends quietly whether the bytes are taken or refused; raises where the reader breaks a promise."""


class Target(NamedTuple):
    """One reader, or two that have to agree."""

    name: str
    law: Law
    seeds: tuple[bytes, ...]
    """Inputs that are taken, and some that nearly are: what chance begins with."""
    bytes_max: int
    """No longer input is tried: what comes before the reader lets none by, or nothing new is
    in it."""
    words: tuple[bytes, ...] = ()
    """What the reader looks for, and chance alone would hardly write."""


def halves(data: bytes) -> tuple[int, bytes]:
    """A first byte that decides something, and the rest."""
    return (data[0], data[1:]) if data else (0, b"")


def cut(data: bytes, size: int) -> list[bytes]:
    """The data in pieces of a size."""
    return [data[at : at + size] for at in range(0, len(data), size)]
