"""How long checks have to last: as drawn, or as what failed, until such a one passes. Pure.

What is drawn depends on what a node has to lose (`coordinator.checking.stakes`), as the prober knew
it. A record may have been written some draws later: so the least and the greatest are known.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lengths import (
    AROUND_S_MAX,
    CONTROL_S_MAX,
    LAST_RECORD_S_MAX,
    LATE_S_MAX,
    LONG_S,
    RECORD_S_MAX,
    Length,
    longer_of,
)
from coordinator.checking.lottery import STAKE_MAX
from coordinator.checking.stakes import stake_of, staked_after
from coordinator.checking.suspicion import NOBODY, TrustState
from tools.verify.check_neighbours import Neighbours

OVERLAP_DRAWS = 2
"""A run may begin before what the runs of so many draws before it found out is on record."""
PASS_RECORD_S_MAX = LATE_S_MAX + LONG_S + AROUND_S_MAX + CONTROL_S_MAX + RECORD_S_MAX
"""After it was due, a pass that is not very long is on record."""
KNOWN_LONG_AGO = replace(NOBODY, new_until_s=0)
Drawn = Callable[[int], Length]
"""What is drawn of who has so much to lose."""


@dataclass
class _Stake:
    """What a node has to lose, if some of its checks are on record so many draws late."""

    is_late: Callable[[Check], bool]
    late_draws: int
    states: list[tuple[int, TrustState]]
    """After which draw; the first one before all others."""
    _waiting: list[Check] = field(default_factory=list)

    def follow(self, check: Check) -> None:
        self._catch_up(check.draw)
        if self.is_late(check):
            self._waiting.append(check)
        else:
            self._add(check.draw, check)

    def at(self, check: Check) -> list[int]:
        """What the prober may have known of it when the check was drawn."""
        self._catch_up(check.draw)
        old = [at for at, (draw, _) in enumerate(self.states) if draw <= check.draw - OVERLAP_DRAWS]
        since = old[-1] if old else 0
        return [stake_of(state, check.due_s) for _, state in self.states[since:]]

    def _catch_up(self, draw: int) -> None:
        while self._waiting and self._waiting[0].draw + self.late_draws < draw:
            late = self._waiting.pop(0)
            self._add(late.draw + self.late_draws, late)

    def _add(self, draw: int, check: Check) -> None:
        self.states.append((draw, staked_after(self.states[-1][1], check)))
        del self.states[: -2 * self.late_draws]


@dataclass
class Lengths:
    """Follows the checks of each node. `newcomers` had none before these."""

    check_seconds: int = 60
    newcomers: Set[str] = frozenset()
    _stakes: dict[str, list[_Stake]] = field(default_factory=dict)
    _longer: dict[str, list[Check]] = field(default_factory=dict)
    _failed: dict[tuple[str, float], int] = field(default_factory=dict)
    """By node, and by when a failed check was due: in which draw."""
    _paying: dict[str, list[Check]] = field(default_factory=dict)
    """Passes that add to what there is to lose."""
    _neighbours: Neighbours = field(init=False)

    def __post_init__(self) -> None:
        self._neighbours = Neighbours(self.check_seconds, self._late_draws)

    @classmethod
    def after(
        cls, checks: Iterable[Check], check_seconds: int, newcomers: Set[str] = frozenset()
    ) -> "Lengths":
        """What these have come to."""
        found = cls(check_seconds, newcomers)
        for check in checks:
            found.follow(check)
        return found

    def follow(self, check: Check) -> None:
        """Takes one more, oldest first."""
        for stake in self._stakes_of(check.node_id):
            stake.follow(check)
        self._neighbours.follow(check)
        if check.length is not Length.SHORT and check.verdict.counts:
            self._longer.setdefault(check.node_id, []).append(check)
        if check.verdict is Verdict.FAIL:
            self._failed[check.node_id, check.due_s] = check.draw
        elif check.may_pay:
            self._paying.setdefault(check.node_id, []).append(check)

    def findings(
        self,
        check: Check,
        drawn: Drawn,
        streams: Mapping[str, str] | None = None,
        *,
        is_control: bool = False,
    ) -> Iterator[str]:
        """For how long it was made, and should not have been.

        `streams`: of each who could be drawn as well, and is no control."""
        least, most = (STAKE_MAX,) * 2 if is_control else self._stakes_at(check, streams or {})
        longer = self._longer.get(check.node_id, [])
        if not _is_as_long(check.length, drawn(most)):
            yield "a shorter time than was drawn"
        elif not _is_as_long(drawn(least), check.length) and self._has_made_good(check, longer):
            yield "a longer time than was drawn"
        if not is_control and any(self._repeats(check, each) for each in longer):
            yield "a shorter time than what it repeats"

    def watch_findings(
        self, check: Check, streams: Mapping[str, str], *, is_control: bool = False
    ) -> Iterator[str]:
        """Whether it was said rightly that its node was watched: where one is, less is void."""
        may, must = (False, False) if is_control else self._neighbours.beside(check, streams)
        if check.is_watched and not may:
            yield "is called watched, and stood beside nobody who keeps his word"
        elif must and not check.is_watched:
            yield "is not called watched, and stood beside one who keeps his word"

    def _repeats(self, check: Check, found: Check) -> bool:
        """Whether a longer one found what this one had to look for, as all knew by then.

        Until one of that length passes. A pass that was due before may be on record after it."""
        if found.verdict is Verdict.PASS or _is_as_long(check.length, found.length):
            return False
        is_known = found.due_s == check.caused_by_s or check.draw - found.draw > self._late_draws
        return is_known and not any(
            _passed(each, found.length) and each.draw >= found.draw - self._late_draws
            for each in self._longer[check.node_id]
        )

    def _stakes_at(self, check: Check, streams: Mapping[str, str]) -> tuple[int, int]:
        """The least and the greatest that it may have counted as having to lose."""
        stakes = [at for stake in self._stakes_of(check.node_id) for at in stake.at(check)]
        may, must = self._neighbours.beside(check, streams)
        most = 0 if must else min(max(stakes), self._most_since_its_cause(check))
        return 0 if may else min(*stakes, most), most

    def _most_since_its_cause(self, check: Check) -> int:
        """Who retests knows of the failure, which takes all that there was to lose. What passed
        before may be on record after it."""
        cause = self._failed.get((check.node_id, check.caused_by_s or -1.0))
        if cause is None:
            return STAKE_MAX
        return sum(
            each.draw > cause - self._draws_of(PASS_RECORD_S_MAX)
            or (each.length is Length.VERY_LONG and each.draw > cause - self._late_draws)
            for each in self._paying.get(check.node_id, ())
        )

    def _has_made_good(self, check: Check, longer: Iterable[Check]) -> bool:
        """Whether all knew that the last one of this length passed: nothing had to be repeated."""
        alike = [each for each in longer if _is_as_long(each.length, check.length)]
        known = [at for at, each in enumerate(alike) if check.draw - each.draw > self._late_draws]
        return bool(known) and all(_passed(each, check.length) for each in alike[known[-1] :])

    def _stakes_of(self, node_id: str) -> list[_Stake]:
        """As the record is, and with failures or very long passes written late."""
        if node_id not in self._stakes:
            first = NOBODY if node_id in self.newcomers else KNOWN_LONG_AGO
            late = (_is_never_late, _is_failure, _is_very_long_pass)
            self._stakes[node_id] = [_Stake(each, self._late_draws, [(0, first)]) for each in late]
        return self._stakes[node_id]

    @property
    def _late_draws(self) -> int:
        """So many draws later everybody knows of a check."""
        return OVERLAP_DRAWS + self._draws_of(LAST_RECORD_S_MAX)

    def _draws_of(self, seconds: float) -> int:
        """So many draws later it is that much later."""
        return int(seconds // self.check_seconds) + 1


def _is_never_late(_: Check) -> bool:
    return False


def _is_failure(check: Check) -> bool:
    return check.is_failed_for_pay


def _is_very_long_pass(check: Check) -> bool:
    return check.verdict is Verdict.PASS and check.length is Length.VERY_LONG


def _passed(check: Check, length: Length) -> bool:
    return check.verdict is Verdict.PASS and _is_as_long(check.length, length)


def _is_as_long(one: Length, other: Length) -> bool:
    return longer_of(one, other) is one
