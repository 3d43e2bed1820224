"""The network as it is now, read at most once in a while whatever the number of readers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from coordinator.accounts import Accounts
from coordinator.adapters.clock import Clock
from coordinator.adapters.ledger import Ledger
from coordinator.adapters.records import Measurements
from coordinator.balances import Balance, lasts_seconds
from coordinator.epochs import Calendar
from coordinator.network import Network, network_of
from coordinator.rosters import Roster
from coordinator.streams import Stream
from coordinator.sweeps import Sweep

SWEEP_LASTS_S = 20.0
"""How long after its minute began a sweep is written at the latest, as a rule."""
ACCOUNTS_SWEEPS = 2
"""Accounts are asked after so many sweep intervals whether anything was settled."""
SPONSORED_SWEEPS = 10
"""Streams and balances are read again after so many sweep intervals at the latest."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that pages, lists and heartbeat answers are made of."""

    read_s: float
    streams: tuple[Stream, ...]
    balances: dict[str, Balance]
    network: Network

    def stream(self, stream_id: str) -> Stream | None:
        """The stream, if it is there."""
        return next((s for s in self.streams if s.stream_id == stream_id), None)

    def balance_micros(self, stream_id: str) -> int:
        """What is left; 0 for a stream without a balance."""
        balance = self.balances.get(stream_id)
        return balance.balance_micros if balance else 0

    def balance_lasts_seconds(self, stream: Stream, now_s: float, calendar: Calendar) -> int | None:
        """How long the stream can pay its verified nodes; None while it has none."""
        balance = self.balances.get(stream.stream_id)
        if balance is None:
            return None
        nodes = len(self.network.verified(stream.stream_id))
        return lasts_seconds(balance, stream, nodes, now_s, calendar)


@dataclass(frozen=True, slots=True)
class _Sponsored:
    """What changes rarely: streams and balances, and which settlements they have seen."""

    read_s: float
    streams: tuple[Stream, ...]
    balances: dict[str, Balance]
    applied: dict[str, int]


@dataclass
class Snapshots:
    """Reads a snapshot when there may be a newer one; one reader at a time, for all requests.

    A read a minute and shard for what sweeps change every minute; streams and balances only
    after a settlement and every few minutes; a roster only when a sweep says it was written."""

    measurements: Measurements
    ledger: Ledger
    sweep_seconds: int
    clock: Clock
    seconds_max: float = 2.0
    """At least so long between two readings."""
    _last: Snapshot | None = None
    _sponsored: _Sponsored | None = None
    _accounts: tuple[float, Accounts] | None = None
    """And when they were read."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def now(self) -> Snapshot:
        """The latest snapshot."""
        async with self._lock:
            if self._last is None or self._may_be_newer(self._last):
                self._last = await self._read()
            return self._last

    def forget(self) -> None:
        """After a write of our own that readers should see at once."""
        self._last = self._sponsored = self._accounts = None

    def _may_be_newer(self, last: Snapshot) -> bool:
        """Whether the next sweep can be there by now."""
        now_s, swept_s = self.clock(), last.network.swept_s
        if now_s - last.read_s <= self.seconds_max:
            return False
        lasts_s = min(SWEEP_LASTS_S, self.sweep_seconds / 3)
        return swept_s is None or now_s >= swept_s + self.sweep_seconds + lasts_s

    async def _read(self) -> Snapshot:
        read_s = self.clock()
        sweeps, book, accounts = await asyncio.gather(
            self.measurements.latest_sweeps(),
            self.measurements.trust(),
            self._read_accounts(read_s),
        )
        sponsored, rosters = await asyncio.gather(
            self._read_sponsored(read_s, dict(accounts.applied)), self._read_rosters(sweeps)
        )
        return Snapshot(
            read_s,
            sponsored.streams,
            sponsored.balances,
            network_of(rosters, sweeps, book, accounts, self.sweep_seconds),
        )

    async def _read_accounts(self, read_s: float) -> Accounts:
        """Seldom: they change when an epoch is settled."""
        lasts_s = ACCOUNTS_SWEEPS * self.sweep_seconds
        if self._accounts is None or read_s >= self._accounts[0] + lasts_s:
            self._accounts = read_s, await self.ledger.accounts()
        return self._accounts[1]

    async def _read_sponsored(self, read_s: float, applied: dict[str, int]) -> _Sponsored:
        last = self._sponsored
        lasts_s = SPONSORED_SWEEPS * self.sweep_seconds
        if last is None or last.applied != applied or read_s >= last.read_s + lasts_s:
            streams = await self.measurements.streams()
            found = await self.ledger.balances([stream.stream_id for stream in streams])
            balances = {balance.stream_id: balance for balance in found if balance}
            last = self._sponsored = _Sponsored(read_s, tuple(streams), balances, applied)
        return last

    async def _read_rosters(self, sweeps: Sequence[Sweep]) -> list[Roster]:
        if not sweeps:
            return [await self.measurements.roster(0)]
        return [await self.measurements.roster_of(sweep) for sweep in sweeps]
