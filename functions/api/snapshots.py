"""The network as it is now, read at most once in a while whatever the number of readers."""

import asyncio
from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock
from coordinator.adapters.records import Ledger, Measurements
from coordinator.network import Network, network_of
from coordinator.streams import Balance, Stream


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


@dataclass
class Snapshots:
    """Reads a snapshot when the last one is older than `seconds_max`; one reader at a time."""

    measurements: Measurements
    ledger: Ledger
    sweep_seconds: int
    clock: Clock
    seconds_max: float = 2.0
    _last: Snapshot | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def now(self) -> Snapshot:
        """The latest snapshot."""
        async with self._lock:
            if self._last is None or self.clock() - self._last.read_s > self.seconds_max:
                self._last = await self._read()
            return self._last

    def forget(self) -> None:
        """After a write of our own that readers should see at once."""
        self._last = None

    async def _read(self) -> Snapshot:
        read_s = self.clock()
        streams, sweeps, book, accounts = await asyncio.gather(
            self.measurements.streams(),
            self.measurements.latest_sweeps(),
            self.measurements.trust(),
            self.ledger.accounts(),
        )
        rosters = [await self.measurements.roster(0)]
        balances = await self.ledger.balances([stream.stream_id for stream in streams])
        return Snapshot(
            read_s,
            tuple(streams),
            {balance.stream_id: balance for balance in balances if balance},
            network_of(rosters, sweeps, book, accounts, self.sweep_seconds),
        )
