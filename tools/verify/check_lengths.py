"""How long checks have to last: as drawn, or as what failed, until such a one passes. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import Length, longer_of

OVERLAP_DRAWS = 2
"""A run may begin before what the runs of so many draws before it found out is on record."""


@dataclass
class Lengths:
    """Follows the checks of each node that were longer than short ones."""

    check_seconds: int = 60
    _longer: dict[str, list[Check]] = field(default_factory=dict)

    @classmethod
    def after(cls, checks: Iterable[Check], check_seconds: int) -> "Lengths":
        """What these have come to."""
        found = cls(check_seconds)
        for check in checks:
            found.follow(check)
        return found

    def follow(self, check: Check) -> None:
        """Takes one more, oldest first."""
        if check.length is not Length.SHORT and check.verdict.counts:
            self._longer.setdefault(check.node_id, []).append(check)

    def findings(self, check: Check, drawn: Length) -> Iterator[str]:
        """For how long it was made, and should not have been."""
        longer = self._longer.get(check.node_id, [])
        if not _is_as_long(check.length, drawn):
            yield "a shorter time than was drawn"
        cause = next((each for each in longer if each.due_s == check.caused_by_s), None)
        if cause and cause.verdict is Verdict.FAIL and not _is_as_long(check.length, cause.length):
            since = longer[longer.index(cause) :]
            if not any(_passed(each, cause.length) for each in since):
                yield "a shorter time than what it repeats"


def _passed(check: Check, length: Length) -> bool:
    return check.verdict is Verdict.PASS and _is_as_long(check.length, length)


def _is_as_long(one: Length, other: Length) -> bool:
    return longer_of(one, other) is one
