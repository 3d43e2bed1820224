"""No strategy that a search finds is paid more than it serves; and the search can find.

Each old rule, put back in its place, is a mutant: the search has to find the strategy that it let
pay. With the rules as they are the same search has to come back with nothing.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import pytest

from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.evolution import Island, Measure, evolved
from bench.simulations.adversary.known_strategies import CATALOGUE
from bench.simulations.adversary.policies import Policy
from bench.simulations.adversary.quests import lives_for
from bench.simulations.adversary.rivals import RIVAL, rival_lives
from bench.simulations.adversary.scores import Score, Trial, score
from bench.simulations.adversary.variation import Repertoire
from coordinator.checking.checks import Check, TrustChange
from coordinator.checking.lottery import STAKE_MAX
from coordinator.checking.suspicion import TrustState
from coordinator.ledger.address_turns import Earner
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.paid_places import Refused
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.sweeps import SweepBits

MAKING_UNKNOWN = (Deed.SERVE, Deed.CLAIM, Deed.LEAVE, Deed.UNKNOWN_NAME, Deed.UNKNOWN_ROUTE)
COMING_AGAIN = (Deed.SERVE, Deed.CLAIM, Deed.LEAVE)
FRESH = Trial(16, 24, 900_001)
SHORT: Measure = lives_for(Trial(1, 8, 0))
"""Many policies, each hardly measured: who seems good is measured again."""
GAIN = 0.05
"""Of a day a node-day: what a mutant's strategy is paid and does not serve, at the least."""


def _searched(deeds: Iterable[Deed], seed: int, generations: int) -> tuple[Policy, Score]:
    """The best found, and its score by fresh seeds."""
    known = Repertoire(tuple(deeds), keys_max=1)
    best = evolved(Island(seed, known, _starts(known)), SHORT, generations)
    return best, score(best, FRESH)


def _starts(known: Repertoire) -> list[Policy]:
    """Those of one key, since these take least time; and of these deeds, or one of the others
    would be found in place of what a mutant lets pay."""
    return [one for one in CATALOGUE if one.keys == 1 and one.deeds <= set(known.deeds)]


def _old_candidates(sweep: SweepBits, _: Roster) -> int:
    """Whoever's own minutes are unknown was never drawn."""
    return sweep.up


def _old_failure(check: Check, event: TrustChange | None, *_: TrustState) -> Check:
    """A failed check voided what waited, and nothing that was paid."""
    return replace(check, event=event)


def _old_goodbyes(minutes: dict[str, Minutes], *_: object) -> dict[str, Minutes]:
    """Who left and came back was up all the while."""
    return minutes


def _old_stake(_: TrustState, __: float) -> int:
    """One check in twenty was very long, whatever there was to lose."""
    return STAKE_MAX


def _old_places(earners: Iterable[Earner], terms: Terms, epoch: EpochMinutes) -> Refused:
    """A paid or waiting minute held a place for the whole epoch."""
    wanting = [one for one in earners if one.takes]
    wanting.sort(key=lambda one: (one.first_pass_s, one.node_id))
    beyond = wanting[terms.max_paid_nodes :]
    return {one.node_id: {Reason.BEYOND_MAX_PAID_NODES: one.takes} for one in beyond}


def test_the_search_finds_minutes_that_a_node_makes_unknown_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prober.draws.drawable", _old_candidates)
    unbounded = partial(Terms, unknown_minutes_max=1_000_000)
    monkeypatch.setattr("bench.simulations.adversary.bank.Terms", unbounded)
    best, found = _searched(MAKING_UNKNOWN, 4, 6)
    assert found.gain > GAIN, best
    assert best.deeds & {Deed.UNKNOWN_NAME, Deed.UNKNOWN_ROUTE}


def test_the_search_finds_a_key_that_comes_again_to_be_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Slot, "first_seen_tick", property(lambda slot: slot.joined_tick))
    monkeypatch.setattr("coordinator.ledger.epoch_records.newcomers_of", lambda *_: {})
    # The minute of a goodbye counted then. Now each new stay costs one.
    monkeypatch.setattr("coordinator.ledger.epoch_records.without_goodbyes", _old_goodbyes)
    monkeypatch.setattr("coordinator.checking.trust_book.marked", _old_failure)
    monkeypatch.setattr("prober.draws.stake_of", _old_stake)
    best, found = _searched(COMING_AGAIN, 5, 8)
    assert found.gain > GAIN, best
    assert Deed.LEAVE in best.deeds


def test_the_search_finds_a_place_that_one_minute_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.ledger.settlements.refused", _old_places)
    monkeypatch.setattr("prober.draws.stake_of", _old_stake)
    known = replace(RIVAL.repertoire, keys_max=1)
    best = evolved(Island(1, known, _starts(known)), rival_lives, 2)
    assert _rival(best) > 0.5, RIVAL.told(best)


def _rival(policy: Policy) -> float:
    """What honest nodes lose for every minute that it serves, by fresh seeds."""
    lives = [loss for seed in range(3) for loss, _ in rival_lives([policy], 900_001 + seed)[0]]
    return sum(lives) / len(lives)


@pytest.mark.parametrize(("deeds", "seed"), [(MAKING_UNKNOWN, 4), (COMING_AGAIN, 5)])
def test_the_same_search_finds_nothing_that_the_rules_pay_too_well(
    deeds: tuple[Deed, ...], seed: int
) -> None:
    best, found = _searched(deeds, seed, 8)
    assert found.gain <= 2 * found.error, best
