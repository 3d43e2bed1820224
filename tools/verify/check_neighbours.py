"""Beside whom a node stood when it was checked, as far as published checks can tell. Pure.

A record may have been written some draws later than others of its time. So what the prober knew is
one of a few: all that it may have known, and what it surely did.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.neighbours import KEPT_S
from coordinator.strangers.networks import place_number

CHECKS_KEPT = 40
"""Of a node: at one a draw these are more than may be on record late."""


@dataclass
class Neighbours:
    """Follows where checks reached each node, and how they ended."""

    check_seconds: int
    late_draws: int
    """So many draws after a check everybody knows of it."""
    _checks: dict[str, list[Check]] = field(default_factory=dict)
    _passes: dict[str, list[Check]] = field(default_factory=dict)
    _seen: dict[int, set[str]] = field(default_factory=dict)
    """Who was ever reached at a place."""

    def follow(self, check: Check) -> None:
        """Takes one more, oldest first."""
        if not check.verdict.counts:
            return
        _keep(self._checks.setdefault(check.node_id, []), check)
        if check.verdict is Verdict.PASS and check.address:
            _keep(self._passes.setdefault(check.node_id, []), check)
            self._seen.setdefault(place_number(check.address), set()).add(check.node_id)

    def beside(self, check: Check, streams: Mapping[str, str]) -> tuple[bool, bool]:
        """Whether the check's node (may have stood, surely stood) beside one that kept its word.

        `streams`: of each who could be drawn, and is no control."""
        places = self._places(check.node_id, check.draw)
        others = {
            name
            for place in places
            for name in self._seen.get(place, ())
            if place and name != check.node_id and streams.get(name) == check.stream_id
        }
        at_s = float(check.draw * self.check_seconds)
        found = [(name, list(self._kept(name, check.draw, at_s))) for name in others]
        may = any(any(kept) for _, kept in found)
        must = len(places) == 1 and any(
            all(kept) and self._places(name, check.draw) == places for name, kept in found if kept
        )
        return may, must

    def _places(self, node_id: str, draw: int) -> set[int]:
        """One of them was known; what was never seen, or may not have been on record, is 0."""
        known, is_whole = self._known(self._passes.get(node_id, ()), draw)
        return {place_number(check.address) for check in known} | (set() if is_whole else {0})

    def _kept(self, node_id: str, draw: int, at_s: float) -> Iterator[bool]:
        """Of each check that may have been the last one known, whether it passed lately."""
        known, is_whole = self._known(self._checks.get(node_id, ()), draw)
        yield from (c.verdict is Verdict.PASS and c.due_s > at_s - KEPT_S for c in known)
        if not is_whole:
            yield False

    def _known(self, checks: Sequence[Check], draw: int) -> tuple[Sequence[Check], bool]:
        """Since the last one that everybody knew; and whether there is such a one.

        One before it may have been written after it."""
        old = [check.draw for check in checks if check.draw < draw - self.late_draws]
        first = old[-1] - self.late_draws if old else 0
        return [check for check in checks if check.draw >= first], bool(old)


def _keep(kept: list[Check], check: Check) -> None:
    kept.append(check)
    del kept[:-CHECKS_KEPT]
