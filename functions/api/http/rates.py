"""How often one caller may call: by key, by node at its address, by address and by network."""

import base64
import re
from math import ceil

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.callers import key_in, peer_of
from api.http.problems import Problem, ProblemKind
from coordinator.adapters.clock import Clock, steady
from coordinator.strangers.networks import one_address, places_of
from coordinator.strangers.token_buckets import Rates

BURST_SECONDS = 10
ADDRESS_FACTOR = 4
"""An address may be shared by many nodes behind one router."""
NETWORK_FACTOR = 16
"""And a /24 or a /48 by many addresses; but a household has 2^16 of a /48."""
NODE_PART = 10
"""A node has something to say once in 30 s: a tenth of what a key may. So forty nodes that turn
wild take what an address has, and no single one does."""
_CLAIMED = re.compile(rb'keyid="([A-Za-z0-9+/]{43}=)"')
_LIMIT = "api.rate_limit"
"""Where a request's scope has who counts it, and the address that it came from."""


class RateLimit:
    """Answers 429 to whoever calls more often than `per_second` allows in the long run.

    A node shows no key that could be counted before it is verified. So it is counted afterwards,
    by `require_node`. From then on whatever claims to be that node, at that address, is refused
    before the address is counted: its neighbours lose nothing by it. Who claims to be a node that
    is within its rate is counted like anybody, so that nobody is shut out in another's name."""

    def __init__(self, app: ASGIApp, per_second: float, trusted_proxies: int, clock: Clock) -> None:
        self._app, self._proxies, self._clock = app, trusted_proxies, steady(clock)
        self._keys = _rates(per_second)
        self._nodes = _rates(per_second / NODE_PART)
        self._addresses = _rates(ADDRESS_FACTOR * per_second)
        self._networks = _rates(NETWORK_FACTOR * per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on calls within the limits."""
        wait_s = 0
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            client = (scope.get("client") or ("",))[0]
            peer = peer_of(scope, self._proxies) or client
            scope[_LIMIT] = (self, peer)
            claimed = _CLAIMED.search(headers.get(b"signature-input", b""))
            node = claimed[1].decode("ascii") if claimed else None
            wait_s = self.wait_s(peer, headers.get(b"authorization"), node)
        if not wait_s:
            await self._app(scope, receive, send)
            return
        await _too_often(wait_s).response()(scope, receive, send)

    def wait_s(self, peer: str, key: bytes | None, claimed_node: str | None = None) -> int:
        """0 if the caller may go on, which counts, else whole seconds to wait, which does not."""
        now_s, place = self._clock(), one_address(peer) or peer
        if claimed_node:
            wait_s = self._nodes.would_wait_s(f"{claimed_node} {place}", now_s)
            if wait_s:
                return wait_s
        network = places_of(peer)[1]
        counted: list[tuple[Rates, str | int]] = [(self._addresses, place)]
        if network:
            counted.append((self._networks, network))
        if key:
            counted.append((self._keys, hash(_key_in(key))))  # this process's own: none is kept
        return _wait_s(counted, now_s)

    def node_wait_s(self, peer: str, public_key: bytes) -> int:
        """The same for a node whose signature is verified."""
        key = base64.b64encode(public_key).decode("ascii")
        return self._nodes.wait_s(f"{key} {one_address(peer) or peer}", self._clock())


def require_node(scope: Scope, public_key: bytes) -> None:
    """Counts a request that a node has signed, by its key and address: a captured one that is sent
    from elsewhere costs the node nothing. A problem if it calls too often."""
    limit, peer = scope.get(_LIMIT, (None, ""))
    wait_s = limit.node_wait_s(peer, public_key) if limit else 0
    if wait_s:
        raise _too_often(wait_s)


def _key_in(authorization: bytes) -> str:
    """The key alone: however the scheme and the spaces are written, it is one caller's."""
    return key_in(authorization.decode("latin-1"))[1]


def _too_often(wait_s: int) -> Problem:
    says = f"Call again in {wait_s} s."
    return Problem(ProblemKind.TOO_MANY_REQUESTS, says, retry_after=wait_s)


def _rates(per_second: float) -> Rates:
    return Rates(per_second, ceil(per_second * BURST_SECONDS))


def _wait_s(counted: list[tuple[Rates, str | int]], now_s: float) -> int:
    """0 if all let it go on; else nothing is counted."""
    for at, (rates, caller) in enumerate(counted):
        wait_s = rates.wait_s(caller, now_s)
        if wait_s:
            for earlier, known in counted[:at]:
                earlier.give_back(known)
            return wait_s
    return 0
