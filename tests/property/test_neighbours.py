"""Whoever shares a node's address can cost it two intervals, once: not its place.

Two nodes at one public address, over some epochs, settled by the real rules. One is honest and was
verified before. The other claims, passes and fails as it likes, and may have been first.
"""

import hmac
from collections.abc import Mapping, Sequence
from statistics import fmean

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.simulations.adversary.deeds import Deed
from bench.simulations.adversary.policies import Condition, Policy, Rule, Sight
from bench.simulations.adversary.rivals import neighbour_lives
from bench.simulations.adversary.scores import Trial, score
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lottery import Lottery
from coordinator.ledger.kept_words import AWAY_MINUTES_MAX
from coordinator.ledger.rows import Carried
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

EPOCH_S, MINUTES, EPOCHS = 720, 12, 4
ALL = MINUTES * EPOCHS
TERMS = Terms(60_000_000, 7, 60)
VICTIM, RIVAL = "n2", "n3"
Checks = Sequence[tuple[int, bool]]
"""(minute, whether it passed)."""
checks = st.lists(st.tuples(st.integers(0, ALL - 1), st.booleans()), max_size=9)
passes = st.lists(st.integers(0, ALL - 1), min_size=1, max_size=9, unique=True).map(sorted)


def _check(node_id: str, minute: int, *, passed: bool) -> Check:
    at_s = EPOCH_S + 60 * minute + (17 if node_id == VICTIM else 29)
    verdict, reason = Verdict.PASS, Reason.PASSED
    if not passed:
        verdict, reason = Verdict.FAIL, Reason.NO_STREAM
    address = ({"address": "203.0.114.7"},)
    return Check(
        node_id, "s5", at_s // 60, at_s, verdict, reason, attempts=address, voids_from_s=None
    )


def _paid(passed: Sequence[int], rival: Checks, up: int, since_s: float) -> int:
    """The victim's minutes; as bits, the first one lowest."""
    made = [_check(VICTIM, minute, passed=True) for minute in passed]
    made += [_check(RIVAL, minute, passed=good) for minute, good in dict(rival).items()]
    place = "203.0.114.7"
    carried: Mapping[str, Carried] = {VICTIM: Carried(300.0, address=place)}
    if up:
        carried = {**carried, RIVAL: Carried(since_s, address=place)}
    found = 0
    for epoch in range(EPOCHS):
        start_s = EPOCH_S * (epoch + 1)
        claims = (up >> MINUTES * epoch) % (1 << MINUTES)
        minutes = {VICTIM: (1 << MINUTES) - 1, **({RIVAL: claims} if up else {})}
        given_now = EpochInput(
            "s5",
            epoch + 1,
            start_s,
            start_s + EPOCH_S,
            TERMS,
            {name: Minutes((1 << MINUTES) - 1, bits) for name, bits in minutes.items()},
            [check for check in made if start_s <= check.due_s < start_s + EPOCH_S],
            carried,
        )
        statement = settle(given_now, 10**12)
        row = next(row for row in statement.rows if row.node_id == VICTIM)
        found |= row.paid_bits << MINUTES * epoch
        carried = statement.carried()
    return found


@given(passes, checks, st.integers(1, (1 << ALL) - 1), st.sampled_from([100.0, 200.0, 400.0]))
@example([3, 20, 40], [(5, False), (8, True), (9, False)], (1 << ALL) - 1, 400.0)
def test_once_a_neighbour_has_failed_it_takes_nothing_any_more(
    passed: Sequence[int], rival: Checks, up: int, since_s: float
) -> None:
    """From the victim's next passed check on, whatever the neighbour was before."""
    failures = [minute for minute, good in dict(rival).items() if not good]
    first = min(failures, default=ALL)
    begins = min((minute for minute in passed if minute > first), default=ALL)
    kept = -1 << begins + 1
    beside, alone = _paid(passed, rival, up, since_s), _paid(passed, (), 0, since_s)
    assert beside & kept == alone & kept


@given(passes, checks, st.integers(1, (1 << ALL) - 1))
def test_who_was_verified_later_takes_nothing_at_all(
    passed: Sequence[int], rival: Checks, up: int
) -> None:
    """Whoever keeps its word keeps its place."""
    later_s = EPOCH_S + 60.0
    assert _paid(passed, rival, up, later_s) == _paid(passed, (), 0, later_s)


def _first_away(up: int, after: int) -> int:
    """The minute in which the rival is away once too often in an epoch; ALL: in none."""
    for epoch in range(EPOCHS):
        minutes = range(max(after, MINUTES * epoch), MINUTES * (epoch + 1))
        away = [minute for minute in minutes if not up >> minute & 1]
        if len(away) > AWAY_MINUTES_MAX:
            return away[AWAY_MINUTES_MAX]
    return ALL


@given(passes, st.integers(0, ALL - 1))
@example([14, 20, 40], 22)
def test_who_fails_keeps_nobody_from_what_he_had_passed_for(
    passed: Sequence[int], fails: int
) -> None:
    """As far as the epoch goes: earlier statements have been made."""
    starts = fails // MINUTES * MINUTES
    until = max((minute for minute in passed if minute < fails), default=-1)
    kept = ((1 << until + 1) - 1) & -1 << starts
    beside = _paid(passed, [(fails, False)], (1 << ALL) - 1, 400.0)
    assert beside & kept == _paid(passed, (), 0, 200.0) & kept


