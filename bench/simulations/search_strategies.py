"""Searches for strategies that pay: operators' and rivals'. Real rules, made-up media.

A policy is a few rules over what an operator can observe. Evolution changes, crosses and measures
them from many seeds; the best is replayed with fresh seeds and printed in words. Its score is the
minutes' worth that it is paid minus the minutes that it serves to viewers, in days a node-day.
"""

import argparse
import sys
from statistics import quantiles

from bench.report import Figure, hand_in
from bench.simulations.adversary.hunts import BestFound, Hunt, pool
from bench.simulations.adversary.quests import (
    LONG,
    OPERATOR,
    OUTLASTING_CHECKS,
    TELLING_ADDRESSES,
    Quest,
)
from bench.simulations.adversary.rivals import RIVAL, rival_lives
from bench.simulations.adversary.stays import honest_lives
from emulator.unread import quiet_when_unread

POLICIES, SEEDS = 5_000, 4
APART_SHARE = 0.1
"""Of the policies, for every other search than the operator's."""
ERROR_MAX, RIVAL_ERROR_MAX = 0.005, 0.02
"""Standard errors of what is reported; days a node-day, and losses for each own one."""
HONEST_NODES, HONEST_DAYS = 200, 5
INTERRUPTED = 130


def main(argv: list[str]) -> int:
    """Prints the table and writes build/search-strategies.json."""
    parser = argparse.ArgumentParser(prog="make search-strategies", description=__doc__)
    parser.add_argument("--policies", type=int, default=POLICIES, help="that the operator tries")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="searches side by side")
    asked = parser.parse_args(argv)
    if asked.policies < 1 or asked.seeds < 1:
        parser.error("POLICIES and SEEDS are at least 1")
    try:
        figures = _figures(asked.policies, asked.seeds)
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was written", file=sys.stderr)
        return INTERRUPTED
    hand_in("search-strategies", figures)
    return 0


def _figures(policies: int, seeds: int) -> list[Figure]:
    few = max(1, round(policies * APART_SHARE))
    with pool() as executor:

        def hunted(quest: Quest, count: int) -> BestFound:
            return Hunt(quest, count, seeds, executor, LONG, ERROR_MAX).found()

        figures = _told(OPERATOR, hunted(OPERATOR, policies), has_goal=True)
        figures += _told(TELLING_ADDRESSES, hunted(TELLING_ADDRESSES, few))
        figures += _told(OUTLASTING_CHECKS, hunted(OUTLASTING_CHECKS, few))
        rival = Hunt(RIVAL, few, seeds, executor, rival_lives, RIVAL_ERROR_MAX).found()
        figures.append(_rival(rival))
    return figures + _stays()


def _told(quest: Quest, found: BestFound, *, has_goal: bool = False) -> list[Figure]:
    """Its gain, and what that is made of."""
    said = f"best {quest.name} of {found.tried:,} policies (±{found.error:.4f})"
    print(f"\n{said}: {found.gain:+.4f} of a day a node-day\n  {quest.told(found.policy)}\n")
    goal = f"<= {2 * found.error:.4f}" if has_goal else ""
    return [
        Figure(f"{said}: paid minus served", found.gain, "days a node-day", goal),
        Figure(f"best {quest.name}: paid", found.share, "days a node-day"),
        Figure(f"best {quest.name}: served", found.share - found.gain, "days a node-day"),
    ]


def _rival(found: BestFound) -> Figure:
    said = f"best rival of {found.tried:,} policies (±{found.error:.4f})"
    print(f"\n{said}: {found.gain:+.4f}\n  {RIVAL.told(found.policy)}\n")
    name = f"{said}: honest minutes lost for each of its own"
    return Figure(name, found.gain, "", "<= 0.1")


def _stays() -> list[Figure]:
    honest = honest_lives(HONEST_NODES, HONEST_DAYS)
    first = quantiles(honest.first_paid_min, n=20)[-1]
    return [
        Figure("docker run to the first paid minute, 95 %", first, "min", "<= 45"),
        Figure("paid of a first stay of two hours", 100 * honest.guest, "%", ">= 75"),
        Figure("paid of two hours every day", 100 * honest.regular, "%", ">= 75"),
        Figure("honest node, 3 % of connections fail: paid", 100 * honest.always, "%", ">= 99.5"),
    ]


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
