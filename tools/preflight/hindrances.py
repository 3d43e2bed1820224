"""What stands in an apply's way: a code, how bad it is, and a sentence that says what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """What it means for an apply; the values are what people are shown."""

    REFUSED = "refused"
    """It would fail, whatever is done in Terraform."""
    TO_DO = "to do"
    """It would fail unless something is done first, which may have been done already."""
    UNTOLD = "not told"
    """Whether it would fail could not be asked: our fault or the network's."""
    FINE = "fine"


@dataclass(frozen=True)
class Hindrance:
    """One, of one topic."""

    code: str
    grade: Grade
    sentence: str
