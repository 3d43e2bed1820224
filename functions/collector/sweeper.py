"""One sweep: take in who joined and left, poll everyone, write one document."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import SystemRandom
from typing import Any

from collector.asked_addresses import AskedAddresses, answered_there, in_order
from collector.network_projector import NetworkProjector
from collector.poller import Poller
from collector.roller import Roller
from collector.room_warning import warn_of_room
from collector.shard_state import (
    KEPT_TICKS,
    READ_AGAIN_TICKS,
    ShardState,
    put_away,
    read_state,
    rows_before,
)
from coordinator.adapters.clock import Clock, steady
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.identities import CHANGED_NODES_MAX
from coordinator.adapters.store.protocol import StoreError
from coordinator.checking.checks import IngestState, Run
from coordinator.epochs import Calendar
from coordinator.reasons import Reason
from coordinator.strangers.relay_stats import Media, RelayStats
from coordinator.sweeping.compaction import succeeding, wants_compaction
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.polls import Poll, outcome_of
from coordinator.sweeping.rosters import CURSOR_OVERLAP_S, Announcement, Roster
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import Sweep
from coordinator.sweeping.tenures import tallied

SWEEP_SHARE_MAX = 0.9
"""No poll begins later in its tick: the next sweep is not to wait for this one."""
INGEST_NEWS_DRAWS_MAX = 3
"""How many draws old the prober's word about the ingest may be."""


