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
"""Of a very long check so much is read at a time."""
SPANS = 3
"""So many times, the last of them at its end."""
BEGUN_S = 2.0
"""A very long connection that brought media after so long had begun. What ends sooner is seen by
checks of every length: the shortest lasts three seconds."""
SPANS_FROM_S = 5.0
"""Before it a newcomer's first burst arrives, which shorter checks read."""
LATE_S_MAX = 2.0
"""A check that begins later than this after its drawn second is not made any more."""
AROUND_S_MAX = 24.0
"""What a connection takes beside its capture: the node's name, a late end, the reference's last
packets, the second reader, and whose address it was."""
CONTROL_S_MAX = 60.0
"""A capture of the ingest that is made anew, so that something may be held against the node."""
RETEST_WITHIN_S = 60.0
"""The retest of a node that served nothing comes at a drawn second of the minute behind: at once
it would only meet who waits for it."""
LONGEST_S = LATE_S_MAX + 2 * (VERY_LONG_S + AROUND_S_MAX + CONTROL_S_MAX) + RETEST_WITHIN_S
"""From a check's drawn second to its verdict, its retest included: from this one number follow the
grace period, the run's limit, the request's timeout and the day's audit."""
GRACE_S_MIN = LONGEST_S + 60
"""An epoch's evidence is whole: its last check, and a minute for the record."""
GRACE_SECONDS = 535
"""How long after its end an epoch is settled, unless it is set. The payout is called at the full
minute behind (terraform/jobs.json)."""
RECORD_AFTER_S = 15.0
"""So long after its draw a run waits for checks. What is not over goes into a second part."""
RECORD_S_MAX = 30.0
"""What a record takes: a few calls of the store, ten seconds each at most."""
FIRST_RECORD_S_MAX = RECORD_AFTER_S + RECORD_S_MAX
"""After its draw, a run's first part is on record."""
LAST_RECORD_S_MAX = LONGEST_S + RECORD_S_MAX
"""After its draw, all of a run is on record: what is not over then is given up before."""
PATIENT_CHECK_SECONDS = 60
"""Draws that are shorter have no very long checks: their network runs for show."""
RUN_S_MAX = PATIENT_CHECK_SECONDS + LAST_RECORD_S_MAX
"""From a draw's beginning until nothing of it is under way: no request lasts longer
(terraform/functions.tf)."""


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


def is_cut(lasted_s: float | None) -> bool:
    """Whether a very long connection, which failed, had begun: what only it sees came later."""
    return lasted_s is not None and lasted_s >= BEGUN_S


def longer_of(one: Length, other: Length) -> Length:
    """The one that lasts longer."""
    return max(one, other, key=lambda length: length.at_least_s)
