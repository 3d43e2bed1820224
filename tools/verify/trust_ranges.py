"""States of trust that are followed at once: of a node whose past nobody knows. Pure.

They differ in numbers that lie between two. Where a check parts them, each half goes its own way.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.credit import CREDIT_MAX, DEGRADED_TAKES
from coordinator.checking.delistings import listed_after
from coordinator.checking.suspicion import PUBLISHED, Trust, TrustState, observe

SCORE_MAX, DEGRADED_MAX = PUBLISHED.flag_at - 1, PUBLISHED.degraded_flags_at - 1
"""Of who is not flagged."""
CREDIT_MIN = -(10**9)
"""Of a million degraded checks: nobody has had so many."""


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
