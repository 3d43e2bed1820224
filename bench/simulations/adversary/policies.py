"""A policy: what a machine does in every minute, by what it can observe; and how it is told."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bench.simulations.adversary.deeds import Deed

NEVER = 100_000
"""Minutes since what has not happened yet."""


class Sight(StrEnum):
    """A number that an operator can know, in minutes if nothing else is said; the value tells it.

    They come from its own log, the answers to its heartbeats, the public runs and the
    published commitment, out of which a coin is made: nothing else can be."""

    STAY = "minutes since it came last"
    AWAY = "minutes since it left"
    KEY_AGE = "minutes since its key first came"
    SINCE_CHECK = "minutes since its last check"
    SINCE_GOOD = "minutes since its last passed check"
    SINCE_LONGEST = "minutes since it passed a very long check"
    PASSES = "checks passed since it came last"
    HAS_FAILED = "last check failed (1) or not (0)"
    IS_SUSPECT = "flagged or suspended (1) or not (0)"
    DEGRADED = "degraded checks among its last 40"
    WAS_DEGRADED = "last check degraded (1) or not (0)"
    CREDIT = "degraded checks that its passes have earned beyond those it had"
    REFUSED = "a connection came in the last minute and got nothing (1) or not (0)"
    SINCE_UP = "minutes since a poll found it up"
    MINUTE = "minute of the hour"
    CYCLE = "minute of its cycle"
    TURN = "its key's turn (0) or another's (1)"
    COIN = "a number of 0 to 99 by chance"
    OPEN = "minutes since the stream was opened"
    WAITING = "minutes that wait for their check, of a node"
    MOST_WAITING = "minutes that wait for their check, of the node with the most"
    ASKED = "minutes since it asked to close"
    LASTS = "minutes that the balance lasts"


OF_SPONSORS = frozenset({Sight.OPEN, Sight.WAITING, Sight.MOST_WAITING, Sight.ASKED, Sight.LASTS})
"""Only a sponsor goes by these. Any is public."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A sight below a value, or not below it."""

    sight: Sight
    value: int
    below: bool = True

    def __str__(self) -> str:
        return f"{self.sight} {'<' if self.below else '>='} {self.value}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A deed, done while all conditions hold."""

    conditions: tuple[Condition, ...]
    deed: Deed


class Standing(StrEnum):
    """Where the keys of one machine stand."""

    ONE_ADDRESS = "behind one address"
    ONE_NETWORK = "at addresses of one /24"
    APART = "in networks of their own"


@dataclass(frozen=True, slots=True)
class Policy:
    """The first rule whose conditions hold says what a key does, or else `otherwise`."""

    rules: tuple[Rule, ...]
    otherwise: Deed
    keys: int = 1
    standing: Standing = Standing.ONE_ADDRESS
    period: int = 60
    """Length of its cycle, in minutes; with several keys each has its turn for one."""

    def deed(self, sees: Callable[[Sight], int]) -> Deed:
        """What a key does that sees this."""
        for rule in self.rules:
            for condition in rule.conditions:
                if (sees(condition.sight) < condition.value) is not condition.below:
                    break
            else:
                return rule.deed
        return self.otherwise

    @property
    def deeds(self) -> frozenset[Deed]:
        """All that it may ever do."""
        return frozenset({self.otherwise, *(rule.deed for rule in self.rules)})

    @property
    def addresses(self) -> int:
        """How many it takes."""
        return 1 if self.standing is Standing.ONE_ADDRESS else self.keys

    def __str__(self) -> str:
        whose = f"{self.keys} keys {self.standing}: " if self.keys > 1 else ""
        said = [
            f"{rule.deed} while {' and '.join(map(str, rule.conditions))}" for rule in self.rules
        ]
        period = f" (a cycle is {self.period} min)" if self._has_cycle else ""
        return whose + "; else ".join([*said, str(self.otherwise)]) + period

    @property
    def _has_cycle(self) -> bool:
        used = {condition.sight for rule in self.rules for condition in rule.conditions}
        return not used.isdisjoint({Sight.CYCLE, Sight.TURN})
