"""GET a small JSON from a stranger, who may be hostile: guarded, bounded, and fast.

A name is resolved once, every address it has is judged, and the connection goes to the judged
address itself, so that a name which resolves differently the next moment gains nothing. Plain
HTTP, one request a connection, no redirects, no proxies, no decompression. Each stage has a
deadline and all together have one more, which no drip of bytes can move.
"""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from time import perf_counter as now

from coordinator.adapters.exchange import Cut, Exchange, OutboundLimits
from coordinator.adapters.stage_clock import TwoStageClock
from coordinator.addresses import AddressRefused, HttpAddress, check_addresses, is_ip, parse_host
from coordinator.reasons import Reason

__all__ = [
    "Failed",
    "Fetched",
    "Outbound",
    "OutboundLimits",
    "Resolve",
    "is_ours",
    "system_resolve",
]

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""From a host name to all of its addresses; raises OSError where it has none."""

LIMITS = OutboundLimits()
RESOLVERS_MAX = 64
"""Threads that wait for name servers: those of strangers may be slow on purpose."""
_OURS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.ENETDOWN}
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete answer with status 200. `peer` is the address it came from."""

    body: bytes
    peer: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no answer: a public reason, and a detail for the log and the operator."""

    reason: Reason
    detail: str
    seconds: float


async def system_resolve(host: str) -> Sequence[str]:
    """All addresses that the machine's resolver knows; OSError if there are none."""
    found = await asyncio.get_running_loop().run_in_executor(
        _resolvers(), lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    )
    return [str(address[0]) for *_, address in found]


@cache
def _resolvers() -> ThreadPoolExecutor:
    # The loop's own executor has six threads on a small machine: six slow names would fill it.
    return ThreadPoolExecutor(RESOLVERS_MAX, thread_name_prefix="resolve")


class Outbound:
    """Fetches from strangers. Holds no connections, so it needs no closing."""

    def __init__(
        self,
        *,
        allow_private: bool,
        limits: OutboundLimits = LIMITS,
        resolve: Resolve = system_resolve,
    ) -> None:
        self._allow_private = allow_private
        self._limits = limits
        self._resolve = resolve

    async def get(self, address: HttpAddress, *, at: str | None = None) -> Fetched | Failed:
        """One attempt at the stats; never raises for anything that the stranger does.

        `at`: the IP address to connect to, whatever the host's name resolves to now."""
        started = now()
        deadline = asyncio.get_running_loop().time() + self._limits.total_seconds
        try:
            peer = await self.resolve(at or address.host)
            body = await self._exchange(peer, address, deadline)
            return Fetched(body, peer, now() - started)
        except AddressRefused as refused:
            return Failed(refused.reason, refused.detail, now() - started)

    async def get_all(
        self,
        addresses: Iterable[HttpAddress],
        at_once: int,
        done: Callable[[int, Fetched | Failed], None],
    ) -> None:
        """Gets them all, `at_once` at a time, and tells the place and answer of each."""
        waiting = enumerate(addresses)

        async def work() -> None:
            for place, address in waiting:
                done(place, await self.get(address))

        async with asyncio.TaskGroup() as workers:
            for _ in range(at_once):
                workers.create_task(work())

    async def resolve(self, host: str) -> str:
        """The one address of `host` to connect to; AddressRefused if any of them is not allowed."""
        host = host if is_ip(host) else parse_host(host)
        if is_ip(host):
            return check_addresses([host], allow_private=self._allow_private)
        try:
            async with asyncio.timeout(self._limits.resolve_seconds):
                found = await self._resolve(host)
        except TimeoutError:
            raise AddressRefused(Reason.NAME_UNRESOLVED, "its name server is slow") from None
        except (OSError, UnicodeError) as error:
            raise AddressRefused(Reason.NAME_UNRESOLVED, str(error)) from None
        return check_addresses(found, allow_private=self._allow_private)

    async def _exchange(self, peer: str, address: HttpAddress, deadline: float) -> bytes:
        """The body; AddressRefused for every way of not answering properly."""
        loop = asyncio.get_running_loop()
        exchange = Exchange(address, self._limits, loop.create_future())
        first = min(deadline, loop.time() + self._limits.connect_seconds)
        clock = TwoStageClock(first, deadline)
        try:
            with clock:
                await loop.create_connection(lambda: exchange, peer, address.port)
                clock.is_first_stage = False
                answer = await exchange.answer
        except OSError as error:  # TimeoutError is one
            if not clock.is_first_stage:
                raise AddressRefused(Reason.STATS_TIMEOUT, "not complete in time") from None
            ours = is_ours(error, peer)
            reason = Reason.UNKNOWN_INTERNAL if ours else Reason.CONNECT_FAILED
            raise AddressRefused(reason, str(error) or "no answer to the connection") from None
        finally:
            exchange.abort()
        if isinstance(answer, Cut):
            raise AddressRefused(answer.reason, answer.detail)
        return answer


def is_ours(error: OSError, peer: str) -> bool:
    """True if a failure to connect says something about this machine and not about the node."""
    # No route for IPv4 means that we are cut off; for IPv6 many clouds have none at all, and an
    # operator who announces nothing else must be told so.
    no_route = error.errno == errno.ENETUNREACH and ":" not in peer
    return no_route or error.errno in _OURS
