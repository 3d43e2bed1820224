"""From checks to trust: quick with frauds, patient with the unlucky."""

import random
from dataclasses import replace

from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import DOCUMENT_BYTES_MAX, Ref
from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.suspicion import NOBODY, Trust, TrustState, observe
from coordinator.checking.trust_book import NODES_KEPT_MAX, TRUST_BOOKS, TrustBook
from coordinator.keys import node_id_of
from coordinator.reasons import Reason
from tests.builders import a_check

REASONS = {
    "p": (Verdict.PASS, Reason.PASSED),
    "d": (Verdict.DEGRADED, Reason.DEGRADED),
    "f": (Verdict.FAIL, Reason.NO_STREAM),
    "w": (Verdict.FAIL, Reason.REPLAYED),
    "u": (Verdict.UNKNOWN, Reason.UNKNOWN_INGEST_DOWN),
}


def _check(kind: str, at: int = 0) -> Check:
    return a_check(60.0 * at, *REASONS[kind])


def _after(kinds: str) -> tuple[TrustState, list[TrustChange | None]]:
    state, events = NOBODY, []
    for at, kind in enumerate(kinds):
        state, event = observe(
            state,
            _check(kind, at),
        )
        events.append(event)
    return state, events


def test_the_first_pass_proves_a_node() -> None:
    """Until then it is unproven, whatever else happens."""
    assert _after("u")[0].trust is Trust.UNPROVEN
    assert _after("f")[0].trust is Trust.UNPROVEN
    assert _after("fp")[0].trust is Trust.PROVEN


def test_a_node_that_serves_nothing_is_flagged_within_three_checks() -> None:
    """Storj needs 41."""
    state, events = _after("fff")
    assert state.trust is Trust.FLAGGED
    assert events == [None, None, TrustChange.FLAGGED]


def test_content_proven_wrong_twice_flags_at_once() -> None:
    """An honest relay cannot do that."""
    assert _after("pppppwppw")[1][-1] is TrustChange.FLAGGED


def test_one_failure_now_and_then_is_forgiven() -> None:
    """Passes wear suspicion down."""
    state, events = _after(("f" + "p" * 20) * 30)
    assert state.trust is Trust.PROVEN
    assert not any(events)


def test_three_per_cent_of_degraded_checks_flag_nobody() -> None:
    """Viewers feel them, so they weigh, but little."""
    assert not any(_after(("d" + "p" * 32) * 50)[1])


def test_wrong_content_and_failing_retests_make_a_fraud() -> None:
    """Three of them, and it is over."""
    for kinds in ("ww" + "fff", "fwf" + "fwf", "fff" + "wfw"):
        state, events = _after(kinds + "ppp")
        assert state.trust is Trust.FRAUD
        assert events[len(kinds) - 1] is TrustChange.CONFIRMED
        assert not any(events[len(kinds) :])


def test_absence_is_no_fraud_however_long_it_lasts() -> None:
    """A cut line, or a rival's flood: three failed retests suspend, and more change nothing."""
    state, events = _after("fff" + "fff" + "f" * 50)
    assert state.trust is Trust.SUSPENDED
    assert (events[2], events[5]) == (TrustChange.FLAGGED, TrustChange.SUSPENDED)
    assert not any(events[6:])


def test_a_suspended_node_that_serves_again_is_cleared_by_six_more_passes() -> None:
    """The pass has it retested in every draw; its id and what it earned stay its own."""
    state, events = _after("ffffff" + "ff" + "p" + "pppppp")
    assert (events[8], events[-1]) == (TrustChange.FLAGGED, TrustChange.CLEARED)
    assert (state.trust, state.flagged_s) == (Trust.PROVEN, None)
    assert not any(events[9:-1])


def test_one_that_serves_only_now_and_then_is_suspended_again() -> None:
    """A lucky pass pays nothing: its minutes are parked, and void with the next suspension."""
    state, events = _after("ffffff" + "p" + "fff")
    assert state.trust is Trust.SUSPENDED
    assert events[6:] == [TrustChange.FLAGGED, None, None, TrustChange.SUSPENDED]


def test_a_suspended_node_that_serves_something_else_is_a_fraud() -> None:
    """Content proven wrong is proof at any time."""
    state, events = _after("ffffff" + "wfw")
    assert state.trust is Trust.FRAUD
    assert events[-1] is TrustChange.CONFIRMED


def test_a_cleared_node_is_not_reminded_of_content() -> None:
    """One wrong packet long ago does not add up with one of today."""
    state, events = _after("w" + "fff" + "pppppp" + "w")
    assert TrustChange.CLEARED in events
    assert state.trust is Trust.PROVEN


def test_a_flag_is_cleared_by_passing_retests() -> None:
    """Six of them; the score starts anew."""
    state, events = _after("fff" + "ppfppfpp")
    assert events[-1] is TrustChange.CLEARED
    assert (state.trust, state.score, state.flagged_s) == (Trust.PROVEN, 0, None)


