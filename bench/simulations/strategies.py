"""The ways to earn more than one serves that `make simulate-payout` tries, each with its name.

The first is honest: the others are measured by it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from coordinator.checking.suspicion import Trust, TrustState


@dataclass
class Machine:
    """One operator's machine: what it decides by, and what it may know."""

    random: random.Random
    offset: int
    checked_at: int | None = None
    """The minute in which it last saw a check."""
    passed: bool = True
    """How that ended."""


Serves = Callable[[Machine, int], bool]


@dataclass(frozen=True)
class Strategy:
    """A way to earn: when to serve, what to claim, when to come back as somebody else."""

    name: str
    serves: Serves
    lies: bool = True
    """Its stats claim `up` in every minute; if not, only while it serves."""
    rejoins: Callable[[TrustState, bool], bool] = lambda _state, _failed: False
    """Whether to go on with a new key, after a check."""
    identities: int = 1
    """Nodes on one machine."""
    one_address: bool = True
    """Whether these stand behind one address; if not, behind as many of one /24."""
    is_honest: bool = False
    """Whether it claims nothing that it does not serve, under one name: it is to be paid as the
    first one, neither more nor less."""


def duty(share: float, period: int) -> Serves:
    """The first part of every period."""
    return lambda machine, t: (t + machine.offset) % period < share * period


def by_chance(share: float) -> Serves:
    """Every minute anew."""
    return lambda machine, _: machine.random.random() < share


def rests_after_a_check(minutes: int) -> Serves:
    """It has just been checked: surely not again so soon."""

    def serves(machine: Machine, t: int) -> bool:
        return machine.checked_at is None or t - machine.checked_at > minutes

    return serves


def expects_checks_every(period: int, around: int) -> Serves:
    """Serves only when a check is due, if checks came like clockwork."""

    def serves(machine: Machine, t: int) -> bool:
        if machine.checked_at is None:
            return True
        since = (t - machine.checked_at) % period
        return since >= period - around or since <= around

    return serves


def behaves_when_watched(otherwise: Serves) -> Serves:
    """Checked a moment ago, it may be flagged: it serves for ten minutes, as retests go."""

    def serves(machine: Machine, t: int) -> bool:
        since = t - (machine.checked_at if machine.checked_at is not None else t)
        return since <= 10 or otherwise(machine, t)

    return serves


def repents(machine: Machine, _: int) -> bool:
    """Serves from a failed check on until one passes, and then no more."""
    return machine.checked_at is None or not machine.passed


STRATEGIES = [
    Strategy("honest", lambda _machine, _t: True),
    *(
        Strategy(f"serves {share:.0%} of every {period} min, claims all", duty(share, period))
        for share in (0.25, 0.5, 0.8, 0.95)
        for period in (20, 60, 240, 1440)
    ),
    *(
        Strategy(f"serves {share:.0%} by chance, claims all", by_chance(share))
        for share in (0.5, 0.9)
    ),
    Strategy(
        "serves 50% of every 240 min, claims only that", duty(0.5, 240), False, is_honest=True
    ),
    Strategy("rests 5 min after a check", rests_after_a_check(5)),
    Strategy(
        "rests 10 min after a check, claims only the rest",
        rests_after_a_check(10),
        lies=False,
        is_honest=True,
    ),
    Strategy("expects checks every 15 min, serves 3 min around", expects_checks_every(15, 3)),
    Strategy("expects checks every 60 min, serves 10 min around", expects_checks_every(60, 10)),
    Strategy("repents after a failed check until one passes", repents),
    *(
        Strategy(
            f"serves {share:.0%} of every 30 min, new key after each failure",
            duty(share, 30),
            rejoins=lambda _state, failed: failed,
        )
        for share in (0.5, 0.9)
    ),
    *(
        Strategy(
            f"serves {share:.0%} of every 30 min, new key once flagged",
            duty(share, 30),
            rejoins=lambda state, _failed: state.trust is Trust.FLAGGED,
        )
        for share in (0.5, 0.9)
    ),
    *(
        Strategy(
            f"serves {share:.0%} of every 60 min, new key after ten checks",
            duty(share, 60),
            rejoins=lambda state, _failed: state.passed + state.failed > 10,
        )
        for share in (0.2, 0.5, 0.95)
    ),
    *(
        Strategy(
            f"serves {share:.0%} of every 30 min and whenever just checked",
            behaves_when_watched(duty(share, 30)),
        )
        for share in (0.25, 0.5, 0.8)
    ),
    Strategy("8 identities on one machine, all served", lambda _m, _t: True, identities=8),
    Strategy("serves nothing, claims all", lambda _machine, t: t < 0),
]
