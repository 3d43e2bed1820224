"""What chance makes of bytes that mean something."""

from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[bytearray, Random, list[bytes]], None]


def _flip(data: bytearray, chance: Random, _: list[bytes]) -> None:
    for _n in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)


def _flip_early(data: bytearray, chance: Random, _: list[bytes]) -> None:
    """Near the beginning, where each byte means much."""
    for _n in range(chance.randint(1, 4)):
        data[chance.randrange(min(600, len(data)))] = chance.choice((0, 1, 255, 128, 3, 20, 18))


def _cut_out(data: bytearray, chance: Random, _: list[bytes]) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.choice((1, 2, 4, 11, 100, 1000))]


def _double(data: bytearray, chance: Random, _: list[bytes]) -> None:
    at = chance.randrange(len(data))
    data[at:at] = data[at : at + chance.choice((1, 4, 12, 150, 2000))] * chance.choice((1, 2, 30))


def _insert(data: bytearray, chance: Random, _: list[bytes]) -> None:
    at = chance.randrange(len(data))
    data[at:at] = chance.randbytes(chance.choice((1, 4, 16, 300)))


def _number(data: bytearray, chance: Random, _: list[bytes]) -> None:
    """Some bytes become a number at an edge: a length, a time, a count."""
    at, size = chance.randrange(len(data)), chance.choice((1, 2, 3, 4, 8))
    data[at : at + size] = chance.choice((b"\xff", b"\x00", b"\x7f", b"\x80")) * size


def _splice(data: bytearray, chance: Random, others: list[bytes]) -> None:
    """It goes on as another one does."""
    other = chance.choice(others)
    at = chance.randrange(len(data))
    data[at:] = other[chance.randrange(len(other)) :]


def _end_early(data: bytearray, chance: Random, _: list[bytes]) -> None:
    del data[chance.randrange(len(data)) or 1 :]


def _swap(data: bytearray, chance: Random, _: list[bytes]) -> None:
    """Two parts change places: what is said comes out of order."""
    first, second, third = sorted(chance.randrange(len(data)) for _n in range(3))
    data[first:third] = data[second:third] + data[first:second]


MUTATIONS: tuple[Mutation, ...] = (
    *(_flip, _flip_early, _cut_out, _double, _insert, _number),
    *(_splice, _end_early, _swap),
)


def mutate(
    data: bytearray, chance: Random, others: list[bytes], mutations: Sequence[Mutation] = MUTATIONS
) -> None:
    """One to three of them, one after the other; `others` are inputs of the same kind."""
    for mutation in chance.choices(mutations, k=chance.randint(1, 3)):
        mutation(data, chance, others)
        if not data:
            break
