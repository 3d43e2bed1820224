"""Asking many nodes for their stats: many at a time, each within its limits, by a deadline."""

import asyncio
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial

from collector.asked_addresses import AskedNow
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.outbound.replies import Failed
from coordinator.adapters.worker_pool import work_through
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, HttpAddress, parse_stats_url
from coordinator.strangers.relay_stats import RelayStats, StatsInvalid, parse_stats
from coordinator.sweeping.rosters import Slot

POLLS_AT_ONCE_MAX = 1_000
"""Dead nodes hold their places for seconds: fewer places make a sweep longer, not lighter."""

GARBAGE_THRESHOLD = 50_000
"""New objects that outnumber the freed ones before circles are looked for; usually 700."""

Told = Callable[[int, RelayStats | Reason], None]
"""Takes a slot's number and what came of asking it."""


@dataclass(frozen=True, slots=True)
class Poller:
    """Polls slots through the guarded client."""

    client: PollClient
    log: Log
    at_once: int = POLLS_AT_ONCE_MAX
    known: Mapping[str, Reason] = field(default_factory=dict)
    """By node id: the reason that it would be told. Its poll says it; nothing of who is absent."""
    asked: AskedNow = field(default_factory=AskedNow)

    async def poll(self, due: Iterable[tuple[int, Slot]], told: Told, seconds_max: float) -> None:
        """Asks every slot once, in order, and tells each answer as it comes.

        Whoever is still waiting after `seconds_max` is not asked any more: that is our fault."""
        now = asyncio.get_running_loop().time
        deadline = now() + seconds_max

        async def poll(one: tuple[int, Slot]) -> None:
            at, slot = one
            late = now() > deadline
            told(at, Reason.UNKNOWN_INTERNAL if late else await self.ask(slot))

        with _rare_garbage_collection():
            await work_through(due, poll, at_once=self.at_once)

    async def ask(self, slot: Slot) -> RelayStats | Reason:
        """What the node's stats say, or why there are none; an error of ours is `unknown`."""
        try:
            fetched = await self.client.get(
                _address_of(slot.stats_url),
                self.known.get(slot.node_id),
                partial(self.asked.require, slot),
            )
            if isinstance(fetched, Failed):
                return fetched.reason
            stats = parse_stats(fetched.body, slot.stream_id)
            if stats.node_id == slot.node_id:
                self.asked.answered(slot.node_id, fetched.peer)
            return stats
        except AddressRefused as refused:
            return refused.reason
        except StatsInvalid:
            return Reason.STATS_INVALID
        except Exception as error:
            self.log.failure(LogEvent.POLL_FAILED, error, node_id=slot.node_id)
            return Reason.UNKNOWN_INTERNAL


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """A poll leaves no circles behind, yet looking for some took a sixth of its time."""
    usual = gc.get_threshold()
    gc.set_threshold(GARBAGE_THRESHOLD, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@lru_cache(maxsize=16_384)
def _address_of(stats_url: str) -> HttpAddress:
    """Parsed once and not every minute; what it resolves to is judged at every poll."""
    return parse_stats_url(stats_url)
