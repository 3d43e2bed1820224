"""Where a search starts: the fixed catalogue (`bench.simulations.strategies`) as policies,
and honest stays that end."""

from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.policies import Condition, Policy, Rule, Sight, Standing

HONEST = Policy((), Deed.SERVE)


def _while(sight: Sight, value: int, deed: Deed, otherwise: Deed, period: int = 60) -> Policy:
    return Policy((Rule((Condition(sight, value),), deed),), otherwise, period=period)


def _renewing(share: float, sight: Sight, value: int) -> Policy:
    """Serves a share of every 30 minutes, and has a new key once the sight is so large."""
    renews = Rule((Condition(sight, value, below=False),), Deed.NEW_KEY)
    serves = Rule((Condition(Sight.CYCLE, round(30 * share)),), Deed.SERVE)
    return Policy((renews, serves), Deed.CLAIM, period=30)


def _in_turn(keys: int, period: int, passes: int, deed: Deed) -> Policy:
    """Keys that are there one after the other, and age while they are away: each serves until it
    has passed so many checks, and then does less."""
    rules = (
        Rule((Condition(Sight.TURN, 1, below=False),), Deed.LEAVE),
        Rule((Condition(Sight.PASSES, passes),), Deed.SERVE),
    )
    return Policy(rules, deed, keys=keys, period=period)


CATALOGUE = [
    HONEST,
    Policy((), Deed.CLAIM),
    *(_while(Sight.STAY, stay, Deed.SERVE, Deed.LEAVE) for stay in (10, 60)),
    *(
        _while(Sight.CYCLE, round(share * period), Deed.SERVE, Deed.CLAIM, period)
        for share in (0.25, 0.5, 0.8, 0.95)
        for period in (20, 60, 240, 1440)
    ),
    *(_while(Sight.COIN, share, Deed.SERVE, Deed.CLAIM) for share in (50, 90)),
    _while(Sight.CYCLE, 120, Deed.SERVE, Deed.LEAVE, 240),
    _while(Sight.SINCE_CHECK, 5, Deed.CLAIM, Deed.SERVE),
    _while(Sight.SINCE_CHECK, 10, Deed.LEAVE, Deed.SERVE),
    _while(Sight.SINCE_CHECK, 12, Deed.CLAIM, Deed.SERVE),
    _while(Sight.SINCE_CHECK, 50, Deed.CLAIM, Deed.SERVE),
    _while(Sight.HAS_FAILED, 1, Deed.CLAIM, Deed.SERVE),
    *(_renewing(share, Sight.HAS_FAILED, 1) for share in (0.5, 0.9)),
    *(_renewing(share, Sight.IS_SUSPECT, 1) for share in (0.5, 0.9)),
    *(_renewing(share, Sight.PASSES, 11) for share in (0.2, 0.5, 0.95)),
    *(
        Policy(
            (
                Rule((Condition(Sight.SINCE_CHECK, 11),), Deed.SERVE),
                Rule((Condition(Sight.CYCLE, round(30 * share)),), Deed.SERVE),
            ),
            Deed.CLAIM,
            period=30,
        )
        for share in (0.25, 0.5, 0.8)
    ),
    Policy((), Deed.SERVE, keys=8, standing=Standing.ONE_ADDRESS),
    *(
        _in_turn(keys, period, passes, deed)
        for keys, period, passes in ((5, 60, 4), (5, 240, 2), (8, 60, 1), (8, 240, 1))
        for deed in (Deed.CUT_16, Deed.SERVE)
    ),
]

_WHILE_REFUSED = Rule((Condition(Sight.REFUSED, 1, below=False),), Deed.SERVE)
_AFTER_ONE = Rule((Condition(Sight.WAS_DEGRADED, 1, below=False),), Deed.SERVE)
_YOUNG = Rule((Condition(Sight.KEY_AGE, 14),), Deed.SERVE)


def _refusing(*rules: Rule, while_: Condition) -> Policy:
    """Refuses who comes first, and serves for a minute once it has."""
    refuses = Rule((while_,), Deed.REFUSE_40)
    return Policy((*rules, _WHILE_REFUSED, refuses), Deed.SERVE)


def _renews(sight: Sight, value: int, *, below: bool = False) -> Rule:
    return Rule((Condition(sight, value, below=below),), Deed.NEW_KEY)


REFUSING = [
    _refusing(
        _renews(Sight.DEGRADED, 7), _WHILE_REFUSED, _AFTER_ONE, _YOUNG,
        while_=Condition(Sight.DEGRADED, 7),
    ),
    _refusing(while_=Condition(Sight.DEGRADED, 4)),
    _refusing(
        _renews(Sight.WAS_DEGRADED, 1), _WHILE_REFUSED, _YOUNG,
        while_=Condition(Sight.SINCE_CHECK, 11),
    ),
    _refusing(
        _renews(Sight.CREDIT, -1, below=True), _WHILE_REFUSED, _YOUNG,
        while_=Condition(Sight.CREDIT, 0, below=False),
    ),
    _refusing(while_=Condition(Sight.CREDIT, 1, below=False)),
]  # fmt: skip
"""Ways to be degraded, and paid. The first gained 0.19 of a day while degraded checks cost nothing:
a new key when the old one was nearly flagged."""
COUNTING = [
    *REFUSING,
    *(_while(Sight.CREDIT, few, Deed.SERVE, Deed.NINE_OF_TEN) for few in (1, 3)),
    *(_while(Sight.DEGRADED, few, Deed.NINE_OF_TEN, Deed.SERVE) for few in (2, 4)),
    _while(Sight.CYCLE, 2, Deed.CUT_60, Deed.SERVE, 10),
]
"""What was found by hand: turning viewers away while few checks were degraded; and what ADR 85
ended."""
