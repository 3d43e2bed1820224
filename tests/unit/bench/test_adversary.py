"""The simulated adversary: what it may do is served, checked, paid and told as it should be."""

import pytest

from bench.simulations.adversary.bank import Bank, stream_of
from bench.simulations.adversary.chance import START
from bench.simulations.adversary.connections import Checking
from bench.simulations.adversary.deeds import SERVINGS, STAY_S, Deed, Serving
from bench.simulations.adversary.known_strategies import CATALOGUE, HONEST
from bench.simulations.adversary.machines import SIGHTS, Key, SimulatedMachine
from bench.simulations.adversary.policies import Condition, Policy, Rule, Sight, Standing
from bench.simulations.adversary.scores import Score, Trial, lives_of, score, score_of
from bench.simulations.adversary.simulated_network import Network
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.departures import voided_length
from coordinator.checking.lengths import Length
from coordinator.checking.suspicion import Trust
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Slot
from prober.draws import Due

DUE_S = 7_200.0
NODE = Slot("n3", "s5", "http://51.0.0.1/", "51.0.0.1", 1935, 0, 0.0)


def _checked(deed: Deed, length: Length = Length.SHORT, *, then: Deed | None = None) -> Check:
    """A check of a node that does so in its first minute, and otherwise afterwards.

    Its name and draw are ones whose connections do not fail by chance."""
    key = Key("m", "n3", "51.0.0.1", 0, "s5", 0)
    key.comes(0)
    checking = Checking(Due(NODE, DUE_S, length, retest_after_s=31.0), 7, key)
    for minute in range(121, 131):
        now = deed if minute == 121 or then is None else then
        if now is Deed.LEAVE and key.since is not None:
            key.goes(minute - 1 - START)
        key.does(now)
        checking.goes_on_until(minute * 60.0)
        if checking.check is not None:
            return checking.check
    raise AssertionError("the check never ended")


@pytest.mark.parametrize(
    ("deed", "length", "reason"),
    [
        (Deed.SERVE, Length.SHORT, Reason.PASSED),
        (Deed.SERVE, Length.VERY_LONG, Reason.PASSED),
        (Deed.CLAIM, Length.SHORT, Reason.NO_STREAM),
        (Deed.LEAVE, Length.SHORT, Reason.LEFT),
        (Deed.LEAVE, Length.VERY_LONG, Reason.LEFT),
        (Deed.CUT_16, Length.SHORT, Reason.PASSED),
        (Deed.CUT_16, Length.LONG, Reason.PASSED),
        (Deed.CUT_16, Length.VERY_LONG, Reason.STALLED),
        (Deed.CUT_60, Length.VERY_LONG, Reason.STALLED),
        (Deed.CUT_125, Length.VERY_LONG, Reason.PASSED),
        (Deed.SLOW_60, Length.LONG, Reason.PASSED),
        (Deed.SLOW_60, Length.VERY_LONG, Reason.TOO_SLOW),
        (Deed.RECORDED, Length.SHORT, Reason.REPLAYED),
        (Deed.HALF_OF_PACKETS, Length.SHORT, Reason.TOO_SLOW),
        (Deed.REFUSE_20, Length.SHORT, Reason.NO_STREAM),
        (Deed.REFUSE_90, Length.SHORT, Reason.DEGRADED),
        (Deed.KNOWN_ONLY, Length.VERY_LONG, Reason.PASSED),
    ],
)
def test_a_check_sees_what_lies_within_its_length(
    deed: Deed, length: Length, reason: Reason
) -> None:
    assert _checked(deed, length).reason is reason


def test_a_retest_meets_what_the_node_does_by_then() -> None:
    late = _checked(Deed.CLAIM, then=Deed.SERVE)
    assert late.verdict is Verdict.FAIL  # it comes after 31 s, in the same minute
    broken = _checked(Deed.SERVE, Length.VERY_LONG, then=Deed.CLAIM)
    assert broken.reason is Reason.NO_STREAM  # its retest found nobody either
    cut = _checked(Deed.CUT_60, Length.VERY_LONG, then=Deed.SERVE)
    assert (cut.verdict, cut.reason) == (Verdict.DEGRADED, Reason.CUT)


def test_a_goodbye_in_a_check_voids_by_what_its_connection_showed() -> None:
    """By the drawn length once it was open, else as a short one does; a claim is no goodbye."""
    within = _checked(Deed.SERVE, Length.VERY_LONG, then=Deed.LEAVE)
    assert (within.reason, voided_length(within)) == (Reason.LEFT, Length.VERY_LONG)
    before = _checked(Deed.LEAVE, Length.VERY_LONG)
    assert (before.reason, voided_length(before)) == (Reason.LEFT, Length.SHORT)
    assert len(before.attempts) == 1
    assert _checked(Deed.CLAIM, Length.VERY_LONG, then=Deed.LEAVE).reason is Reason.NO_STREAM


@pytest.mark.parametrize(
    ("moved_at", "reason"), [(120, Reason.LEFT), (122, Reason.NO_STREAM), (None, Reason.PASSED)]
)
def test_who_moved_serves_no_check_of_its_old_stream_and_has_left_it(
    moved_at: int | None, reason: Reason
) -> None:
    key = Key("m", "n3", "51.0.0.1", 0, "s5" if moved_at is None else "s7", 0)
    key.comes((moved_at or 0) - START)
    key.does(Deed.SERVE)
    checking = Checking(Due(NODE, DUE_S), 7, key)
    checking.goes_on_until(DUE_S + 60)
    assert checking.check is not None
    assert checking.check.reason is reason


