"""GET a small JSON from a stranger, or POST one there: guarded, bounded, and fast.

The stranger may be hostile. A name is resolved once, every address it has is judged, and the
connection goes to the judged address itself, so that a name which resolves differently the next
moment gains nothing; TLS still asks for the name and verifies it. One request a connection, no
redirects, no proxies, no decompression. Each stage has a deadline and all together have one more,
which no drip of bytes can move.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from time import perf_counter as now
from typing import TypeVar

from coordinator.adapters.exchange import Cut, Exchange, OutboundLimits
from coordinator.adapters.posting import Posting
from coordinator.adapters.stage_clock import Bell, TwoStageClock
from coordinator.adapters.talk import Talk
from coordinator.reasons import Reason
from coordinator.strangers.addresses import (
    AddressRefused,
    HttpAddress,
    check_addresses,
    is_ip,
    parse_host,
)

__all__ = [
    "Failed",
    "Fetched",
    "Outbound",
    "OutboundLimits",
    "Posted",
    "Resolve",
    "is_ours",
    "system_resolve",
]

Answer = TypeVar("Answer", bytes, int)
Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""From a host name to all of its addresses; raises OSError where it has none.

It ends by itself: a thread that asks a name server cannot be told to stop."""

LIMITS = OutboundLimits()
RESOLVERS_MAX = 64
"""Names looked up at once, a thread each: name servers of strangers may be slow on purpose."""
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
class Posted:
    """The status that a POST was answered with, whatever it is; `peer` answered."""

    status: int
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


@cache
def _system_tls() -> ssl.SSLContext:
    """Certificate and name are verified, TLS 1.2 at least; SSL_CERT_FILE is honoured."""
    return ssl.create_default_context()


class Outbound:
    """Fetches from strangers. Holds no connections, so it needs no closing."""

    def __init__(
        self,
        *,
        allow_private: bool,
        limits: OutboundLimits = LIMITS,
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls`: whom to believe; by default the authorities that this system trusts."""
        self._allow_private = allow_private
        self._limits = limits
        self._resolve = resolve
        self._tls = tls
        self._bell = Bell()
        self._lookups = asyncio.Semaphore(RESOLVERS_MAX)

    async def get(self, address: HttpAddress, *, at: str | None = None) -> Fetched | Failed:
        """One attempt at the stats; never raises for anything that the stranger does.

        `at`: the IP address to connect to, whatever the host's name resolves to now."""
        started = now()
        try:
            peer, deadline = await self._judged(at or address.host)
            body = await self._exchange(peer, address, deadline)
            return Fetched(body, peer, now() - started)
        except AddressRefused as refused:
            return Failed(refused.reason, refused.detail, now() - started)

    async def post(
        self, address: HttpAddress, headers: Mapping[str, str], body: bytes
    ) -> Posted | Failed:
        """One attempt; never raises for anything that the stranger does.

        Header values are ASCII and of one line. The rest of the answer is not read."""
        started = now()
        try:
            peer, deadline = await self._judged(address.host)
            status = await self._post(peer, address, headers, body, deadline)
            return Posted(status, peer, now() - started)
        except AddressRefused as refused:
            return Failed(refused.reason, refused.detail, now() - started)

    async def resolve(self, host: str) -> str:
        """The one address of `host` to connect to; AddressRefused if any of them is not allowed."""
        return (await self._judged(host))[0]

    async def _judged(self, host: str) -> tuple[str, float]:
        """(the address to connect to, the loop's time at which all must be over).

        That time begins with the stranger's own part: waiting for a place is ours."""
        host = host if is_ip(host) else parse_host(host)
        if is_ip(host):
            return check_addresses([host], allow_private=self._allow_private), self._deadline()
        await self._place()
        deadline = self._deadline()
        # A lookup that is given up holds its thread, and so its place, until it ends by itself.
        lookup = asyncio.ensure_future(self._resolve(host))
        lookup.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(self._limits.resolve_seconds):
                found = await asyncio.shield(lookup)
        except TimeoutError:
            raise AddressRefused(Reason.NAME_UNRESOLVED, "its name server is slow") from None
        except (OSError, UnicodeError) as error:
            raise AddressRefused(Reason.NAME_UNRESOLVED, str(error)) from None
        return check_addresses(found, allow_private=self._allow_private), deadline

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._limits.total_seconds

    async def _place(self) -> None:
        """Waits for one of the places to look up a name; AddressRefused, by our fault, for none."""
        try:
            async with asyncio.timeout(self._limits.resolve_seconds):
                await self._lookups.acquire()
        except TimeoutError:
            detail = "other names took all our places to look one up"
            raise AddressRefused(Reason.UNKNOWN_INTERNAL, detail) from None

    def _ended(self, lookup: "asyncio.Future[Sequence[str]]") -> None:
        self._lookups.release()
        if not lookup.cancelled():
            lookup.exception()  # of one that was given up, nobody else asks

    async def _exchange(self, peer: str, address: HttpAddress, deadline: float) -> bytes:
        answer: asyncio.Future[bytes | Cut] = asyncio.get_running_loop().create_future()
        return await self._talk(Exchange(address, self._limits, answer), peer, address, deadline)

    async def _post(
        self,
        peer: str,
        address: HttpAddress,
        headers: Mapping[str, str],
        body: bytes,
        deadline: float,
    ) -> int:
        answer: asyncio.Future[int | Cut] = asyncio.get_running_loop().create_future()
        return await self._talk(Posting(address, headers, body, answer), peer, address, deadline)

    async def _talk(
        self, talk: Talk[Answer | Cut], peer: str, address: HttpAddress, deadline: float
    ) -> Answer:
        """The answer; AddressRefused for every way of not answering properly."""
        loop = asyncio.get_running_loop()
        first = min(deadline, loop.time() + self._limits.connect_seconds)
        clock = TwoStageClock(self._bell, first, deadline)
        # To the judged address; the certificate must be the name's all the same.
        tls = (self._tls or _system_tls(), address.host) if address.is_tls else (None, None)
        try:
            with clock:
                await loop.create_connection(
                    lambda: talk, peer, address.port, ssl=tls[0], server_hostname=tls[1]
                )
                clock.is_first_stage = False
                answer = await talk.answer
        except OSError as error:  # TimeoutError is one
            if not clock.is_first_stage:
                raise AddressRefused(Reason.STATS_TIMEOUT, "not complete in time") from None
            ours = is_ours(error, peer)
            reason = Reason.UNKNOWN_INTERNAL if ours else Reason.CONNECT_FAILED
            raise AddressRefused(reason, str(error) or "no answer to the connection") from None
        finally:
            talk.abort()
        if isinstance(answer, Cut):
            raise AddressRefused(answer.reason, answer.detail)
        return answer


def is_ours(error: OSError, peer: str) -> bool:
    """True if a failure to connect says something about this machine and not about the node."""
    # No route for IPv4 means that we are cut off; for IPv6 many clouds have none at all, and an
    # operator who announces nothing else must be told so.
    no_route = error.errno == errno.ENETUNREACH and ":" not in peer
    return no_route or error.errno in _OURS
