"""Whose turn it is to be called back. Every instance of the api asks for the same turns."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from coordinator.adapters.clock import Clock
from coordinator.adapters.records import Measurements
from coordinator.strangers.source_bounds import CALL_BACK_TURNS, Side

REMEMBERED_MAX = 16_384
"""Targets whose turn is known here, so that nothing is written to learn that it is over."""


@dataclass
class CallBackTurns:
    """Takes turns in the store: what is counted in memory is counted by each instance anew."""

    measurements: Measurements
    clock: Clock
    """The one that instances agree on: turns are numbered by it."""
    _used: OrderedDict[str, tuple[int, int]] = field(default_factory=OrderedDict)
    """(turn, how many of its calls are taken), least lately asked for first."""

    async def take(self, target: Mapping[Side, str]) -> bool:
        """Whether the target may be called now, which counts as a call."""
        now_s = self.clock()
        for side, turns in CALL_BACK_TURNS.items():
            if side not in target:
                continue
            whose, turn = _name(side, target), int(now_s / turns.seconds)
            for number in range(self._used_of(whose, turn), turns.calls):
                self._remember(whose, turn, number + 1)
                if await self.measurements.take_turn(whose, turn, number, now_s):
                    break
            else:
                return False
        return True

    def wait_s(self, target: Mapping[Side, str]) -> int:
        """Until when none of its calls is left, as far as it is known here."""
        now_s, waits_s = self.clock(), [0]
        for side, turns in CALL_BACK_TURNS.items():
            turn = int(now_s / turns.seconds)
            if side in target and self._used_of(_name(side, target), turn) >= turns.calls:
                waits_s.append(ceil((turn + 1) * turns.seconds - now_s))
        return max(waits_s)

    def _used_of(self, whose: str, turn: int) -> int:
        of_turn, used = self._used.get(whose, (turn, 0))
        return used if of_turn == turn else 0

    def _remember(self, whose: str, turn: int, used: int) -> None:
        self._used[whose] = (turn, used)
        self._used.move_to_end(whose)
        if len(self._used) > REMEMBERED_MAX:
            self._used.popitem(last=False)


def _name(side: Side, target: Mapping[Side, str]) -> str:
    return f"{side.name} {target[side]}"
