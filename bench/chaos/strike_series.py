"""A campaign: strikes one after the other, and what each measured."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.chaos.recovery import Looker, Recovery
from bench.chaos.strikes import STRIKES
from bench.chaos.struck_network import BYSTANDERS, StruckNetwork
from bench.report import Figure, NotMeasurableError, say

RECOVERY_GOAL_S = 15.0


def number(name: str, default: int) -> int:
    """A whole number of the environment. NotMeasurableError."""
    try:
        return int(os.environ.get(name) or default)
    except ValueError:
        raise NotMeasurableError(f"{name} is a whole number") from None


@dataclass
class Campaign:
    """What is struck, and how it went."""

    network: StruckNetwork
    looker: Looker
    figures: list[Figure] = field(default_factory=list)

    @property
    def seconds(self) -> dict[str, int]:
        """How long each kind of single strike lasts."""
        return {"kill -9": 0, "SIGSTOP": number("FREEZE", 30), "cut": number("CUT", 5)}

    @property
    def targets(self) -> list[str]:
        """Parts that are struck."""
        return [name for name in self.network.parts if name not in BYSTANDERS]

    async def strike(self, kind: str, parts: Sequence[str], seconds: float) -> Recovery:
        """One strike, and what came after it."""
        self.network.struck |= set(parts)
        over_s = await STRIKES[kind](self.network, parts, seconds)
        away = parts if kind != "kill -9" else ()
        recovery = await self.looker.recovery(over_s, away)
        self.network.struck -= set(parts)
        say(f"{kind} of {' and '.join(parts)}: {recovery}")
        return recovery

    async def recovered(self, what: str) -> Recovery:
        """From now on, after what was done by others."""
        recovery = await self.looker.recovery(time.monotonic())
        say(f"{what}: {recovery}")
        return recovery

    def note(self, name: str, recovery: Recovery, *, is_goal: bool = False) -> None:
        """A row of it."""
        goal = f"<= {RECOVERY_GOAL_S:g}" if is_goal else ""
        beside = f"load {recovery.load:.1f}"
        self.figures.append(Figure(name, round(recovery.seconds, 1), "s", goal, beside))
