"""What checks set in motion for each node, folded again out of the checks before them. Pure.

Events, and back to when a failure voids, follow from a node's checks alone
(`coordinator.checking.suspicion`). So they are derived here, and what the record says of them is
only compared. What a node's trust was when the look begins nobody knows: every state that it may
have been in is followed, until its checks leave one of them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import permutations

from coordinator.checking.checks import Check, Run, Verdict
from coordinator.checking.delistings import MANY_MIN, is_excused
from coordinator.checking.lengths import RECORD_S_MAX
from coordinator.checking.stakes import marked
from coordinator.checking.suspicion import NOBODY, TrustState
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard
from tools.verify.trust_ranges import TrustRange, may_have_been

TOGETHER_MAX = 4
"""Of so many records that may have been written in another order each order is tried."""
Entry = tuple[Run, Check]


@dataclass
class TrustAudit:
    """Follows every node through the records of a time that begins at `from_s`."""

    from_s: float
    newcomers: Set[str] = frozenset()
    """Nodes whose keys were first heard of since then: nothing was known of them."""
    _crowded: Set[int] = field(init=False, default=frozenset())
    """Draws in which so many failed that lists may have taken it for our own fault."""

    def findings(self, runs: Iterable[Run], draws: range) -> Iterator[str]:
        """What records of these draws say of trust and a node's checks do not come to.

        `runs` are all since `from_s`, each with the control nodes that its day was sealed with."""
        made = [
            (run, check)
            for run in sorted(runs, key=lambda run: run.ended_s)
            for check in run.checks
            if check.node_id not in run.controls
        ]
        failed = Counter(check.draw for _, check in made if check.verdict is Verdict.FAIL)
        self._crowded = frozenset(draw for draw, count in failed.items() if count >= MANY_MIN)
        by_node: dict[str, list[Entry]] = {}
        for run, check in made:
            by_node.setdefault(check.node_id, []).append((run, check))
        for node_id, entries in sorted(by_node.items()):
            for draw, said in self._node(node_id, entries):
                if draw in draws:
                    yield f"draw {draw}: {node_id} {said}"

    def _node(self, node_id: str, entries: Sequence[Entry]) -> Iterator[tuple[int, str]]:
        known = node_id in self.newcomers
        ranges = {TrustRange(NOBODY, NOBODY)} if known else may_have_been(NOBODY)
        for together in _together(entries):
            after = {
                trust for checks in _orders(together) for trust in self._through(ranges, checks)
            }
            if after:
                ranges = after
                continue
            for _, check in together:
                after = self._through(ranges, [check])
                if not after:
                    yield check.draw, self._difference(ranges, check)
                    after = may_have_been(next(iter(ranges)).low)
                ranges = after

    def _through(self, ranges: set[TrustRange], checks: Iterable[Check]) -> set[TrustRange]:
        """What they leave of the ranges in which they come to what is said of them."""
        for check in checks:
            ranges = {
                after
                for after, derived in self._steps(ranges, check)
                if derived.event == check.event and self._is_same(derived, check)
            }
        return ranges

    def _steps(self, ranges: set[TrustRange], check: Check) -> Iterator[tuple[TrustRange, Check]]:
        """From each range, the one after the check, and the check with what follows from it."""
        bare = replace(check, event=None, voids_from_s=None, owes=0)
        for trust in ranges:
            if not check.verdict.counts:
                yield trust, bare
                continue
            for excused in self._excuses(trust.low, check):
                for after, event in trust.observing(bare, is_excused=excused):
                    part = after.owing(check)
                    derived = marked(bare, event, trust.low, part.low)
                    for with_many in {False, check.draw in self._crowded}:
                        yield part.listed(check, with_many=with_many), derived

    def _excuses(self, state: TrustState, check: Check) -> set[bool]:
        """Whether it repeats a failure that many had; of one before `from_s` nobody can tell."""
        is_older = check.caused_by_s is not None and check.caused_by_s < self.from_s
        return {is_excused(state, check)} | ({True} if is_older else set())

    def _is_same(self, derived: Check, check: Check) -> bool:
        """Whether its node owes what it says, and it voids from then on; of older instants each
        voids everything."""
        if derived.owes != check.owes:
            return False
        ours, theirs = derived.voids_from_s, check.voids_from_s
        if ours is None or theirs is None:
            return ours is theirs
        return ours == theirs or max(ours, theirs) < self.from_s

    def _difference(self, ranges: set[TrustRange], check: Check) -> str:
        derived = [found for _, found in self._steps(ranges, check)]
        events = {found.event for found in derived}
        if check.event not in events:
            told = " or ".join(sorted(event or "unchanged" for event in events))
            return f"is {check.event or 'unchanged'} by a check, and its checks make it {told}"
        alike = [found for found in derived if found.event == check.event]
        owes = {found.owes for found in alike}
        if check.owes not in owes:
            told = " or ".join(sorted(map(str, owes)))
            return f"owes {check.owes} degraded checks, and its checks make that {told}"
        starts = {found.voids_from_s for found in alike}
        told = " or ".join(sorted(map(str, starts)))
        return f"has a check that voids from {check.voids_from_s} on, and its checks say {told}"


def newcomers_among(
    rosters: Mapping[tuple[Shard, int], Roster], from_s: float, sweep_seconds: int
) -> frozenset[str]:
    """Nodes whose keys were first heard of since: nothing was known of them."""
    slots = (slot for roster in rosters.values() for slot in roster.slots)
    return frozenset(s.node_id for s in slots if s.first_seen_tick * sweep_seconds > from_s)


def _together(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Entries in turn, those in one list that may have been recorded in another order: a late
    record is written beside those of later draws."""
    found: list[Entry] = []
    for entry in entries:
        if found and not (len(found) < TOGETHER_MAX and _may_have_crossed(found[-1], entry)):
            yield found
            found = []
        found.append(entry)
    if found:
        yield found


def _may_have_crossed(one: Entry, other: Entry) -> bool:
    is_late = one[0].is_late or other[0].is_late
    return is_late and other[0].ended_s - one[0].ended_s <= RECORD_S_MAX


def _orders(together: Sequence[Entry]) -> Iterator[list[Check]]:
    """Every order in which the records may have been written: first parts came in theirs."""
    for order in permutations(together):
        firsts = [run.ended_s for run, _ in order if not run.is_late]
        if firsts == sorted(firsts):
            yield [check for _, check in order]
