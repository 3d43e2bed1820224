"""Searches for strategies that pay: operators', rivals' and sponsors'. Real rules, made-up media.

A policy is a few rules over what its owner can observe. Evolution changes, crosses and measures
them from many seeds; the best is replayed with fresh seeds and printed in words. An operator's
score is the minutes' worth that it is paid minus the minutes that it serves to viewers, in days a
node-day. A run that was interrupted goes on where it was.
"""

import argparse
import signal
import sys
from concurrent.futures import Executor
from dataclasses import dataclass

from bench.report import BUILD, Figure, hand_in, say
from bench.simulations.adversary.evolution import Measure
from bench.simulations.adversary.hunts import BestFound, Hunt, pool
from bench.simulations.adversary.journal import Journal
from bench.simulations.adversary.pauses import EXPECTING_PAUSES
from bench.simulations.adversary.quests import (
    LONG,
    OPERATOR,
    OUTLASTING_CHECKS,
    TELLING_ADDRESSES,
    Quest,
)
from bench.simulations.adversary.rivals import (
    NEIGHBOUR,
    REASON,
    RIVAL,
    known_neighbour_figures,
)
from bench.simulations.adversary.sponsors import CLOSER, PAUSING, SPONSOR
from bench.simulations.adversary.stays import stay_figures
from emulator.unread import quiet_when_unread

POLICIES, SEEDS = 5_000, 4
APART_SHARE, APART_SEEDS = 0.05, 2
"""For every other search than the operator's: of its policies, and at most so many seeds."""
ERROR_MAX, RIVAL_ERROR_MAX, SPONSOR_ERROR_MAX = 0.005, 0.02, 0.5
"""Standard errors of what is reported: days a node-day, losses for each own one, and minutes."""
HONEST_NODES, HONEST_DAYS = 200, 10
INTERRUPTED = 130


def main(argv: list[str]) -> int:
    """Prints the table and writes build/search-strategies.json."""
    parser = argparse.ArgumentParser(prog="make search-strategies", description=__doc__)
    parser.add_argument("--policies", type=int, default=POLICIES, help="that the operator tries")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="searches side by side")
    asked = parser.parse_args(argv)
    if asked.policies < 1 or asked.seeds < 1:
        parser.error("POLICIES and SEEDS are at least 1")
    journal = BUILD / "search-strategies.journal"
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or its processes would outlive it
    try:
        with Journal(journal) as kept, pool() as executor:
            if kept.is_begun:
                say("goes on where an earlier run was interrupted")
            figures = _figures(Searches(asked.policies, asked.seeds, executor, kept))
    except KeyboardInterrupt:
        print("\ninterrupted: the next run goes on from here", file=sys.stderr)
        return INTERRUPTED
    journal.unlink()
    hand_in("search-strategies", figures + stay_figures(HONEST_NODES, HONEST_DAYS))
    return 0


@dataclass(frozen=True)
class Searches:
    """How much is searched, and by what."""

    policies: int
    seeds: int
    executor: Executor
    journal: Journal

    def best(self, quest: Quest, replay: Measure, error_max: float, share: float) -> BestFound:
        """The best of a quest; `share`: of the operator's policies, so many are tried."""
        count = max(1, round(self.policies * share))
        seeds = self.seeds if share == 1 else min(self.seeds, APART_SEEDS)
        hunt = Hunt(quest, count, seeds, self.executor, replay, error_max, self.journal)
        return hunt.found()


def _figures(searches: Searches) -> list[Figure]:
    figures = _told(OPERATOR, searches.best(OPERATOR, LONG, ERROR_MAX, 1), has_goal=True)
    for quest in (RIVAL, NEIGHBOUR):
        rival = searches.best(quest, quest.measure, RIVAL_ERROR_MAX, APART_SHARE)
        figures.append(_rival(quest, rival))
    figures += known_neighbour_figures()
    for quest in (CLOSER, SPONSOR, PAUSING):
        sponsor = searches.best(quest, quest.measure, SPONSOR_ERROR_MAX, APART_SHARE)
        figures.append(_sponsor(quest, sponsor))
    pauses = searches.best(EXPECTING_PAUSES, EXPECTING_PAUSES.measure, ERROR_MAX, APART_SHARE)
    figures += _told(EXPECTING_PAUSES, pauses, has_goal=True)
    for quest in (TELLING_ADDRESSES, OUTLASTING_CHECKS):
        figures += _told(quest, searches.best(quest, LONG, ERROR_MAX, APART_SHARE))
    return figures


def _told(quest: Quest, found: BestFound, *, has_goal: bool = False) -> list[Figure]:
    """Its gain, and what that is made of."""
    said = _said(quest, found, "of a day a node-day")
    goal = f"<= {2 * found.error:.4f}" if has_goal else ""
    return [
        Figure(f"{said}: paid minus served", found.gain, "days a node-day", goal),
        Figure(f"best {quest.name}: paid", found.share, "days a node-day"),
        Figure(f"best {quest.name}: served", found.share - found.gain, "days a node-day"),
    ]


def _rival(quest: Quest, found: BestFound) -> Figure:
    said = _said(quest, found, "minutes lost for each of its own")
    why = f" ({REASON})" if quest is NEIGHBOUR else ""
    return Figure(f"{said}: honest minutes lost for each of its own{why}", found.gain, "", "<= 0.1")


def _sponsor(quest: Quest, found: BestFound) -> Figure:
    said = _said(quest, found, "unpaid minutes a node, beyond any other last epoch's")
    name = f"{said}: unpaid minutes of a node, beyond any other last epoch's"
    return Figure(name, found.gain, "min", f"<= {2 * found.error:.4f}")


def _said(quest: Quest, found: BestFound, unit: str) -> str:
    """Printed in words; and what a row says of it."""
    said = f"best {quest.name} of {found.tried:,} policies (±{found.error:.4f})"
    print(f"\n{said}: {found.gain:+.4f} {unit}\n  {quest.told(found.policy)}\n", flush=True)
    return said


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
