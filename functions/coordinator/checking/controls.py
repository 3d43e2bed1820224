"""Control nodes: known to be good or bad, checked beside everyone, to check the checking. Pure.

They run in the same queue, from the same process, in every draw. When a known-good one fails and
none passes, the prober itself is in doubt, and no failure of that run counts; for a few runs. When
a known-bad one passes, the proof is broken and people are called. Control nodes are neither
trusted nor paid.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from coordinator.checking.checks import Check, Control, Verdict
from coordinator.reasons import Reason

REASONS = {Control.GOOD: Reason.CONTROL_GOOD, Control.BAD: Reason.CONTROL_BAD}
"""What is said of a control node that is up: no check makes it trusted."""


@dataclass(frozen=True, slots=True)
class ControlCount:
    """What the checks of all control nodes of a kind have come to."""

    checks: int = 0
    wrong: int = 0
    """A good one that failed (a false alarm), or a bad one that passed (a miss)."""
    unknown: int = 0

    def counting(self, check: Check, kind: Control) -> "ControlCount":
        """With one more check."""
        if not check.verdict.counts or check.has_left:
            return replace(self, unknown=self.unknown + 1)
        return replace(self, checks=self.checks + 1, wrong=self.wrong + is_wrong(check, kind))

    def plus(self, other: "ControlCount") -> "ControlCount":
        """Both."""
        return ControlCount(
            self.checks + other.checks, self.wrong + other.wrong, self.unknown + other.unknown
        )


def is_wrong(check: Check, kind: Control) -> bool:
    """Whether a control node's check came out as it must not."""
    if kind is Control.GOOD:
        return check.verdict is Verdict.FAIL and not check.has_left
    return check.verdict in (Verdict.PASS, Verdict.DEGRADED)


DOUBTED_RUNS_MAX = 10
"""So many runs in a row a good control may void. Anybody can knock it out, its address is public:
ten minutes are time to be called, and not time to cheat in."""
DOUBTED_KEPT = 8
"""So many of the last voided draws are remembered: checks that end late are of one of them."""


def in_doubt(checks: Iterable[Check], controls: Mapping[str, Control]) -> bool | None:
    """Whether a run's known-good nodes put the prober in doubt; None if none of them tells.

    While one of them passes, somewhere, the prober can tell who serves: the other one is at fault,
    or was knocked out."""
    good = [
        check
        for check in checks
        if controls.get(check.node_id) is Control.GOOD
        and check.verdict.counts
        and not check.has_left
    ]
    return all(is_wrong(check, Control.GOOD) for check in good) if good else None


def voided(checks: Iterable[Check], controls: Mapping[str, Control]) -> tuple[Check, ...]:
    """The checks of a run in doubt, without the failures.

    A pass stays: packets that match the ingest's cannot come from a fault of the prober, and an
    operator must not wait for pay because of one."""
    return tuple(
        replace(check, verdict=Verdict.UNKNOWN, reason=Reason.UNKNOWN_CONTROL)
        if check.node_id not in controls and check.verdict in (Verdict.FAIL, Verdict.DEGRADED)
        else check
        for check in checks
    )
