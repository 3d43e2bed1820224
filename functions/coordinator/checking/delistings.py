"""First failures: a node that failed a direct check leaves every list at once, until one passes.

A viewer who is sent to a dead node is lost; a node that is off the lists for a minute loses
nothing, since pay does not ask. So one check that failed with its retest is enough here, where
suspicion wants more. What fails for many nodes at once is our fault more often than theirs: then
lists stay until a second run confirms it. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.suspicion import NOBODY, Trust, TrustState

MANY_PERCENT = 10
"""More of a run's listed nodes than this, or of one stream's, are many."""
MANY_MIN = 2
"""One alone is never many, however few are checked."""
RETESTED_AFTER = range(2, 4)
"""So many draws after its failure a node is retested: in the first two whose runs can know of it,
as the next run begins while this one is being recorded."""
COUNTED_DRAWS = 3
"""What a draw found may be recorded in parts: so long they are counted together."""


@dataclass(frozen=True, slots=True)
class FailCount:
    """What a draw's checks of one stream's listed nodes have come to."""

    draw: int
    stream_id: str
    checked: int
    failed: int


def is_listed(state: TrustState) -> bool:
    """Whether checks let viewers be sent to the node."""
    return state.trust is Trust.PROVEN and state.delisted_s is None


def is_retested(state: TrustState, draw: int, check_seconds: int) -> bool:
    """Whether the node's first failure has it checked in this draw."""
    failed_s = first_failure_s(state)
    if failed_s is None or state.trust is not Trust.PROVEN:
        return False
    return draw - int(failed_s // check_seconds) in RETESTED_AFTER


def first_failure_s(state: TrustState) -> float | None:
    """When the check was due whose failure has not been made good by a pass."""
    return state.doubted_s if state.delisted_s is None else state.delisted_s


def is_excused(state: TrustState, check: Check) -> bool:
    """Whether it is the retest of a failure that many had at once: it moves lists, not scores.

    A fault of ours that lasts five minutes would else flag everybody it met."""
    return check.caused_by_s is not None and check.caused_by_s == state.doubted_s


def listed_after(state: TrustState, check: Check, *, with_many: bool) -> TrustState:
    """The state with what a check means for lists; `with_many`: many failed at the same time."""
    if check.verdict is Verdict.PASS:
        return replace(state, delisted_s=None, doubted_s=None)
    if check.verdict is not Verdict.FAIL or check.has_left or not is_listed(state):
        return state  # a degraded check takes nobody off a list, and brings nobody back
    if with_many and state.doubted_s is None:
        return replace(state, doubted_s=check.due_s)
    failed_s = check.due_s if state.doubted_s is None else state.doubted_s
    return replace(state, delisted_s=failed_s)


def fails_counted(
    before: Iterable[FailCount], checks: Iterable[Check], states: Mapping[str, TrustState]
) -> tuple[FailCount, ...]:
    """The last draws' fail_counts with more checks; `states` are those before them."""
    found = {(count.draw, count.stream_id): count for count in before}
    for check in checks:
        is_told = check.verdict.counts and not check.has_left
        if is_told and is_listed(states.get(check.node_id, NOBODY)):
            key = check.draw, check.stream_id
            known = found.get(key, FailCount(*key, 0, 0))
            failed = known.failed + (check.verdict is Verdict.FAIL)
            found[key] = replace(known, checked=known.checked + 1, failed=failed)
    newest = max((draw for draw, _ in found), default=0)
    return tuple(found[key] for key in sorted(found) if key[0] > newest - COUNTED_DRAWS)


def failed_by_many(fail_counts: Iterable[FailCount]) -> frozenset[tuple[int, str]]:
    """(draw, stream) of failures that so many had that they may be our own fault."""
    draws: dict[int, list[FailCount]] = {}
    for count in fail_counts:
        draws.setdefault(count.draw, []).append(count)
    return frozenset(
        (count.draw, count.stream_id)
        for of_draw in draws.values()
        for count in of_draw
        if are_many(of_draw) or are_many([count])
    )


def are_many(fail_counts: Iterable[FailCount]) -> bool:
    """Whether together they failed more often than nodes do by themselves."""
    counts = [(count.checked, count.failed) for count in fail_counts]
    checked, failed = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return failed >= MANY_MIN and failed * 100 > checked * MANY_PERCENT
