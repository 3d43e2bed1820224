"""A node that is gone while its statistics claim that it serves: how long lists name it.

Real: the lottery, who is due, the trust book with its lists and its suspicion. Simulated: time,
and how long a check, its retest and the readers of lists take, each at its worst.
"""

import random
from dataclasses import dataclass
from statistics import mean, quantiles

from api.services.listing_reader import NEWS_SECONDS
from bench.report import Figure, NotMeasurableError
from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.delistings import is_listed
from coordinator.checking.lottery import Lottery
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Slot
from prober.docket import EVERY_S
from prober.draws import Due, due_in

CHECK_SECONDS, CHECKS_PER_HOUR = 60, 4
NODES = 12
ABSENT = "n0"
RETESTED_S_MAX = 60.0
"""A retest comes at some second of the next minute."""
CACHED_S = 2.0
"""What a cache between may keep an answer for."""
DRAWS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Absence:
    """Of one trial, in seconds."""

    off_s: float
    """From the failure of the first check, its retest included, until no list names the node."""
    flagged_s: float
    """From its end until it is flagged."""


def trial(rng: random.Random) -> Absence:
    """One node of a dozen is gone at some instant."""
    lottery = Lottery(rng.randbytes(32), CHECK_SECONDS, CHECKS_PER_HOUR)
    slots = [Slot(f"n{n}", "s", "http://h/", "h", 1935, 0, 0.0) for n in range(NODES)]
    first = 29_000_000 + rng.randrange(10_000)
    gone_s = (first + rng.random()) * CHECK_SECONDS
    proven = TrustState(Trust.PROVEN, passed=9, last_check_s=gone_s - 1, last_pass_s=gone_s - 1)
    books = [TrustBook({slot.node_id: proven for slot in slots})] * 2
    off_s = None
    for draw in range(first, first + DRAWS_MAX):
        due = due_in(draw, slots, books[-2], lottery, CHECK_SECONDS)
        book, marked = books[-1].observing([_check(one, draw, gone_s) for one in due])
        books = [books[-1], book]
        if off_s is None and not is_listed(book.of(ABSENT)):
            failed_s = RETESTED_S_MAX * rng.random()
            off_s = EVERY_S - failed_s % EVERY_S + NEWS_SECONDS * rng.random() + CACHED_S
        events = {check.event for check in marked if check.node_id == ABSENT}
        if TrustChange.FLAGGED in events and off_s is not None:
            flagged = next(check for check in marked if check.node_id == ABSENT)
            return Absence(off_s, flagged.due_s + RETESTED_S_MAX - gone_s)
    raise NotMeasurableError("an absent node was never flagged")


def _check(due: Due, draw: int, gone_s: float) -> Check:
    is_gone = due.slot.node_id == ABSENT and due.due_s >= gone_s
    verdict = Verdict.FAIL if is_gone else Verdict.PASS
    reason = Reason.UNREACHABLE if is_gone else Reason.PASSED
    node_id, cause_s = due.slot.node_id, due.caused_by_s
    return Check(node_id, "s", draw, due.due_s, verdict, reason, cause_s)


def figures(trials: int) -> list[Figure]:
    """How long a node that is gone stands on lists, and until it is flagged."""
    rng = random.Random(17)
    found = [trial(rng) for _ in range(trials)]
    off_s = [each.off_s for each in found]
    flagged_min = [each.flagged_s / 60 for each in found]
    percent95 = quantiles(flagged_min, n=20)[-1]
    return [
        Figure("gone: from its first failed check to off every list, mean", mean(off_s), "s"),
        Figure("the same, the longest", max(off_s), "s", "<= 60", "45 min before"),
        Figure("gone: from its end to flagged, mean", mean(flagged_min), "min", "<= 20"),
        Figure("the same, 95 %", percent95, "min", "<= 50"),
    ]