def test_retests_decide_within_eight() -> None:
    """Whatever order they come in: a person is never needed."""
    undecided = [_after("fff")[0]]
    for at in range(8):
        observed = [observe(state, _check(kind, 3 + at)) for state in undecided for kind in "pfd"]
        undecided = [state for state, event in observed if event is None]
        assert (undecided == []) is (at == 7)


def test_who_refuses_first_and_serves_the_retest_is_suspended() -> None:
    """Eight in a row are enough by their score, and a degraded retest clears nothing."""
    state, events = _after("d" * 8 + "ddd")
    assert (events[7], events[-1]) == (TrustChange.FLAGGED, TrustChange.SUSPENDED)
    assert state.trust is Trust.SUSPENDED
    assert not any(_after("d" * 7)[1])


def test_degraded_checks_are_counted_over_the_last_forty_alone() -> None:
    """The ninth within forty checks flags; one check later the first of them is forgotten."""
    assert _after("dp" * 8 + "p" * 23 + "d")[1][-1] is TrustChange.FLAGGED
    assert not any(_after("dp" * 8 + "p" * 24 + "d")[1])


def test_only_clean_passes_clear_a_flag() -> None:
    """Six of them; two degraded retests between them do not help, and a third suspends."""
    _, events = _after("fff" + "ppdppdpp")
    assert [event for event in events[3:] if event] == [TrustChange.CLEARED]
    assert events[-1] is TrustChange.CLEARED
    assert _after("fff" + "pppppddd")[1][-1] is TrustChange.SUSPENDED


def test_a_suspended_node_needs_a_clean_pass_to_be_tested_anew() -> None:
    """A degraded one changes nothing."""
    assert not any(_after("ffffff" + "dddd")[1][6:])


def test_retests_count_degraded_checks_from_zero_once_they_cleared() -> None:
    """What flagged a node once does not flag it again."""
    state, events = _after("dp" * 8 + "d" + "pppppp" + "p" * 5 + "d")
    assert events.count(TrustChange.FLAGGED) == 1
    assert state.trust is Trust.PROVEN


def test_our_own_fault_changes_nothing() -> None:
    """Except its own count."""
    with_unknown, _ = _after("fufupuu")
    without, _ = _after("ffp")
    assert with_unknown.unknown == 4
    assert (with_unknown.score, with_unknown.failed) == (without.score, without.failed)


def test_a_book_survives_its_document() -> None:
    """And marks the checks that caused something."""
    book, checks = TrustBook().observing([_check("f", at) for at in range(3)])
    assert [check.event for check in checks] == [None, None, TrustChange.FLAGGED]
    assert TRUST_BOOKS.decode(TRUST_BOOKS.encode(book)) == book
    assert TrustBook().of("n9") == NOBODY


def test_a_run_s_checks_count_in_the_order_of_their_times() -> None:
    """They end in any order: the last check of a node is the one that was due last."""
    checks = [_check(kind, at) for at, kind in enumerate("pfp")]
    in_order = TrustBook().observing(checks)
    assert TrustBook().observing(checks[::-1]) == in_order
    assert in_order[0].of(checks[0].node_id).last_reason == checks[-1].reason


def test_the_book_of_everybody_who_ever_came_still_fits_into_a_document() -> None:
    """Keys cost nothing: who was not checked for longest is forgotten, and begins anew."""
    ids = [node_id_of(at.to_bytes(32)) for at in range(NODES_KEPT_MAX + 5)]
    rows = random.Random(7)
    states = {
        node_id: TrustState(
            rows.choice(list(Trust)),
            score=rows.randrange(3_000),
            passed=rows.randrange(3_000),
            failed=rows.randrange(3_000),
            degraded=rows.randrange(3_000),
            unknown=rows.randrange(3_000),
            last_check_s=1.795e9 + at + rows.randrange(1_000) / 1_000,
            last_pass_s=1.795e9 + rows.randrange(10**9) / 1_000,
            last_reason=rows.choice(["passed", "no_stream", "too_slow"]),
            lately_degraded=sum((rows.random() < 0.03) << bit for bit in range(40)),
            passed_short_s=1_795_000_000 + at + rows.randrange(900),
            passed_long_s=1_795_000_000 + at - rows.randrange(3_600),
            passed_very_long_s=1_795_000_000 + at - rows.randrange(18_000),
            new_until_s=rows.choices([0, 1_795_000_000 + at], [9, 1])[0],
            stake_slot=(1_795_000_000 + at + rows.randrange(900)) // 400,
            stake_bits=sum((rows.random() < 0.36) << bit for bit in range(45)),
            place=rows.getrandbits(32),
        )
        for at, node_id in enumerate(ids[:-1])
    }
    check = Check(ids[-1], "s3", 1, 1.7e9, Verdict.PASS, Reason.PASSED)
    unknown = replace(check, node_id="n-never", verdict=Verdict.UNKNOWN)
    book, _ = TrustBook(states).observing([check, unknown])
    assert len(book.states) == NODES_KEPT_MAX
    assert not book.states.keys() & {ids[-1], "n-never", *ids[:4]}
    assert (
        check_document(Ref("suspicions", "0"), TRUST_BOOKS.encode(book)) < 0.9 * DOCUMENT_BYTES_MAX
    )