@dataclass
class Sweeper:
    """Sweeps shards; one instance per process, so that a tick is swept once by it."""

    measurements: Measurements
    client: PollClient
    calendar: Calendar
    clock: Clock
    log: Log
    shards: int = 1
    _locks: dict[Shard, asyncio.Lock] = field(default_factory=dict)
    _states: dict[Shard, ShardState] = field(default_factory=dict)
    """After sweeps that this instance wrote itself."""
    _asked: dict[Shard, AskedAddresses] = field(default_factory=dict)
    _chance: SystemRandom = field(default_factory=SystemRandom)
    _roller: Roller = field(init=False)
    _projector: NetworkProjector = field(init=False)

    def __post_init__(self) -> None:
        self._roller = Roller(self.measurements, self.calendar)
        self._projector = NetworkProjector(self.measurements, self.calendar, self.clock, self.log)

    async def sweep(self, number: int) -> dict[str, Any]:
        """Sweeps the present tick of a shard unless that was done before; says what came of it.

        Two triggers of one tick, at once or one after the other, give one document: the second
        waits for the first and finds it."""
        shard = Shard(number, self.shards)
        async with self._locks.setdefault(shard, asyncio.Lock()):
            return await self._sweep_once(shard, self.calendar.tick_at(self.clock()))

    async def _sweep_once(self, shard: Shard, tick: int) -> dict[str, Any]:
        state = self._states.get(shard)
        swept = state is not None and state.tick == tick
        # Who swept the tick before goes on without asking: the document is created once anyway.
        asks = state is None or state.tick != tick - 1 or await self._was_closed(state, tick)
        if swept or (asks and await self.measurements.has_sweep(shard, tick)):
            return _duplicate(shard, tick)
        self._states.pop(shard, None)
        if state is None or asks:
            state = await read_state(self.measurements, shard, tick, self.clock())
        started_s = steady(self.clock)()
        ready = await self._brought_up_to_date(state, tick)
        if ready is None:  # another instance is at this very tick
            return _duplicate(shard, tick)
        # Before the polls: when SHARDS was changed, others soon write over the old ones.
        document = await self._projector.before(shard, tick)
        polls = await self._poll_all(ready, tick, document.told_reasons() if document else {})
        roster = ready.roster
        before = state.roster
        is_next = (roster.version, roster.revision) == (before.version, before.revision + 1)
        sweep = Sweep(
            shard,
            tick,
            roster.version,
            polls,
            roster.revision,
            ready.cursor_s,
            roster.changed_since(before) if is_next else {},
            ready.since_tick,
        )
        created = await self.measurements.create_sweep(sweep, self.clock())
        if created:
            self._states[shard] = replace(ready, tick=tick, polls=polls)
            rolled = await self._roll_up(sweep, roster, state.tick)
            seconds = round(steady(self.clock)() - started_s, 3)
            await self._projector.publish(document, sweep, roster, seconds, rolled=rolled)
            warn_of_room(roster, self.log)
        return self._summary(sweep, created, started_s)

    async def _was_closed(self, state: ShardState, tick: int) -> bool:
        """Whether the roster is another than the one that is known; asked now and then."""
        if tick % READ_AGAIN_TICKS:
            return False
        roster = state.roster
        stored = await self.measurements.roster(roster.shard, roster.version)
        return stored.revision != roster.revision

    async def _roll_up(self, sweep: Sweep, roster: Roster, last_tick: int) -> bool:
        """Whether the hours before this one are rolled up, as far as they were swept."""
        try:
            return await self._roller.after(sweep, roster, last_tick, self.clock())
        except StoreError as error:  # the sweep is written; the next one tries again
            self.log.failure(LogEvent.ROLLUP_FAILED, error, shard=sweep.shard.number)
            return False

    async def _brought_up_to_date(self, state: ShardState, tick: int) -> ShardState | None:
        """With all changes taken in, written if there were any; None if somebody was faster."""
        before, since_s = state.roster, max(0.0, state.cursor_s - CURSOR_OVERLAP_S)
        cursor_s, ours = await self._changed(before.shard, since_s)
        if wants_compaction(before, tick - KEPT_TICKS, ours):
            compacted = await self._compacted(before, tick, ours)
            if compacted is None:
                return None
            state, before = state.moved_to(compacted), compacted
            # Once more: minutes of those whose slots were dropped stand in their documents now.
            cursor_s, ours = await self._changed(before.shard, since_s)
        networks = self._asked.setdefault(before.shard, AskedAddresses(self.shards)).networks
        changed_roster = state.still_polled(tick).taking_in(ours, tick, networks)
        roster = tallied(changed_roster, before, state.polls)
        if roster.slots != before.slots:
            written = await self.measurements.replace_roster(roster, before)
            if written is None:
                return None
            roster = written
        return replace(state, roster=replace(roster, cursor_s=cursor_s), cursor_s=cursor_s)

    async def _changed(self, shard: Shard, since_s: float) -> tuple[float, list[Announcement]]:
        """Up to when node documents have been read, and what those of the shard announce."""
        cursor_s = self.clock()
        changed = await self.measurements.changed_nodes(since_s)
        if len(changed) >= CHANGED_NODES_MAX:  # there are more: the next sweep goes on there
            cursor_s = changed[-1].changed_s + CURSOR_OVERLAP_S
        ours = (node for node in changed if shard.holds(node.node_id))
        return cursor_s, announced(ours, self.calendar)

    async def _compacted(
        self, roster: Roster, tick: int, coming: list[Announcement]
    ) -> Roster | None:
        since = tick - KEPT_TICKS
        new = succeeding([roster], roster.shard, tick, kept_since_tick=since, coming=coming)
        await put_away(self.measurements, [roster], [new])
        return await self.measurements.succeed_roster(new, roster, self.clock())

    async def _poll_all(
        self, state: ShardState, tick: int, known: Mapping[str, Reason]
    ) -> dict[int, Poll]:
        before = await rows_before(self._roller.ingest, state, tick)
        slots, polls = state.roster.slots, dict[int, Poll]()
        waiting: dict[int, RelayStats] = {}

        def told(at: int, answer: RelayStats | Reason) -> None:
            if isinstance(answer, RelayStats) and answer.media is Media.WAITING:
                waiting[at] = answer  # whether there is something to wait for is not known yet
            else:
                polls[at] = outcome_of(
                    slots[at], answer, before.get(at), stream_is_live=False, tick=tick
                )

        due = [(at, slot) for at, slot in enumerate(slots) if slot.is_polled_at(tick)]
        due = in_order(due, before, self._chance)
        seconds_max = SWEEP_SHARE_MAX * self.calendar.sweep_seconds
        answered = answered_there(slots, before, state.tick * self.calendar.sweep_seconds)
        asked = self._asked[state.roster.shard].at(tick, (slot for _, slot in due), answered)
        await Poller(self.client, self.log, known=known, asked=asked).poll(due, told, seconds_max)
        live = await self._live_streams() if waiting else frozenset()
        for at, stats in waiting.items():
            is_live = slots[at].stream_id in live
            polls[at] = outcome_of(
                slots[at], stats, before.get(at), stream_is_live=is_live, tick=tick
            )
        return dict(sorted(polls.items()))  # they were asked in an order of chance

    async def _live_streams(self) -> frozenset[str]:
        runs = await self.measurements.latest_runs()
        return live_streams(runs, self.calendar.draw_at(self.clock()))

    def _summary(self, sweep: Sweep, created: bool, started_s: float) -> dict[str, Any]:
        return {
            "shard": sweep.shard.number,
            "tick": sweep.tick,
            "result": "swept" if created else "duplicate",
            "polled": len(sweep.polls),
            "outcomes": Counter(poll.outcome for poll in sweep.polls.values()),
            "seconds": round(steady(self.clock)() - started_s, 3),
        }


def _duplicate(shard: Shard, tick: int) -> dict[str, Any]:
    return {"shard": shard.number, "tick": tick, "result": "duplicate"}


def announced(nodes: Iterable[Node], calendar: Calendar) -> list[Announcement]:
    """What changed node documents tell the roster."""
    return [
        Announcement(
            node.node_id,
            node.stream_id,
            node.stats_url,
            node.rtmp_host,
            node.rtmp_port,
            node.state == "leaving",
            node.changed_s,
            calendar.tick_at(node.joined_s),
            node.minutes_due,
            node.minutes_up,
            node.away_tick,
            node.left_s,
            node.calls_from_there,
        )
        for node in nodes
    ]


def live_streams(runs: Iterable[Run], draw: int) -> frozenset[str]:
    """Streams that the prober, or a part of it, lately read at the ingest."""
    return frozenset(
        name
        for run in runs
        if run.draw >= draw - INGEST_NEWS_DRAWS_MAX
        for name, state in run.streams.items()
        if state is IngestState.LIVE
    )