claimed = st.integers(1, (1 << ALL) - 1)


@given(passes, claimed)
@example([3, 20, 40], ((1 << ALL) - 1) ^ 0b111111 << 24)
def test_who_was_away_takes_nothing_until_a_check_of_it_passes(
    passed: Sequence[int], up: int
) -> None:
    """However long it had served before, and whatever it says when it is back."""
    kept = -1 << _first_away(up, 0)
    beside, alone = _paid(passed, (), up, 400.0), _paid(passed, (), 0, 400.0)
    assert beside & kept == alone & kept


@given(passes, claimed, st.integers(0, ALL - 1))
def test_and_when_one_has_passed_its_turn_comes_after_its_neighbours(
    passed: Sequence[int], up: int, at: int
) -> None:
    lost = _first_away(up, 0)
    kept = -1 << lost
    back = [(at, True)] if at > lost else []
    beside, alone = _paid(passed, back, up, 400.0), _paid(passed, (), 0, 400.0)
    assert beside & kept == alone & kept


@given(passes, st.lists(st.integers(0, MINUTES - 1), max_size=AWAY_MINUTES_MAX))
def test_who_is_back_soon_has_its_turn_in_all_minutes_in_which_it_is_there(
    passed: Sequence[int], away: Sequence[int]
) -> None:
    """In every epoch. Its neighbour is paid for the others."""
    up = (1 << ALL) - 1
    for minute in away:
        for epoch in range(EPOCHS):
            up &= ~(1 << minute + MINUTES * epoch)
    assert _paid(passed, (), up, 400.0) == _paid(passed, (), 0, 400.0) & ~up


TRIAL = Trial(3, 24, 900_001)
TWINS = Policy((), Deed.TWINS_ONLY, keys=2)
SERVES_FIRST = Rule((Condition(Sight.STAY, 120),), Deed.SERVE)
CUTTERS = Policy((SERVES_FIRST,), Deed.CUT_16, keys=4)


def _aged(deed: Deed, minutes: int) -> Rule:
    """What a key does until it is so old."""
    return Rule((Condition(Sight.KEY_AGE, minutes),), deed)


AWAY = Policy((_aged(Deed.SERVE, 12), _aged(Deed.LEAVE, 72)), Deed.CLAIM)
REFUSING = Policy((_aged(Deed.SERVE, 8),), Deed.REFUSE_40, keys=2)
PROVEN_LATE = Policy(
    (_aged(Deed.LEAVE, 105), Rule((Condition(Sight.PASSES, 1),), Deed.SERVE)), Deed.CLAIM
)


@pytest.mark.parametrize(
    ("rests", "deed"),
    [
        (Condition(Sight.SINCE_CHECK, 6), Deed.CLAIM),
        (Condition(Sight.CYCLE, 10), Deed.CLAIM),
        (Condition(Sight.SINCE_CHECK, 6), Deed.HANG_AND_LEAVE),
    ],
)
def test_many_keys_on_one_machine_are_no_way_to_rest(rests: Condition, deed: Deed) -> None:
    """Each key's own checks say when it rests. A goodbye in each of them saves nothing, though it
    voids an hour, and not five."""
    policy = Policy((Rule((rests,), deed),), Deed.SERVE, keys=4, period=30)
    assert score(policy, TRIAL).gain < 0


def _by_address(lottery: Lottery, node_id: str, *drawn: str | int) -> bytes:
    """Nodes behind one address drawn alike; of a simulated machine that is all of its keys."""
    machine = node_id.rpartition("-")[0]
    return hmac.digest(lottery.day_secret, "|".join(map(str, (machine, *drawn))).encode(), "sha256")


def test_were_neighbours_checked_in_the_same_second_two_keys_would_know_every_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No viewer plays both. Whoever has two keys would serve checks, and nobody else."""
    assert score(TWINS, TRIAL).gain <= 0
    monkeypatch.setattr(Lottery, "_bytes", _by_address)
    assert score(TWINS, TRIAL).gain > 0.5


def test_who_cuts_viewers_early_takes_no_neighbours_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the old rule it would: a very long check came once in twenty."""
    assert _harm(CUTTERS) <= 0.1
    monkeypatch.setattr("prober.draws.watched", lambda *_: frozenset())
    assert _harm(CUTTERS) > 0.5


def _nothing(*_: object) -> None:
    """A degraded check cost no turn."""


OLD_RULES = {
    "who was away kept its turn": (AWAY, "kept_words.AWAY_MINUTES_MAX", 10**6),
    "so did who refused first connections": (REFUSING, "kept_words.KeptWord.faltered", _nothing),
    "who was proven last in an hour came first": (PROVEN_LATE, "address_turns.NEWCOMER_S", 3600),
}


@pytest.mark.parametrize(("policy", "rule", "old"), OLD_RULES.values(), ids=OLD_RULES)
def test_little_service_takes_little_from_a_neighbour(
    policy: Policy, rule: str, old: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the old rule each of these costs it more than a minute for each that it serves."""
    assert _harm(policy) <= 0.1
    monkeypatch.setattr(f"coordinator.ledger.{rule}", old)
    assert _harm(policy) > 0.5


def _harm(policy: Policy) -> float:
    """Honest minutes lost for each that the rival serves, behind a victim's own address."""
    lives = neighbour_lives([policy] * 5, 900_001)
    return fmean(harm for life in lives for harm, _ in life)
