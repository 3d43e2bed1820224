"""The ways to falsify a record: each is a function that does it to a `Forgery`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.tampering.forgery import Forgery

Doing = Callable[[Forgery], Awaitable[None]]
SETTLED = "everything that hangs on it is settled again: nothing outside binds the past yet"
CAPTURES = "nobody else captures: only a second prober would disagree"


@dataclass(frozen=True, slots=True)
class Tampering:
    """One way."""

    name: str
    of: str
    """What is falsified."""
    do: Doing
    escapes: str
    """Why nobody can find it before the log exists; empty where somebody must."""


TAMPERINGS: list[Tampering] = []


def tampering(of: str, escapes: str = "") -> Callable[[Doing], Doing]:
    """Enters a function; its docstring is its name in the table."""

    def enter(do: Doing) -> Doing:
        name = (do.__doc__ or "").strip().rstrip(".")
        TAMPERINGS.append(Tampering(name, of, do, escapes))
        return do

    return enter
