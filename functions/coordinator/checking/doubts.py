"""For how long control nodes may void failures: a public address can be knocked out by anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coordinator.checking.checks import Check, Control
from coordinator.checking.controls import DOUBTED_KEPT, DOUBTED_RUNS_MAX, in_doubt


@dataclass(frozen=True, slots=True)
class Doubts:
    """The last runs in which known-good nodes failed and none passed."""

    in_a_row: int = 0
    """Until a known-good node passes."""
    draws: tuple[int, ...] = ()
    """Those whose failures do not count, the last ones."""

    def after(self, checks: Sequence[Check], controls: Mapping[str, Control]) -> "Doubts":
        """With a run's checks; those that end late have no control among them: nothing new."""
        doubt = in_doubt(checks, controls)
        if doubt is None or checks[0].draw in self.draws:
            return self
        if not doubt:
            return replace(self, in_a_row=0)
        if self.in_a_row >= DOUBTED_RUNS_MAX:
            return self
        return Doubts(self.in_a_row + 1, (*self.draws, checks[0].draw)[-DOUBTED_KEPT:])

    def hold(self, checks: Sequence[Check]) -> bool:
        """Whether failures among the checks of a run do not count."""
        return bool(checks) and checks[0].draw in self.draws
