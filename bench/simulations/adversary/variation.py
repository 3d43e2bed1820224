"""New policies: by chance, out of another one, out of two."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.policies import (
    OF_SPONSORS,
    Condition,
    Policy,
    Rule,
    Sight,
    Standing,
)

RULES_MAX = 4
CONDITIONS_MAX = 2
MINUTES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, 480, 720)
PERIODS = (10, 20, 30, 60, 120, 240, 480, 1440)
STAYS = (1, 2, 3, 5, 8, 10, 10, 10, 12, 15, 15, 20, 25, 30, 45, 60, 120, 240)
"""Ten minutes of newcomers and a quarter of an hour between checks are published."""
VALUES = {
    Sight.STAY: STAYS,
    Sight.KEY_AGE: STAYS,
    Sight.PASSES: (1, 2, 3, 4, 6, 8, 12),
    Sight.HAS_FAILED: (1,),
    Sight.IS_SUSPECT: (1,),
    Sight.DEGRADED: (1, 2, 3, 4, 5, 6, 8),
    Sight.WAS_DEGRADED: (1,),
    Sight.CREDIT: (-2, -1, 0, 1, 2, 3, 6),
    Sight.REFUSED: (1,),
    Sight.TURN: (1,),
    Sight.COIN: (2, 5, 10, 20, 35, 50, 65, 80, 90, 95, 98),
    Sight.MINUTE: (1, 2, 3, 5, 10, 15, 20, 30, 40, 45, 50, 55, 57, 58, 59),
}
"""Which values make sense; minutes where nothing stands."""


COUNTING_SIGHTS = (Sight.DEGRADED, Sight.WAS_DEGRADED, Sight.CREDIT)
USUAL_SIGHTS = tuple(sight for sight in Sight if sight not in OF_SPONSORS | {*COUNTING_SIGHTS})
"""Of who keeps no count of degraded checks."""


@dataclass(frozen=True, slots=True)
class Repertoire:
    """What an adversary can do, and go by."""

    deeds: Sequence[Deed]
    sights: Sequence[Sight] = USUAL_SIGHTS
    clocks: Sequence[Sight] = (
        *(Sight.STAY, Sight.STAY, Sight.SINCE_CHECK, Sight.SINCE_GOOD, Sight.KEY_AGE, Sight.CYCLE),
    )
    """What a policy may go by that has phases."""
    keys_max: int = 8


def by_chance(rng: random.Random, known: Repertoire) -> Policy:
    """Anything; half of the time it has phases, one deed after the other."""
    if rng.random() < 0.5:
        policy = _phased(rng, known)
    else:
        rules = tuple(_rule(rng, known) for _ in range(rng.choice((1, 1, 2, 2, 3))))
        policy = Policy(rules, rng.choice(known.deeds), period=rng.choice(PERIODS))
    return _housed(policy, rng, known) if rng.random() < 0.15 else policy


def _phased(rng: random.Random, known: Repertoire) -> Policy:
    clock, phases = rng.choice(known.clocks), min(len(known.deeds), rng.choice((2, 3, 3, 4)))
    ends = sorted(set(rng.choices(VALUES.get(clock, MINUTES), k=phases - 1)))
    *done, otherwise = rng.sample(known.deeds, len(ends) + 1)
    rules = [Rule((Condition(clock, end),), deed) for end, deed in zip(ends, done, strict=True)]
    return Policy(tuple(rules), otherwise, period=rng.choice(PERIODS))


def mutated(policy: Policy, rng: random.Random, known: Repertoire) -> Policy:
    """One or two things changed."""
    for _ in range(rng.choice((1, 1, 2))):
        policy = rng.choice(CHANGES)(policy, rng, known)
    return policy


def crossed(one: Policy, other: Policy, rng: random.Random) -> Policy:
    """Some rules of each."""
    rules = [rule for rule in (*one.rules, *other.rules) if rng.random() < 0.6]
    return replace(one, rules=tuple(rules[:RULES_MAX]))


def _condition(rng: random.Random, known: Repertoire) -> Condition:
    sight = rng.choice(known.sights)
    return Condition(sight, rng.choice(VALUES.get(sight, MINUTES)), rng.random() < 0.5)


def _rule(rng: random.Random, known: Repertoire) -> Rule:
    conditions = tuple(_condition(rng, known) for _ in range(rng.choice((1, 1, 2))))
    return Rule(conditions, rng.choice(known.deeds))


def _other_deed(policy: Policy, rng: random.Random, known: Repertoire) -> Policy:
    at = rng.randrange(len(policy.rules) + 1)
    if at == len(policy.rules):
        return replace(policy, otherwise=rng.choice(known.deeds))
    return _with(policy, at, replace(policy.rules[at], deed=rng.choice(known.deeds)))


def _other_condition(policy: Policy, rng: random.Random, known: Repertoire) -> Policy:
    if not policy.rules:
        return _more_rules(policy, rng, known)
    at = rng.randrange(len(policy.rules))
    conditions = list(policy.rules[at].conditions)
    which, roll = rng.randrange(len(conditions)), rng.random()
    if roll < 0.25 and len(conditions) < CONDITIONS_MAX:
        conditions.append(_condition(rng, known))
    elif roll < 0.4 and len(conditions) > 1:
        conditions.pop(which)
    else:
        conditions[which] = _condition(rng, known)
    return _with(policy, at, replace(policy.rules[at], conditions=tuple(conditions)))


def _other_value(policy: Policy, rng: random.Random, known: Repertoire) -> Policy:
    if not policy.rules:
        return _other_deed(policy, rng, known)
    at = rng.randrange(len(policy.rules))
    conditions = list(policy.rules[at].conditions)
    which = rng.randrange(len(conditions))
    old = conditions[which]
    near = max(1, round(old.value * rng.uniform(0.6, 1.6)))
    value = rng.choice((near, near, rng.choice(VALUES.get(old.sight, MINUTES))))
    conditions[which] = replace(old, value=value, below=old.below is (rng.random() < 0.85))
    return _with(policy, at, replace(policy.rules[at], conditions=tuple(conditions)))


def _more_rules(policy: Policy, rng: random.Random, known: Repertoire) -> Policy:
    if len(policy.rules) >= RULES_MAX:
        return _fewer_rules(policy, rng, known)
    rules = list(policy.rules)
    rules.insert(rng.randrange(len(rules) + 1), _rule(rng, known))
    return replace(policy, rules=tuple(rules))


def _split(policy: Policy, rng: random.Random, known: Repertoire) -> Policy:
    """One more phase: a rule once more, with another deed and another value."""
    if not 0 < len(policy.rules) < RULES_MAX:
        return _other_value(policy, rng, known)
    at = rng.randrange(len(policy.rules))
    old = policy.rules[at].conditions[0]
    new = replace(old, value=max(1, round(old.value * rng.uniform(0.3, 2.5))))
    rules = list(policy.rules)
    rules.insert(at + rng.randrange(2), Rule((new,), rng.choice(known.deeds)))
    return replace(policy, rules=tuple(rules))


def _fewer_rules(policy: Policy, rng: random.Random, _: Repertoire) -> Policy:
    rules = list(policy.rules)
    if rules:
        rules.pop(rng.randrange(len(rules)))
    return replace(policy, rules=tuple(rules))


def _other_order(policy: Policy, rng: random.Random, _: Repertoire) -> Policy:
    return replace(policy, rules=tuple(rng.sample(policy.rules, len(policy.rules))))


def _other_period(policy: Policy, rng: random.Random, _: Repertoire) -> Policy:
    return replace(policy, period=rng.choice(PERIODS))


def _housed(policy: Policy, rng: random.Random, known: Repertoire) -> Policy:
    keys, standing = rng.randint(1, known.keys_max), rng.choice(tuple(Standing))
    return replace(policy, keys=keys, standing=standing)


def _with(policy: Policy, at: int, rule: Rule) -> Policy:
    rules = list(policy.rules)
    rules[at] = rule
    return replace(policy, rules=tuple(rules))


CHANGES = (
    *(_other_deed, _other_deed, _other_condition, _other_condition),
    *(_other_value, _other_value, _other_value, _other_value),
    *(_split, _split, _more_rules, _fewer_rules, _other_order, _other_period, _housed),
)
"""As often as each stands here."""
