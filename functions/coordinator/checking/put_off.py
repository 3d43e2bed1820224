"""Which checks a run has put off and nobody has put on record yet: part of the trust book. Pure.

A later record of the same epoch takes them along, or else one of their own does. The book changes
with every record, so a check that stands here is taken once, whoever comes with it, and when.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from coordinator.checking.checks import Check, Run
from coordinator.checking.lottery import day_of
from coordinator.epochs import Calendar

PUT_OFF_DRAWS_MAX = 64
"""So many draws are remembered: what an hour's outage left unfinished is finished after it."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """Of one draw."""

    draw: int
    node_ids: tuple[str, ...]
    """Whose checks of the draw are not on record."""


def awaited(run: Run, known: Iterable[PutOff]) -> Run:
    """The run without checks of other records that are on record already."""
    open_ = {(each.draw, node_id) for each in known for node_id in each.node_ids}
    checks = tuple(c for c in run.checks if run.is_first_of(c) or (c.draw, c.node_id) in open_)
    return run if len(checks) == len(run.checks) else replace(run, checks=checks)


def put_off_after(known: Iterable[PutOff], run: Run) -> tuple[PutOff, ...]:
    """What is left to be recorded after the run."""
    made = {(check.draw, check.node_id) for check in run.checks if not run.is_first_of(check)}
    left = [
        PutOff(each.draw, tuple(n for n in each.node_ids if (each.draw, n) not in made))
        for each in known
    ]
    if run.put_off:
        left.append(PutOff(run.draw, run.put_off))
    return tuple(each for each in left if each.node_ids)[-PUT_OFF_DRAWS_MAX:]


def may_carry(draw: int, check: Check, calendar: Calendar) -> bool:
    """Whether the record of a draw may have a check of another one: whoever reads the draws of the
    check's epoch, or of its day, has to meet it there."""
    starts_s, ends_s = calendar.epoch_bounds_s(calendar.epoch_at(check.due_s))
    is_of_epoch = calendar.draw_at(starts_s) <= draw <= calendar.draw_at(ends_s - 1)
    seconds = calendar.check_seconds
    return is_of_epoch and day_of(draw, seconds) == day_of(check.draw, seconds)


def by_draw(checks: Iterable[Check]) -> Sequence[tuple[Check, ...]]:
    """Checks by the draw that they are of, older ones first, each in the order they were due."""
    found: dict[int, list[Check]] = {}
    for check in sorted(checks, key=lambda check: (check.due_s, check.node_id)):
        found.setdefault(check.draw, []).append(check)
    return [tuple(found[draw]) for draw in sorted(found)]
