"""The search itself: it climbs, lets niches live, and does the same by the same seed."""

from collections.abc import Callable, Sequence

from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.evolution import (
    LIVING_MAX,
    POPULATION,
    Island,
    Measured,
    evolved,
    sure,
)
from bench.simulations.adversary.policies import Policy, Sight
from bench.simulations.adversary.variation import Repertoire

DEEDS = Repertoire((Deed.SERVE, Deed.CLAIM, Deed.LEAVE))


def _seeing(minute: int) -> Callable[[Sight], int]:
    return lambda sight: minute if sight is Sight.STAY else 0


def _likeness(policy: Policy) -> float:
    """To one that serves for 23 minutes of a stay, claims for 14 more, and is away then."""
    wanted = [Deed.SERVE] * 23 + [Deed.CLAIM] * 14 + [Deed.LEAVE] * 23
    did = [policy.deed(_seeing(minute)) for minute in range(60)]
    return sum(one is other for one, other in zip(wanted, did, strict=True)) / 60


def _measured(policies: Sequence[Policy], _: int) -> list[Measured]:
    return [[(_likeness(policy), 0.1)] for policy in policies]


def test_a_search_climbs_to_what_no_policy_of_chance_was() -> None:
    island = Island(5, DEEDS)
    first, _ = island.asked()
    best = evolved(island, _measured, 25)
    assert _likeness(best) >= 0.87 > max(map(_likeness, first))
    assert island.tried > 200


def test_the_same_seed_finds_the_same() -> None:
    found = [evolved(Island(seed, DEEDS), _measured, 3) for seed in (5, 5, 7)]
    assert found[0] == found[1] != found[2]


def test_who_does_nothing_does_not_drive_out_who_does_something() -> None:
    """The others are better, and yet the best of each kind live on."""
    island = Island(7, DEEDS)
    asked, _ = island.asked()
    serving = [policy for policy in asked if Deed.SERVE in policy.deeds]
    island.told([[(-0.3, 0.9)] if one in serving else [(0.0, 0.0)] for one in asked])
    living, _ = island.asked()
    assert set(serving) & set(living[:LIVING_MAX])
    assert len(living) == POPULATION


def test_luck_of_few_lives_counts_less_than_many_good_ones() -> None:
    assert sure([(0.30, 0.0)]) < sure([(0.29, 0.0)] * 30)
    assert sure([(0.9, 0.0), (-0.1, 0.0)]) < sure([(0.3, 0.0), (0.3, 0.0)])
