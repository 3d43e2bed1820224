"""What the public record says of a crowd: who stands on the roster since when, and who was down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from bench.crowd.simulated_node import NodeRun
from bench.report import NotMeasurableError
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.sweeps import SweepBits
from tools.verify.public import PublicRecord

SWEEPS_MAX = 2
"""So many sweeps after it was taken in a node stands on the roster, at the latest."""
NOT_THERE = (Outcome.DOWN, Outcome.INVALID, Outcome.STALLED, Outcome.BLOCKED)
Runs = Mapping[str, Sequence[NodeRun]]


@dataclass(frozen=True, slots=True)
class SweptHistory:
    """All sweeps between two ticks, with their rosters as they are now."""

    sweeps: Sequence[SweepBits]
    rosters: Mapping[tuple[str, int], Roster]

    @property
    def newest(self) -> Roster:
        """What the last sweep went by; NotMeasurableError if there was none."""
        if not self.sweeps:
            raise NotMeasurableError("no sweep is on record: the machine is too busy for this")
        return self._roster_of(self.sweeps[-1])

    def standing(self, runs: Runs, sweep_s: int) -> set[str]:
        """Of each node the last run is meant."""
        newest = {slot.node_id: slot for slot in self.newest.slots}
        return {
            node_id
            for node_id, of_node in runs.items()
            if (slot := newest.get(node_id)) is not None
            and slot.left_tick is None
            and (accepted_s := of_node[-1].accepted_s) is not None
            and slot.joined_tick <= accepted_s // sweep_s + SWEEPS_MAX
        }

    def wrongly_down(self, runs: Runs, sweep_s: int) -> int:
        """Polls of nodes that answered all the while, and were called anything but up."""
        wrong = 0
        for sweep in self.sweeps:
            slots = self._roster_of(sweep).slots
            found = 0
            for outcome in NOT_THERE:
                found |= getattr(sweep, outcome.value)
            begin_s, end_s = sweep.tick * sweep_s, (sweep.tick + 1) * sweep_s
            for at in _set_bits(found):
                of_node = runs.get(slots[at].node_id, ())
                wrong += any(_ran_all_of(run, begin_s, end_s) for run in of_node)
        return wrong

    @property
    def polls(self) -> int:
        """All of them."""
        return sum(sweep.probed.bit_count() for sweep in self.sweeps)

    def _roster_of(self, sweep: SweepBits) -> Roster:
        return self.rosters[str(sweep.shard), sweep.roster_version]


async def swept_history(client: httpx.AsyncClient, ticks: range) -> SweptHistory:
    """Read as anybody may, anew."""
    record = PublicRecord(client)
    sweeps = await record.sweeps(ticks)
    rosters: dict[tuple[str, int], Roster] = {}
    for sweep in sweeps:
        key = str(sweep.shard), sweep.roster_version
        if key not in rosters:
            rosters[key] = await record.roster(sweep.shard, sweep.roster_version)
    return SweptHistory(sweeps, rosters)


def _ran_all_of(run: NodeRun, begin_s: float, end_s: float) -> bool:
    return run.started_s <= begin_s and (run.ended_s is None or run.ended_s >= end_s)


def _set_bits(bits: int) -> list[int]:
    return [at for at in range(bits.bit_length()) if bits >> at & 1]
