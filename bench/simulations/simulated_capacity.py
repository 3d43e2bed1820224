"""How many checks find no place at a size of network: the real lottery, places and costs.

Simulated is time alone. A capture takes as long as its cost says, and begins at the second that
its ticket draws. Old nodes have passed as often lately as the lottery would have drawn them, by
which it draws how long they are watched.
"""

import heapq
import math
import random
from collections import Counter
from collections.abc import Iterator

from bench.report import Figure
from coordinator.checking.check_costs import PROCESSORS_MAX, CheckCost, cost_of
from coordinator.checking.lottery import NEWCOMER_S, Lottery
from coordinator.checking.stakes import SLOT_S, SLOTS
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.sweeping.rosters import Slot
from prober.capacity import Capacity, Place
from prober.draws import Due, due_in

CHECK_SECONDS, CHECKS_PER_HOUR = 60, 4
FIRST_DRAW = 29_000_000
SHORT_S = 6.0
BITS_PER_S = 4e6
PASSED_IN = 1 - math.exp(-CHECKS_PER_HOUR * SLOT_S / 3600)
"""Of an old node's slots."""


def slots_of(count: int, name: str, joined_s: int) -> list[Slot]:
    """So many nodes, all of one stream."""
    tick = joined_s // 60
    return [Slot(f"{name}{n}", "s", "http://h/", "h", 1935, tick, 0.0) for n in range(count)]


def refused(
    old: int, new: int, processors: float, draws: int
) -> tuple[Counter[bool], Counter[bool]]:
    """(checks, those without a place), each by whether they are extra.

    `new` nodes join at once, as the first draw begins."""
    start_s = FIRST_DRAW * CHECK_SECONDS
    slots = slots_of(old, "n", start_s - NEWCOMER_S) + slots_of(new, "x", start_s)
    # By the end's slots: what they have lately passed is not to age while nothing is recorded.
    chance, last = random.Random(17), (start_s + draws * CHECK_SECONDS) // SLOT_S
    book = TrustBook({slot.node_id: well_known(chance, last) for slot in slots[:old]})
    lottery, capacity = (
        Lottery(b"\x0b" * 32, CHECK_SECONDS, CHECKS_PER_HOUR),
        Capacity(min(processors, PROCESSORS_MAX)),
    )
    made, without = Counter[bool](), Counter[bool]()
    held: list[tuple[float, int, Place]] = []
    for number, due in enumerate(_checks(slots, book, lottery, draws)):
        while held and held[0][0] <= due.due_s:
            capacity.give_back(heapq.heappop(held)[2])
        made[due.is_extra] += 1
        cost = _cost(due)
        place = capacity.take(cost, is_extra=due.is_extra)
        if place is None:
            without[due.is_extra] += 1
        else:
            heapq.heappush(held, (due.due_s + cost.wall_s, number, place))
    return made, without


def well_known(chance: random.Random, slot: int) -> TrustState:
    """Of a node that was checked four times an hour for five hours, and passed."""
    bits = sum((chance.random() < PASSED_IN) << at for at in range(SLOTS))
    return TrustState(Trust.PROVEN, new_until_s=0, stake_slot=slot, stake_bits=bits)


def _checks(slots: list[Slot], book: TrustBook, lottery: Lottery, draws: int) -> Iterator[Due]:
    for draw in range(FIRST_DRAW, FIRST_DRAW + draws):
        yield from due_in(draw, slots, book, lottery, CHECK_SECONDS)


def _cost(due: Due) -> CheckCost:
    return cost_of(max(due.length.at_least_s, SHORT_S), BITS_PER_S)


def figures(draws: int = 60) -> list[Figure]:
    """An hour of ten thousand nodes, and the ten minutes after a flood of newcomers."""
    rows = []
    for nodes, goal in ((10_000, "<= 0"), (15_000, ""), (20_000, "")):
        made, without = refused(nodes, 0, 2.0, draws)
        percent = 100 * without.total() / made.total()
        name = f"checks without a place, {nodes:,} nodes, 2 processors, 4 Mbit/s"
        before = "73 before" if goal else ""
        rows.append(Figure(name, percent, "%", goal, before))
    made, without = refused(5_000, 5_000, 2.0, NEWCOMER_S // CHECK_SECONDS)
    name = "the same, 5,000 old nodes while 5,000 new ones join at once"
    rows += [
        Figure(f"{name}: of the old ones", 100 * without[False] / made[False], "%", "<= 0"),
        Figure(f"{name}: of the new ones", 100 * without[True] / made[True], "%"),
    ]
    return rows
