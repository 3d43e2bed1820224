"""What the calls of a crowd came to."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil


@dataclass
class CallTally:
    """Of all members together, since it was last told."""

    answers: Counter[str] = field(default_factory=Counter)
    """Heartbeats by status, or by what came instead of an answer."""
    seconds: list[float] = field(default_factory=list)
    """How long each answered one took."""
    early: int = 0
    """Refusals with 503 or 429 that say when to come again."""

    def answered(self, status: int, seconds: float, *, says_when: bool) -> None:
        """One whole answer."""
        self.answers[str(status)] += 1
        self.seconds.append(seconds)
        self.early += status in (429, 503) and says_when

    def failed(self, why: str) -> None:
        """None came."""
        self.answers[why] += 1

    def told(self) -> dict[str, object]:
        """As JSON; it begins anew."""
        found: dict[str, object] = {
            "answers": dict(self.answers),
            "early": self.early,
            "p50_s": share_of(self.seconds, 0.5),
            "p95_s": share_of(self.seconds, 0.95),
            "worst_s": max(self.seconds, default=0.0),
        }
        self.answers, self.seconds, self.early = Counter(), [], 0
        return found


def share_of(seconds: Sequence[float], share: float) -> float:
    """The time within which such a share of them lies; 0 of none."""
    in_order = sorted(seconds)
    return in_order[max(1, ceil(share * len(in_order))) - 1] if in_order else 0.0


def busiest_second(instants_s: Sequence[float]) -> int:
    """The most instants that lie within any one second."""
    in_order = sorted(instants_s)
    ends = (bisect_right(in_order, at_s + 1.0) - number for number, at_s in enumerate(in_order))
    return max(ends, default=0)
