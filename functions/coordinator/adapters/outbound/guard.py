"""Where a connection to a stranger may go: decided once, for every client, before it is made.

The stranger may be hostile. A name is resolved once, and every address that it has is judged. The
client then connects to the judged address itself: a name that resolves differently the next
moment gains nothing.
"""

import asyncio
import errno
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

from coordinator.adapters.outbound.control_names import (
    CONTROL_NAMES,
    CONTROL_NAMES_MAX,
    ControlNames,
    Resolve,
)
from coordinator.adapters.outbound.replies import LIMITS, OutboundLimits
from coordinator.reasons import Reason
from coordinator.strangers.addresses import AddressRefused, check_addresses, is_ip, parse_host

RESOLVERS_MAX = 64
"""Names looked up at once, a thread each, of names that answer and of others each: name servers of
strangers may be slow on purpose."""
ANSWERS_AFTER = 10
"""Lookups in a row that resolved, after which a name is one that answers. Whoever wants to be
silent in one minute has to answer in ten."""
NAMES_KEPT_MAX = 16_384
"""How many names are remembered: more than a roster has slots."""
NAME_KEPT_S = 30.0
"""So long a sweep goes by what a name server said, whatever that allows. Shorter than a minute, so
that whoever moves is followed by the next sweep."""
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
"""What a resolver says that works: it asked, and was told that the name has no address."""
_OURS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.ENETDOWN}
)


class Way(NamedTuple):
    """Where to connect to, and until when everything must be over."""

    peer: str
    """The judged address, as a literal: nothing resolves it again."""
    first_deadline: float
    """The loop's time at which the connection must be there."""
    last_deadline: float
    """And the one at which the answer must be."""


async def system_resolve(host: str) -> Sequence[str]:
    """All addresses that the machine's resolver knows; OSError if there are none."""
    found = await asyncio.get_running_loop().run_in_executor(
        _resolvers(), lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    )
    return [str(address[0]) for *_, address in found]


@cache
def _resolvers() -> ThreadPoolExecutor:
    # The loop's own executor has six threads on a small machine: six slow names would fill it.
    # Beside the strangers' there are threads for control names, of a round that was given up too.
    threads = 2 * RESOLVERS_MAX + 2 * CONTROL_NAMES_MAX
    return ThreadPoolExecutor(threads, thread_name_prefix="resolve")


@cache
def system_tls() -> ssl.SSLContext:
    """Certificate and name are verified, TLS 1.2 at least; SSL_CERT_FILE is honoured."""
    return ssl.create_default_context()


