"""How long checks last, and what follows from it: how long runs, requests and grace take.

A fixed length could be learned, and who watches stays longer than a short check. So the lottery
draws the length, and which spans of a very long check are read. Pure.
"""

from enum import StrEnum

LONG_S = 10.0
"""What the longer ones of the checks last at least."""
VERY_LONG_S = 120.0
"""Who cuts viewers sooner is found."""
SPAN_S = 5.0
"""Of a very long check so much is read at a time: three times, the last of them at its end."""
SPANS_FROM_S = 5.0
"""Before it a newcomer's first burst arrives, which shorter checks read."""
CHECK_S_MAX = 45.0
"""The longest that a stream may need (`ProofParameters.capture_max_s`), and its judging."""
DOUBT_S_MAX = 16.0
"""A connection that repeats a pass in doubt, likewise."""
RETEST_WITHIN_S = 60.0
"""The retest of a node that served nothing comes at a drawn second of the minute behind: at once
it would only meet who waits for it."""
PICTURES_S_MAX = 12.0
LONGEST_S = VERY_LONG_S + RETEST_WITHIN_S + VERY_LONG_S + 2 * DOUBT_S_MAX + PICTURES_S_MAX
"""From a check's drawn second to its verdict, with everything that may be repeated."""
GRACE_S_MIN = LONGEST_S + 60
"""An epoch's evidence is whole: its last check, and a minute for the record."""
GRACE_SECONDS = 420
"""How long after its end an epoch is settled, unless it is set."""
RECORD_AFTER_S = 15.0
"""So long after its draw a run waits for checks. What is not over goes into a second part."""


class Length(StrEnum):
    """How long a check is drawn to be; what fails is repeated at the length that failed."""

    SHORT = "short"
    """As long as the stream needs."""
    LONG = "long"
    VERY_LONG = "very_long"

    @property
    def at_least_s(self) -> float:
        """Seconds that a connection lasts at least."""
        return {Length.SHORT: 0.0, Length.LONG: LONG_S, Length.VERY_LONG: VERY_LONG_S}[self]


def longer_of(one: Length, other: Length) -> Length:
    """The one that lasts longer."""
    return max(one, other, key=lambda length: length.at_least_s)
