"""The client for statistics: many small GETs at once, a sixth of the CPU that httpx takes.

One request a connection, no redirects, no proxies, no decompression, no TLS: statistics are served
over http. Why there are two clients stands in docs/adr.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter as now

from coordinator.adapters.outbound.exchange import Cut, Exchange, request_of
from coordinator.adapters.outbound.guard import Guard, Way, refusal_of
from coordinator.adapters.outbound.replies import LIMITS, Failed, Fetched, OutboundLimits
from coordinator.adapters.outbound.shared_timer import SharedTimer, StagedDeadline
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, HttpAddress


class PollClient:
    """Fetches from strangers. Holds no connections, so it needs no closing."""

    def __init__(self, guard: Guard, limits: OutboundLimits = LIMITS) -> None:
        self._guard = guard
        self._limits = limits
        self._timer = SharedTimer()

    async def get(
        self,
        address: HttpAddress,
        known: Reason | None = None,
        judge: Callable[[str], None] | None = None,
        *,
        at: str | None = None,
    ) -> Fetched | Failed:
        """One attempt at the stats; never raises for anything that the stranger does.

        `known`: why the node stands as it does, as far as it could be told. It is a hint only.
        `judge` is told the very address before it is connected to, and may refuse it.
        `at`: the IP address to connect to, whatever the host's name resolves to now."""
        if address.is_tls:
            raise ValueError(f"{address}: polls speak no TLS")
        started = now()
        try:
            way = await self._guard.way_to(at or address.host, self._limits)
            if judge is not None:
                judge(way.peer)
            body = await self._exchanged(way, address, known)
            return Fetched(body, way.peer)
        except AddressRefused as refused:
            return Failed(refused.reason, refused.detail, now() - started)

    async def _exchanged(self, way: Way, address: HttpAddress, known: Reason | None) -> bytes:
        """The body; AddressRefused for every way of not answering properly."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes | Cut] = loop.create_future()
        exchange = Exchange(request_of(address, known), self._limits, answer)
        deadline = StagedDeadline(self._timer, way.first_deadline, way.last_deadline)
        try:
            with deadline:
                await loop.create_connection(lambda: exchange, way.peer, address.port)
                deadline.is_first_stage = False
                found = await answer
        except OSError as error:  # TimeoutError is one
            connected = not deadline.is_first_stage
            raise refusal_of(error, way.peer, is_connected=connected) from None
        finally:
            exchange.abort()
        if isinstance(found, Cut):
            raise AddressRefused(found.reason, found.detail)
        return found
