"""A node that cuts every viewer after 16 s: how many checks it has until it is flagged.

Real: the lottery, who is due and for how long, the trust book. Simulated: time, and that the
longest checks fail while all others pass.
"""

import random
from statistics import mean, quantiles

from bench.report import Figure, NotMeasurableError
from bench.simulations.simulated_capacity import CHECK_SECONDS, CHECKS_PER_HOUR, well_known
from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.lengths import Length
from coordinator.checking.lottery import Lottery
from coordinator.checking.stakes import SLOT_S
from coordinator.checking.suspicion import NOBODY, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Slot
from prober.draws import Due, due_in

NODES = 12
CUTS = "n0"
DRAWS_MAX = 20_000
FIRST_DRAW = 29_000_000


def trial(rng: random.Random, *, is_known: bool) -> int:
    """Checks of one node of a dozen, from its first cut on: well known, or with a new key."""
    lottery = Lottery(rng.randbytes(32), CHECK_SECONDS, CHECKS_PER_HOUR)
    first = FIRST_DRAW + rng.randrange(10_000)
    tick = first if not is_known else first - 10_000
    slots = [Slot(f"n{n}", "s", "http://h/", "h", 1935, tick, 0.0) for n in range(NODES)]
    book, checks = TrustBook({slot.node_id: _state(first, rng, is_known) for slot in slots}), 0
    for draw in range(first, first + DRAWS_MAX):
        due = due_in(draw, slots, book, lottery, CHECK_SECONDS)
        book, marked = book.observing([_check(one, draw) for one in due])
        own = [check for check in marked if check.node_id == CUTS]
        checks += len(own)
        if any(check.event is TrustChange.FLAGGED for check in own):
            return checks
    raise NotMeasurableError("a node that cuts its viewers was never flagged")


def _state(first: int, rng: random.Random, is_known: bool) -> TrustState:
    return well_known(rng, first * CHECK_SECONDS // SLOT_S) if is_known else NOBODY


def _check(due: Due, draw: int) -> Check:
    cuts = due.slot.node_id == CUTS and due.length is Length.VERY_LONG
    verdict, reason = (Verdict.FAIL, Reason.STALLED) if cuts else (Verdict.PASS, Reason.PASSED)
    name, cause_s = due.slot.node_id, due.caused_by_s
    return Check(name, "s", draw, due.due_s, verdict, reason, cause_s, length=due.length)


def figures(trials: int) -> list[Figure]:
    """The same of a node with a past, and of one with a new key."""
    rows = []
    for is_known, says in ((True, "cuts at 16 s"), (False, "the same with a new key")):
        rng = random.Random(23)
        found = [float(trial(rng, is_known=is_known)) for _ in range(trials)]
        rows += [
            Figure(f"{says}: checks until flagged, mean", mean(found), "checks", "<= 40"),
            Figure(f"{says}: checks until flagged, 95 %", quantiles(found, n=20)[-1], "checks"),
        ]
    return rows
