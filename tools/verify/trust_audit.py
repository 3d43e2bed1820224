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

from coordinator.checking.checks import Check, Run, TrustChange, Verdict
from coordinator.checking.credit import CREDIT_MAX, DEGRADED_TAKES
from coordinator.checking.delistings import MANY_MIN, is_excused, listed_after
from coordinator.checking.lengths import RECORD_S_MAX
from coordinator.checking.stakes import marked
from coordinator.checking.suspicion import NOBODY, PUBLISHED, Trust, TrustState, observe
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard

TOGETHER_MAX = 4
"""Of so many records that may have been written in another order each order is tried."""
SCORE_MAX, DEGRADED_MAX = PUBLISHED.flag_at - 1, PUBLISHED.degraded_flags_at - 1
"""Of who is not flagged."""
CREDIT_MIN = -(10**9)
"""Of a million degraded checks: nobody has had so many."""
Entry = tuple[Run, Check]


@dataclass(frozen=True, slots=True)
class TrustRange:
    """States that differ in score, degraded checks and credit alone, which lie between."""

    low: TrustState
    high: TrustState

    @classmethod
    def of(cls, state: TrustState) -> "TrustRange":
        """One state."""
        return cls(state, state)

    def wrong(self, count: int) -> "TrustRange":
        """With so many checks that proved content wrong."""
        return TrustRange(
            replace(self.low, wrong_content=count), replace(self.high, wrong_content=count)
        )

    def listed(self, check: Check, *, with_many: bool) -> "TrustRange":
        """With what the check means for lists."""
        low = listed_after(self.low, check, with_many=with_many)
        if self.high == self.low:
            return TrustRange.of(low)
        return TrustRange(low, listed_after(self.high, check, with_many=with_many))

    def observing(
        self, check: Check, *, is_excused: bool
    ) -> Iterator[tuple["TrustRange", TrustChange | None]]:
        """What may come of the check; where the states part, each half with its own event."""
        low, event = observe(self.low, check, is_excused=is_excused)
        if self.high == self.low:
            yield TrustRange.of(low), event
            return
        high, other = observe(self.high, check, is_excused=is_excused)
        if event == other:
            yield TrustRange(low, high), event
            return
        yield TrustRange(replace(high, credit=low.credit), high), other
        yield TrustRange(low, self._calm(low, check, is_excused=is_excused)), event

    def _calm(self, low: TrustState, check: Check, *, is_excused: bool) -> TrustState:
        """The greatest state after a check that flags those beyond it; `low` is the least."""
        alone = replace(self.high, lately_degraded=0, wrong_content=0)
        after, event = observe(alone, check, is_excused=is_excused)
        bits = self.high.lately_degraded << 1 | low.lately_degraded & 1
        while bits.bit_count() > DEGRADED_MAX:  # those that are over first
            bits ^= 1 << bits.bit_length() - 1
        return replace(
            low,
            score=SCORE_MAX if event else after.score,
            lately_degraded=bits,
            credit=after.credit,
        )

    def owing(self, check: Check) -> "TrustRange":
        """Those whose passes have not earned what the check says; all, if it is so of none."""
        if check.verdict not in (Verdict.PASS, Verdict.DEGRADED):
            return self
        least = -check.owes * DEGRADED_TAKES
        most = least + DEGRADED_TAKES - 1 if check.owes else CREDIT_MAX
        low, high = max(least, self.low.credit), min(most, self.high.credit)
        if low > high:
            return self
        return TrustRange(replace(self.low, credit=low), replace(self.high, credit=high))


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


def may_have_been(known: TrustState) -> set[TrustRange]:
    """Every state that matters and that a node may have been in, who is no confirmed fraud.

    When its checks passed is `known`."""
    last = PUBLISHED.wrong_content_flags_at
    proven = replace(known, trust=Trust.PROVEN, delisted_s=None, doubted_s=None)
    proven = replace(proven, score=0, lately_degraded=0, wrong_content=0, flagged_s=None)
    often = (1 << DEGRADED_MAX) - 1
    proven = replace(proven, credit=CREDIT_MIN)
    calm = _of_any_credit(proven, replace(proven, score=SCORE_MAX, lately_degraded=often))
    suspended = _of_any_credit(replace(proven, trust=Trust.SUSPENDED))
    flagged = [
        _of_any_credit(
            replace(proven, trust=Trust.FLAGGED, retests_passed=passed, retests_failed=failed)
        )
        for passed in range(PUBLISHED.clears_at)
        for failed in range(PUBLISHED.confirms_at)
    ]
    return {trust.wrong(count) for trust in (calm, suspended) for count in range(last)} | {
        trust.wrong(count) for trust in flagged for count in range(last + 1)
    }


def _of_any_credit(low: TrustState, high: TrustState | None = None) -> TrustRange:
    return TrustRange(low, replace(high or low, credit=CREDIT_MAX))


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