class Guard:
    """Judges hosts. One for each process: its places are the process's threads."""

    def __init__(
        self,
        *,
        allow_private: bool,
        resolve: Resolve = system_resolve,
        control_names: Sequence[str] = CONTROL_NAMES,
        kept_s: float = 0.0,
    ) -> None:
        """`control_names` tell whose fault it is that a name does not resolve. For `kept_s` after
        it resolved a name is not looked up again, and never twice at once: any number of nodes
        cost its name server one question."""
        self._allow_private = allow_private
        self._resolve = resolve
        self._controls = ControlNames(control_names, resolve)
        self._answering, self._others = _places(), _places()
        self._resolved: OrderedDict[str, int] = OrderedDict()
        """How often in a row a name resolved, up to now; 0 once it did not."""
        self._kept_s = kept_s
        self._kept: OrderedDict[str, tuple[Sequence[str], float]] = OrderedDict()
        """What a name resolved to, and until when that holds; the newest last."""
        self._asked: dict[str, asyncio.Future[Sequence[str]]] = {}
        """Look-ups under way."""

    async def resolve(self, host: str, limits: OutboundLimits = LIMITS) -> str:
        """The one address of `host` to connect to; AddressRefused if any of them is not allowed."""
        return (await self.way_to(host, limits)).peer

    async def way_to(self, host: str, limits: OutboundLimits) -> Way:
        """The same, and the deadlines of a connection that begins now.

        The last one counts from the stranger's own part on: waiting for a place is ours."""
        host = host if is_ip(host) else parse_host(host)
        if is_ip(host):
            now_s = _now()
            return self._way([host], now_s, now_s, limits)
        now_s = _now()
        if (kept := self._kept.get(host)) is not None and now_s < kept[1]:
            return self._way(kept[0], now_s, now_s, limits)
        lookup, is_first = await self._lookup(host, limits)
        asked_s = _now()
        try:
            async with asyncio.timeout(limits.resolve_seconds):
                found = await asyncio.shield(lookup)
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            refused = await self._unresolved(error, asked_s, limits)
            if not refused.reason.is_ours:
                self._remember(host, 0)
            raise refused from None
        if is_first:
            self._remember(host, self._resolved.get(host, 0) + 1)
            self._keep(host, found)
        return self._way(found, asked_s, _now(), limits)

    async def _lookup(
        self, host: str, limits: OutboundLimits
    ) -> tuple["asyncio.Future[Sequence[str]]", bool]:
        """One that is under way, or else the first, in a place of its own.

        One that is given up holds its thread, and so its place, until it ends by itself."""
        if (known := self._asked.get(host)) is not None:
            return known, False
        place = await self._place(host, limits)
        if (known := self._asked.get(host)) is not None:  # begun while this waited for a place
            place.release()
            return known, False

        def ended(lookup: "asyncio.Future[Sequence[str]]") -> None:
            place.release()
            del self._asked[host]
            if not lookup.cancelled():
                lookup.exception()  # of one that was given up, nobody else asks

        self._asked[host] = lookup = asyncio.ensure_future(self._resolve(host))
        lookup.add_done_callback(ended)
        return lookup, True

    def _keep(self, host: str, found: Sequence[str]) -> None:
        if not self._kept_s:
            return
        self._kept[host] = found, _now() + self._kept_s
        self._kept.move_to_end(host)
        if len(self._kept) > NAMES_KEPT_MAX:
            self._kept.popitem(last=False)

    async def _unresolved(
        self, error: OSError | UnicodeError, asked_s: float, limits: OutboundLimits
    ) -> AddressRefused:
        """Whose fault it is that a name, asked for at `asked_s`, did not resolve."""
        says = str(error) or "its name server is slow"
        is_told = isinstance(error, socket.gaierror) and error.errno in _NO_SUCH_NAME
        if is_told or isinstance(error, UnicodeError):
            return AddressRefused(Reason.NAME_UNRESOLVED, says)
        is_theirs = await self._controls.hold(asked_s, limits.resolve_seconds)
        return AddressRefused(
            Reason.NAME_UNRESOLVED if is_theirs else Reason.UNKNOWN_RESOLVER, says
        )

    def _way(self, ips: Sequence[str], begun_s: float, now_s: float, limits: OutboundLimits) -> Way:
        peer = check_addresses(ips, allow_private=self._allow_private)
        deadline = begun_s + limits.total_seconds
        return Way(peer, min(deadline, now_s + limits.connect_seconds), deadline)

    async def _place(self, host: str, limits: OutboundLimits) -> asyncio.Semaphore:
        """Waits for one of the places to look up a name; AddressRefused for none.

        Names that answer have places of their own, so a crowd of others cannot hold them up. Who
        did not resolve last time, and finds no place behind others like it, does not now. Of a
        name that was never asked for nobody knows: the first time that is our fault."""
        resolved = self._resolved.get(host)
        places = self._answering if (resolved or 0) >= ANSWERS_AFTER else self._others
        try:
            async with asyncio.timeout(limits.resolve_seconds):
                await places.acquire()
        except TimeoutError:
            detail = "other names took all our places to look one up"
            reason = Reason.NAME_UNRESOLVED if resolved == 0 else Reason.UNKNOWN_INTERNAL
            if resolved is None:
                self._remember(host, 0)
            raise AddressRefused(reason, detail) from None
        return places

    def _remember(self, host: str, resolved: int) -> None:
        self._resolved[host] = min(resolved, ANSWERS_AFTER)
        self._resolved.move_to_end(host)
        if len(self._resolved) > NAMES_KEPT_MAX:
            self._resolved.popitem(last=False)


def _places() -> asyncio.Semaphore:
    return asyncio.Semaphore(RESOLVERS_MAX)


def _now() -> float:
    return asyncio.get_running_loop().time()


def refusal_of(error: OSError, peer: str, *, is_connected: bool) -> AddressRefused:
    """Why there is no answer, for an error of the socket or a deadline that has passed."""
    if is_connected and isinstance(error, TimeoutError):
        return AddressRefused(Reason.STATS_TIMEOUT, "not complete in time")
    if is_connected:
        return AddressRefused(Reason.STATS_BAD_HTTP, f"the connection ended: {error}")
    reason = Reason.UNKNOWN_INTERNAL if is_ours(error, peer) else Reason.CONNECT_FAILED
    return AddressRefused(reason, str(error) or "no answer to the connection")


def is_ours(error: OSError, peer: str, is_routed: Callable[[str], bool] | None = None) -> bool:
    """True if a failure to connect says something about this machine and not about the node."""
    if error.errno == errno.ENETUNREACH:
        # For IPv6 many clouds have no route at all, and an operator who announces nothing else
        # must be told so.
        return ":" not in peer and not (is_routed or has_route)(peer)
    return error.errno in _OURS


def has_route(peer: str) -> bool:
    """Whether this machine knows a way to an IPv4 address; nothing is sent.

    "Network unreachable" comes from our own table of routes, or from anybody on the way, the node
    itself included: a rule of a firewall can answer each connection so. The table alone is ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((peer, 9))
        except OSError:
            return False
    return True
