"""A machine with several keys at one address rests between checks, and is paid for less by it.

It knows of each call of any of its keys at once, which is all that it can know. Each call comes by
chance. It rests from a passed check on, until one of its keys is called or some time is over, and
serves until a key passes again. Statements are the real ones. Flags, and what a failure voids of
earlier pay, are left out: these would only take more.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, stdev

import pytest

from coordinator.checking.checks import Check, Verdict
from coordinator.ledger import address_turns
from coordinator.ledger.rows import Carried
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

HOUR_S, HOURS, LIVES = 3_600, 48, 8
CALLS_PER_HOUR = 4
FIRST_S = 100 * HOUR_S
ALWAYS = (1 << 60) - 1
MICROS = 100_000
TERMS = Terms(60 * MICROS, 1_000, 60)
FOREVER_S = 1e9


@dataclass(frozen=True)
class Resting:
    """How a machine does it."""

    keys: int
    seconds: float
    """At most, if nobody calls before."""
    after_any: bool = True
    """After each key's pass; else after those of the one that was proven first."""


def _calls(keys: int, rng: random.Random) -> list[tuple[float, str]]:
    """When each is called: first one after the other, and then by chance."""
    found = [(700.0 * at + 60, f"n{at}") for at in range(keys)]
    for at in range(keys):
        called_s = 700.0 * keys
        while (called_s := called_s + rng.expovariate(CALLS_PER_HOUR / HOUR_S)) < HOURS * HOUR_S:
            found.append((called_s, f"n{at}"))
    return sorted(found)


def _checks(how: Resting, rng: random.Random) -> tuple[list[Check], float]:
    """What comes of them, and for how many minutes the machine serves."""
    checks, rested_s = list[Check](), 0.0
    since_s = until_s = 0.0
    for called_s, name in _calls(how.keys, rng):
        passed = called_s >= until_s
        rested_s += min(called_s, until_s) - since_s
        since_s = until_s = called_s
        if passed and called_s > 700.0 * how.keys and (how.after_any or name == "n0"):
            until_s = called_s + how.seconds
        checks.append(_check(name, FIRST_S + called_s, passed=passed))
    return checks, HOURS * 60 - rested_s / 60


def _check(name: str, due_s: float, *, passed: bool) -> Check:
    verdict, reason = Verdict.PASS, Reason.PASSED
    if not passed:
        verdict, reason = Verdict.FAIL, Reason.NO_STREAM
    at = ({"address": "203.0.114.7"},)
    return Check(name, "s5", int(due_s) // 60, due_s, verdict, reason, attempts=at)


def _gains(how: Resting) -> Iterator[float]:
    """Of each life: minutes paid, less those served, a minute."""
    for life in range(LIVES):
        checks, served = _checks(how, random.Random(f"{how} {life}"))
        carried: dict[str, Carried] = {}
        paid = 0
        for hour in range(HOURS):
            starts_s = FIRST_S + hour * HOUR_S
            mine = [one for one in checks if starts_s <= one.due_s < starts_s + HOUR_S]
            up = {f"n{at}": Minutes(ALWAYS, ALWAYS) for at in range(how.keys)}
            given = EpochInput(
                "s5", 100 + hour, starts_s, starts_s + HOUR_S, TERMS, up, mine, carried
            )
            statement = settle(given, 10**12)
            carried = dict(statement.carried())
            paid += sum(row.earned_micros for row in statement.rows)
        yield (paid / MICROS - served) / (HOURS * 60)


def _score(how: Resting) -> tuple[float, float]:
    """What it gains of all its time, and one standard error."""
    gains = list(_gains(how))
    return fmean(gains), stdev(gains) / LIVES**0.5


@pytest.mark.parametrize(
    "how",
    [
        Resting(2, 60),
        Resting(2, FOREVER_S),
        Resting(2, 300, after_any=False),
        Resting(4, 60),
    ],
    ids=str,
)
def test_a_machine_that_rests_is_paid_no_more_than_it_serves(how: Resting) -> None:
    """Resting for x check intervals, it gains (1 + x) e^-x - 1 of one: never more than nothing."""
    gain, error = _score(how)
    assert gain <= 2 * error


def _nobody(*_: object) -> list[tuple[address_turns.Earner, float, float]]:
    return []


def test_were_no_neighbour_to_begin_anew_rests_would_be_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What one key fails another would be paid for at once."""
    monkeypatch.setattr(address_turns, "_breaks", _nobody)
    gain, error = _score(Resting(4, 60))
    assert gain > 0.05 + 2 * error
