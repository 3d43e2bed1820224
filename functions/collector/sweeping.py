"""One sweep: take in who joined and left, poll everyone, write one document."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from coordinator.adapters.clock import Clock
from coordinator.adapters.log import Log
from coordinator.adapters.outbound import Failed, Outbound
from coordinator.adapters.records import Measurements
from coordinator.addresses import AddressRefused, parse_stats_url
from coordinator.checks import IngestState, Run
from coordinator.epochs import Calendar
from coordinator.nodes import Node
from coordinator.reasons import Reason
from coordinator.relay_stats import RelayStats, StatsInvalid, parse_stats
from coordinator.rosters import Announced, Roster, Slot
from coordinator.sweeps import Poll, Sweep, judge

POLLS_AT_ONCE_MAX = 500
CURSOR_OVERLAP_S = 60.0
"""Node documents are read again this far back: another instance's clock may lag."""
INGEST_NEWS_DRAWS_MAX = 3
"""How many draws old the prober's word about the ingest may be."""


@dataclass
class Sweeper:
    """Sweeps shards; one instance per process, so that a tick is swept once by it."""

    measurements: Measurements
    outbound: Outbound
    calendar: Calendar
    clock: Clock
    log: Log
    _locks: dict[int, asyncio.Lock] = field(default_factory=dict)

    async def sweep(self, shard: int) -> dict[str, Any]:
        """Sweeps the present tick of a shard unless that was done before; says what came of it.

        Two triggers of one tick, at once or one after the other, give one document: the second
        waits for the first and finds it."""
        async with self._locks.setdefault(shard, asyncio.Lock()):
            tick = self.calendar.tick_at(self.clock())
            if await self.measurements.has_sweep(shard, tick):
                return {"shard": shard, "tick": tick, "result": "duplicate"}
            return await self._sweep(shard, tick)

    async def _sweep(self, shard: int, tick: int) -> dict[str, Any]:
        started_s = self.clock()
        previous = await self._previous(shard, tick)
        roster = await self._roster(shard, tick, previous)
        run = await self.measurements.latest_run()
        live = live_streams(run, self.calendar.draw_at(started_s))
        polls = await self._poll_all(roster, previous, live, tick)
        sweep = Sweep(shard, tick, roster.version, polls)
        created = await self.measurements.create_sweep(sweep, self.clock())
        outcomes: dict[str, int] = {}
        for poll in polls.values():
            outcomes[poll.outcome] = outcomes.get(poll.outcome, 0) + 1
        return {
            "shard": shard,
            "tick": tick,
            "result": "swept" if created else "duplicate",
            "polled": len(polls),
            "outcomes": outcomes,
            "seconds": round(self.clock() - started_s, 3),
        }

    async def _previous(self, shard: int, tick: int) -> Sweep | None:
        found = [s for s in await self.measurements.latest_sweeps() if s.shard == shard]
        return found[0] if found and found[0].tick < tick else None

    async def _roster(self, shard: int, tick: int, previous: Sweep | None) -> Roster:
        """The shard's roster with all changes taken in, written if there were any."""
        stored = await self.measurements.roster(shard)
        since_s = max(0.0, stored.cursor_s - CURSOR_OVERLAP_S)
        changed = await self.measurements.changed_nodes(since_s)
        lost = previous.lost() if previous else []
        lost = [at for at in lost if stored.slots[at].left_tick is None]
        roster = stored.without(lost, tick).taking_in(announced(changed), tick)
        if roster != stored:
            await self.measurements.put_roster(roster)
        return roster

    async def _poll_all(
        self, roster: Roster, previous: Sweep | None, live: frozenset[str], tick: int
    ) -> dict[int, Poll]:
        places = asyncio.Semaphore(POLLS_AT_ONCE_MAX)

        async def poll(at: int, slot: Slot) -> tuple[int, Poll]:
            async with places:
                answer = await self._ask(slot)
            before = previous.polls.get(at) if previous else None
            row = judge(slot, answer, before, stream_is_live=slot.stream_id in live, tick=tick)
            return at, row

        due = [(at, s) for at, s in enumerate(roster.slots) if s.is_polled_at(tick)]
        return dict(await asyncio.gather(*(poll(at, slot) for at, slot in due)))

    async def _ask(self, slot: Slot) -> RelayStats | Reason:
        """What the node's stats say, or why there are none; an error of ours is `unknown`."""
        try:
            fetched = await self.outbound.get(parse_stats_url(slot.stats_url))
            if isinstance(fetched, Failed):
                return fetched.reason
            return parse_stats(fetched.body, slot.stream_id)
        except AddressRefused as refused:
            return refused.reason
        except StatsInvalid:
            return Reason.STATS_INVALID
        except Exception as error:
            self.log.failure("poll_failed", error, node_id=slot.node_id)
            return Reason.UNKNOWN_INTERNAL


def announced(nodes: Iterable[Node]) -> list[Announced]:
    """What changed node documents tell the roster."""
    return [
        Announced(
            node.node_id,
            node.stream_id,
            node.stats_url,
            node.rtmp_host,
            node.rtmp_port,
            node.state == "leaving",
            node.changed_s,
        )
        for node in nodes
    ]


def live_streams(run: Run | None, draw: int) -> frozenset[str]:
    """Streams that the prober lately read at the ingest."""
    if run is None or run.draw < draw - INGEST_NEWS_DRAWS_MAX:
        return frozenset()
    return frozenset(name for name, state in run.streams.items() if state is IngestState.LIVE)
