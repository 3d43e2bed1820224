"""Decides whether the network is measured now: nobody is called for while nobody is there.

The payout decides because its own job is never paused: it comes back every few minutes,
whatever failed before.
"""

from dataclasses import dataclass

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.scheduling.switch import Switch
from coordinator.checking.sealed_days import days_around
from coordinator.sweeping.demand import Need, days_need_the_prober, somebody_is_there

CHANGES_OVERLAP_S = 15.0
"""Node documents are looked for this far before a sweep's own look: clocks differ a little."""


@dataclass
class DemandReviewer:
    """Reviews, in every call of the payout, whether collector and prober are needed."""

    measurements: Measurements
    ledger: Ledger
    switch: Switch
    clock: Clock
    log: Log

    async def review(self) -> str:
        """`measuring`, `resting`, or `unclear` if it could not be told or done; never raises."""
        try:
            is_on = await self.switch.review(self._is_needed)
        except Exception as error:  # whatever it is: it must not keep anybody from being paid
            self.log.failure(LogEvent.JOBS_NOT_REVIEWED, error)
            return "unclear"
        state = "measuring" if is_on else "resting"
        self.log(LogEvent.JOBS_REVIEWED, state=state)
        return state

    async def need(self) -> Need | None:
        """Why collector and prober have to be called now; None while they may rest."""
        now_s = self.clock()
        days = await self.measurements.lottery_days(days_around(now_s))
        if days_need_the_prober(now_s, *days):
            return Need.SCHEDULE
        unsettled = await self.ledger.unsettled()
        if not unsettled:
            return None
        sweeps = await self.measurements.latest_sweeps()
        if not sweeps or len(sweeps) < sweeps[0].shard.count:
            return Need.UNCLEAR
        # In this order: whoever is not on these rosters yet is among the changes since.
        since_s = max(0.0, min(sweep.cursor_s for sweep in sweeps) - CHANGES_OVERLAP_S)
        rosters = [await self.measurements.roster_of(sweep) for sweep in sweeps]
        changed = await self.measurements.changed_nodes(since_s)
        return Need.NODES if somebody_is_there(unsettled, rosters, changed) else None

    async def _is_needed(self) -> bool:
        return await self.need() is not None
