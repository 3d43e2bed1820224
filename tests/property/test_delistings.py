"""Laws of lists, over all sequences of checks that Hypothesis can think of."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.delistings import (
    COUNTED_DRAWS,
    MANY_PERCENT,
    RETESTED_AFTER,
    first_failure_s,
    is_listed,
    is_retested,
)
from coordinator.checking.suspicion import Trust, TrustState
from coordinator.checking.trust_book import TrustBook
from coordinator.reasons import Reason

NODES = [f"n{number}" for number in range(12)]
REASONS = {
    Verdict.PASS: Reason.PASSED,
    Verdict.DEGRADED: Reason.DEGRADED,
    Verdict.FAIL: Reason.NO_STREAM,
    Verdict.UNKNOWN: Reason.UNKNOWN_CAPACITY,
}
PROVEN = TrustState(Trust.PROVEN, passed=3, last_check_s=1.0, last_pass_s=1.0)
BOOK = TrustBook(dict.fromkeys(NODES, PROVEN))
verdicts = st.sampled_from(list(Verdict))
draws = st.dictionaries(st.sampled_from(NODES), verdicts, max_size=len(NODES))


def a_check(node_id: str, draw: int, verdict: Verdict) -> Check:
    """Of one of two streams, at its draw's beginning."""
    stream_id = "even" if int(node_id[1:]) % 2 == 0 else "odd"
    return Check(node_id, stream_id, draw, draw * 60.0, verdict, REASONS[verdict])


@given(st.lists(draws, max_size=12))
def test_lists_follow_the_last_check_that_decides(runs: list[dict[str, Verdict]]) -> None:
    """Only a failure takes a node off, only a clean pass brings it back."""
    book = BOOK
    for draw, run in enumerate(runs, start=1):
        before = book
        book, _ = book.observing([a_check(name, draw, verdict) for name, verdict in run.items()])
        for name in NODES:
            state, was_listed = book.of(name), is_listed(before.of(name))
            verdict = run.get(name)
            if verdict is Verdict.PASS:
                assert (state.delisted_s, state.doubted_s) == (None, None)
            elif verdict is not Verdict.FAIL:
                flagged = state.trust is not before.of(name).trust
                assert is_listed(state) == was_listed or flagged
            elif was_listed:
                assert first_failure_s(state) is not None or not is_listed(state)


@given(draws.filter(lambda run: Verdict.FAIL in run.values()))
def test_who_fails_alone_is_off_and_who_fails_with_many_waits(run: dict[str, Verdict]) -> None:
    """Many: two at least, and more than a tenth of the run or of a stream."""
    book, _ = BOOK.observing([a_check(name, 1, verdict) for name, verdict in run.items()])
    counted = {name: verdict for name, verdict in run.items() if verdict.counts}

    def are_many(names: list[str]) -> bool:
        failed = [name for name in names if counted[name] is Verdict.FAIL]
        return len(failed) > 1 and len(failed) * 100 > len(names) * MANY_PERCENT

    for name, verdict in counted.items():
        stream = [other for other in counted if (int(other[1:]) - int(name[1:])) % 2 == 0]
        waits = are_many(list(counted)) or are_many(stream)
        assert is_listed(book.of(name)) == (verdict is not Verdict.FAIL or waits)


@given(draws, st.randoms(use_true_random=False))
def test_the_parts_in_which_a_draw_is_recorded_do_not_hide_that_many_failed(
    run: dict[str, Verdict], chance: Random
) -> None:
    """What was recorded before is counted with what follows; the last of them know the whole."""
    checks = [a_check(name, 1, verdict) for name, verdict in run.items()]
    chance.shuffle(checks)
    whole, _ = BOOK.observing(checks)
    parts = BOOK
    for check in checks:
        parts, _ = parts.observing([check])
    assert parts.fail_counts == whole.fail_counts


@given(st.lists(draws, min_size=1, max_size=8))
def test_counts_stay_few(runs: list[dict[str, Verdict]]) -> None:
    """Of the last draws only."""
    book = BOOK
    for draw, run in enumerate(runs, start=1):
        book, _ = book.observing([a_check(name, draw, verdict) for name, verdict in run.items()])
    newest = max((count.draw for count in book.fail_counts), default=0)
    assert all(count.draw > newest - COUNTED_DRAWS for count in book.fail_counts)


@given(st.integers(1, 10_000), st.sampled_from([1, 7, 30, 60, 3600]), st.floats(0, 0.999))
def test_a_first_failure_is_retested_in_two_draws(draw: int, length_s: int, at: float) -> None:
    """Whenever in its draw it was due."""
    due_s = (draw + at) * length_s
    state = replace(PROVEN, delisted_s=due_s)
    drawn = int(due_s // length_s)
    found = [d for d in range(drawn - 5, drawn + 10) if is_retested(state, d, length_s)]
    assert found == [drawn + after for after in RETESTED_AFTER]
