"""How often one caller may call: token buckets per address and per key, in bounded memory.

Each instance of the api counts for itself: the limit keeps one caller from crowding out others,
it is no quota.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from math import ceil

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.callers import peer_of
from api.http.problems import Problem, ProblemKind
from coordinator.adapters.clock import Clock, steady

BURST_SECONDS = 10


@dataclass
class Rates:
    """`burst` calls at once, refilled at `per_second`; forgets the callers it saw longest ago.

    A forgotten caller starts with a full bucket, which is what an idle one would have: buckets
    are only forgotten early when more than `callers_max` are active, and then strangers gain
    at most one burst each."""

    per_second: float
    burst: int
    callers_max: int = 20_000
    _buckets: OrderedDict[str | int, tuple[float, float]] = field(default_factory=OrderedDict)
    """(tokens left, when that was), least lately seen first."""

    def wait_s(self, caller: str | int, now_s: float) -> int:
        """0 if the caller may go on, else whole seconds to wait; a refused call costs nothing."""
        left, at_s = self._buckets.pop(caller, (float(self.burst), now_s))
        left = min(float(self.burst), left + max(0.0, now_s - at_s) * self.per_second)
        may = left >= 1.0
        self._buckets[caller] = (left - 1.0 if may else left, now_s)
        while len(self._buckets) > self.callers_max:
            self._buckets.popitem(last=False)
        return 0 if may else ceil((1.0 - left) / self.per_second)

    def give_back(self, caller: str | int) -> None:
        """A call that `wait_s` let go on was refused for another reason: it costs nothing."""
        if caller in self._buckets:
            left, at_s = self._buckets[caller]
            self._buckets[caller] = (left + 1.0, at_s)


class RateLimit:
    """Answers 429 to an address, or a key, that calls more often than `per_second` in the long run.

    An address may be shared by many nodes behind one router, so it is given four times as much."""

    def __init__(self, app: ASGIApp, per_second: float, trusted_proxies: int, clock: Clock) -> None:
        self._app, self._proxies, self._clock = app, trusted_proxies, steady(clock)
        self._keys = Rates(per_second, round(per_second * BURST_SECONDS))
        self._addresses = Rates(4 * per_second, round(4 * per_second * BURST_SECONDS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on calls within the limits."""
        wait_s = 0
        if scope["type"] == "http":
            key = dict(scope["headers"]).get(b"authorization")
            client = (scope.get("client") or ("",))[0]
            wait_s = self.wait_s(peer_of(scope, self._proxies) or client, key)
        if not wait_s:
            await self._app(scope, receive, send)
            return
        problem = Problem(
            ProblemKind.TOO_MANY_REQUESTS, f"Call again in {wait_s} s.", retry_after=wait_s
        )
        await problem.response()(scope, receive, send)

    def wait_s(self, peer: str, key: bytes | None) -> int:
        """0 if the caller may go on, which counts, else whole seconds to wait, which does not."""
        now_s = self._clock()
        wait_s = self._addresses.wait_s(peer, now_s)
        if not wait_s and key:
            wait_s = self._keys.wait_s(hash(key), now_s)  # this process's own: no key is kept
            if wait_s:
                self._addresses.give_back(peer)
        return wait_s
