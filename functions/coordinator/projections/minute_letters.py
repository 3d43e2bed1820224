"""An epoch's minutes of one node as a line of letters, one a minute: what its page draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.polls import Outcome

LETTERS = {
    Outcome.UP: "u",
    Outcome.IDLE: "i",
    Outcome.DOWN: "d",
    Outcome.INVALID: "n",
    Outcome.STALLED: "s",
    Outcome.BLOCKED: "b",
    Outcome.UNKNOWN: "?",
}
ABSENT = "-"
"""The node was not on the roster: nothing was due."""
_OUTCOMES = {letter: outcome for outcome, letter in LETTERS.items()}
_FLAGS = (
    (1, "due", ""),
    (128, "unknown", LETTERS[Outcome.UNKNOWN]),
    (2, "up", LETTERS[Outcome.UP]),
    (4, "idle", LETTERS[Outcome.IDLE]),
    (8, "down", LETTERS[Outcome.DOWN]),
    (16, "invalid", LETTERS[Outcome.INVALID]),
    (32, "stalled", LETTERS[Outcome.STALLED]),
    (64, "blocked", LETTERS[Outcome.BLOCKED]),
)
"""One bit of a byte for each field of `Minutes`; of several set, the first here is shown."""


def _letter(flags: int) -> str:
    if not flags & 1:
        return ABSENT
    shown = (letter for flag, _, letter in _FLAGS[1:] if flags & flag)
    return next(shown, LETTERS[Outcome.UNKNOWN])


_TABLE = "".join(_letter(flags) for flags in range(256)).encode()


def letters_of(minutes: Minutes, count: int) -> str:
    """`count` letters, the first for bit 0. A byte a minute, all minutes at once."""
    ones = int.from_bytes(b"\1" * count)
    whole = (1 << count) - 1
    lanes = 0
    for flag, name, _ in _FLAGS:
        if bits := getattr(minutes, name) & whole:
            lanes += flag * (int.from_bytes(format(bits, f"0{count}b").encode()) & ones)
    return lanes.to_bytes(count)[::-1].translate(_TABLE).decode()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Minutes in a row with one outcome."""

    outcome: Outcome | None
    """None where nothing was due."""
    start: int
    """The first minute, counted from the epoch's."""
    length: int


def stretches_of(letters: str) -> list[Stretch]:
    """The whole line, in order."""
    found: list[Stretch] = []
    for letter, run in groupby(letters):
        start = found[-1].start + found[-1].length if found else 0
        found.append(Stretch(_OUTCOMES.get(letter), start, sum(1 for _ in run)))
    return found


def overlaid(lines: Sequence[str]) -> str:
    """One line of several of the same length: a node that changed its stream has one for each."""
    return "".join(
        next((letter for letter in column if letter != ABSENT), ABSENT)
        for column in zip(*lines, strict=True)
    )


def counted(letters: str) -> dict[Outcome, int]:
    """Minutes by outcome, those that are there, in the order of `Outcome`."""
    counts = {outcome: letters.count(letter) for outcome, letter in LETTERS.items()}
    return {outcome: count for outcome, count in counts.items() if count}
