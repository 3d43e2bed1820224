"""The network as it is now, read at most once in a while whatever the number of readers."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from coordinator.adapters.clock import Clock
from coordinator.adapters.ledger import Ledger
from coordinator.adapters.materialising import Materialiser
from coordinator.adapters.records import Measurements
from coordinator.adapters.store import StoreError
from coordinator.balances import Balance, lasts_seconds
from coordinator.epochs import Calendar
from coordinator.money_pages import MoneyPage
from coordinator.network import Network, network_of
from coordinator.network_pages import NetworkPage, bare_page
from coordinator.streams import Stream

SWEEP_LASTS_S = 20.0
"""How long after its minute began a sweep is written at the latest, as a rule."""
MONEY_SWEEPS = 4
"""Streams and tokens are read again after so many sweep intervals."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that pages, lists and heartbeat answers are made of."""

    read_s: float
    streams: tuple[Stream, ...]
    """Newest first."""
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


@dataclass
class Snapshots:
    """Reads a snapshot when there may be a newer one; one reader at a time, for all requests.

    It is made of the pages that collector and payout write: a read a minute and shard, and one
    every few minutes for streams and tokens."""

    measurements: Measurements
    ledger: Ledger
    sweep_seconds: int
    clock: Clock
    seconds_max: float = 2.0
    """At least so long between two readings."""
    _last: Snapshot | None = None
    _money: tuple[float, MoneyPage] | None = None
    """And when it was read."""
    _unshown: set[str] = field(default_factory=set)
    """Streams whose tokens moved here, and that could not be written into the page."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _materialiser: Materialiser = field(init=False)

    def __post_init__(self) -> None:
        self._materialiser = Materialiser(self.measurements, self.ledger, self.clock)

    async def now(self) -> Snapshot:
        """The latest snapshot."""
        async with self._lock:
            if self._last is None or self._may_be_newer(self._last):
                self._last = await self._read()
            return self._last

    async def changed(self, stream_id: str) -> None:
        """After a stream or its balance was changed here: everyone is to see it at once.

        The change is made already: if it cannot be shown now, the next reading tries again."""
        self._unshown.add(stream_id)
        with suppress(StoreError):
            await self._show()
        async with self._lock:  # a reading that began before would be older
            self.forget()

    def forget(self) -> None:
        """The next one to ask reads anew."""
        self._last = self._money = None

    def _may_be_newer(self, last: Snapshot) -> bool:
        """Whether the next sweep can be there by now."""
        now_s, swept_s = self.clock(), last.network.swept_s
        if now_s - last.read_s <= self.seconds_max:
            return False
        lasts_s = min(SWEEP_LASTS_S, self.sweep_seconds / 3)
        return swept_s is None or now_s >= swept_s + self.sweep_seconds + lasts_s

    async def _read(self) -> Snapshot:
        read_s = self.clock()
        pages, money = await asyncio.gather(self._read_network(), self._read_money(read_s))
        streams = sorted(money.streams.values(), key=lambda stream: stream.created_s, reverse=True)
        # Ten thousand nodes are a tenth of a second of work: others are answered meanwhile.
        network = await asyncio.to_thread(network_of, pages, money.tokens, self.sweep_seconds)
        return Snapshot(read_s, tuple(streams), dict(money.balances), network)

    async def _read_network(self) -> list[NetworkPage]:
        return await self.measurements.network_pages() or await self._joined()

    async def _joined(self) -> list[NetworkPage]:
        """What pages would say, from the documents behind them: before the first was written."""
        sweeps, book = await asyncio.gather(
            self.measurements.latest_sweeps(), self.measurements.trust()
        )
        if not sweeps:
            return [bare_page(await self.measurements.roster(0), None, book, 1)]
        rosters = [await self.measurements.roster_of(sweep) for sweep in sweeps]
        pairs = zip(rosters, sweeps, strict=True)
        return [bare_page(roster, sweep, book, len(sweeps)) for roster, sweep in pairs]

    async def _read_money(self, read_s: float) -> MoneyPage:
        lasts_s = MONEY_SWEEPS * self.sweep_seconds
        if self._unshown:
            await self._show()
            self._money = None
        if self._money is None or read_s >= self._money[0] + lasts_s:
            self._money = read_s, await self._materialiser.page()
        return self._money[1]

    async def _show(self) -> None:
        shown = set(self._unshown)
        await self._materialiser.refresh(shown)
        self._unshown -= shown