@pytest.mark.parametrize(
    ("deed", "share"),
    [
        (Deed.SERVE, 1.0),
        (Deed.CUT_16, 16 / STAY_S),
        (Deed.CUT_125, 125 / STAY_S),
        (Deed.CUT_SOME, 0.9 + 0.1 * 60 / STAY_S),
        (Deed.SLOW_60, (60 + 0.9 * 540) / STAY_S),
        (Deed.SERVE_BREAKING, 1.0),
        (Deed.NINE_OF_TEN, 0.9),
        (Deed.HALF_OF_PACKETS, 0.5),
        (Deed.REFUSE_20, 0.0),
        (Deed.KNOWN_ONLY, 0.0),
        (Deed.RECORDED, 0.0),
    ],
)
def test_a_minute_counts_by_what_a_fresh_viewer_gets_of_it(deed: Deed, share: float) -> None:
    assert SERVINGS[deed].to_viewers == pytest.approx(share)


def test_a_key_counts_which_of_its_last_checks_were_degraded() -> None:
    """By what decides: a check of which nothing is known is none, and 40 are remembered."""
    key, machine = Key("m", "n3", "51.0.0.1", 0, "s5", 0), SimulatedMachine("m", 0, HONEST, ("s5",))
    verdicts = [Verdict.DEGRADED, Verdict.UNKNOWN, Verdict.DEGRADED, *[Verdict.PASS] * 38]
    seen = []
    for verdict in [*verdicts, Verdict.PASS, Verdict.FAIL]:
        key.learns(Check("n3", "s5", 7, DUE_S, verdict, Reason.OK), 7, Trust.PROVEN)
        seen.append(SIGHTS[Sight.DEGRADED](key, 7, machine))
    assert (seen[:3], seen[-4:]) == ([1, 1, 2], [2, 2, 1, 0])


@pytest.mark.parametrize(("breaks_a_day", "share"), [(1.0, 120 / 86_400), (4.0, 480 / 86_400)])
def test_a_line_that_breaks_ends_so_many_of_its_connections(
    breaks_a_day: float, share: float
) -> None:
    """At any of their seconds; viewers of a line that does not break are cut by nobody."""
    line, rolls = Serving(breaks_a_day=breaks_a_day), [n / 10_000 for n in range(10_000)]
    ends_s = [line.met(120, roll).cuts_after_s for roll in rolls]
    cut_s = [each for each in ends_s if each < 120]
    assert len(cut_s) / 10_000 == pytest.approx(share, abs=2e-4)
    assert sum(cut_s) / len(cut_s) == pytest.approx(60, abs=10)
    assert {Serving().met(120, roll).cuts_after_s for roll in rolls} == {STAY_S}


def test_some_viewers_are_cut_and_others_are_not() -> None:
    some = SERVINGS[Deed.CUT_SOME]
    assert (some.met(120, 0.09).cuts_after_s, some.met(120, 0.11).cuts_after_s) == (60, STAY_S)


def test_the_first_rule_whose_conditions_hold_decides() -> None:
    policy = Policy(
        (
            Rule((Condition(Sight.STAY, 3), Condition(Sight.PASSES, 1, below=False)), Deed.LEAVE),
            Rule((Condition(Sight.STAY, 7),), Deed.SERVE),
        ),
        Deed.CLAIM,
    )
    seen = {Sight.STAY: 2, Sight.PASSES: 0}
    assert policy.deed(seen.__getitem__) is Deed.SERVE
    seen[Sight.PASSES] = 1
    assert policy.deed(seen.__getitem__) is Deed.LEAVE
    seen[Sight.STAY] = 7
    assert policy.deed(seen.__getitem__) is Deed.CLAIM
    assert str(policy) == (
        "is away while minutes since it came last < 3 and checks passed since it came last >= 1; "
        "else serves while minutes since it came last < 7; "
        "else claims to be up and serves nothing"
    )


def test_honest_service_is_paid_but_for_its_first_and_last_minutes() -> None:
    found = score(HONEST, Trial(4, 12, 3))
    assert found.served == 1.0
    assert -0.06 < found.gain < 0


def test_who_serves_nothing_is_paid_nothing() -> None:
    claims, mute = lives_of([Policy((), Deed.CLAIM), Policy((), Deed.DOWN)], Trial(3, 4, 5))
    assert {*claims, *mute} == {(0.0, 0.0)}


def test_machines_of_other_policies_are_as_good_as_not_there() -> None:
    """Else what one policy is worth would depend on whom it was measured beside."""
    alone = lives_of([HONEST], Trial(2, 6, 7))
    beside = lives_of([HONEST, Policy((), Deed.RECORDED), Policy((), Deed.CLAIM)], Trial(2, 6, 7))
    assert beside[0] == alone[0]


def test_keys_behind_one_address_serve_its_viewers_once_and_are_paid_once() -> None:
    crowd = Policy((), Deed.SERVE, keys=3, standing=Standing.ONE_ADDRESS)
    found = score(crowd, Trial(2, 6, 11))
    assert found.served == 1.0
    assert 0.8 < found.paid <= 1.0


def test_one_address_brings_no_more_new_keys_than_the_api_takes_in() -> None:
    machine = SimulatedMachine("m", 1, Policy((), Deed.NEW_KEY), ("s5",))
    Network([machine], Bank(START, [stream_of("s5")]), 17).runs(180)
    assert len(machine.all_keys) == 16 + 179 // 10


def test_every_strategy_of_the_catalogue_runs_and_tells_itself() -> None:
    lives = lives_of(CATALOGUE, Trial(1, 2, 13))
    assert len(lives) == len({str(policy) for policy in CATALOGUE}) == len(CATALOGUE)


def test_a_score_has_the_error_of_its_mean() -> None:
    found = score_of([(0.5, 0.25), (0.75, 0.25), (0.25, 0.25)], 24)
    assert round(found.error, 4) == 0.1443
    assert found == Score(0.25, found.error, 0.5, 0.25, 3.0)
