"""The network as it is now, read at most once in a while whatever the number of readers."""

import asyncio
from dataclasses import dataclass, field

from api.services.listing_reader import NEWS_SECONDS, ListingReader
from coordinator.adapters.clock import Clock, steady
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.materialiser import Materialiser
from coordinator.adapters.records.projection_documents import ProjectionWriter
from coordinator.adapters.store.protocol import StoreError
from coordinator.epochs import Calendar
from coordinator.ledger.balances import Balance, lasts_seconds
from coordinator.projections.money_projection import MoneyProjection
from coordinator.projections.network_document import NetworkDocument, bare_document
from coordinator.projections.network_view import NetworkView, network_of
from coordinator.streams import Stream, StreamStatus, stream_status
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE

SWEEP_LASTS_S = 20.0
"""How long after its minute began a sweep is written at the latest, as a rule."""
MONEY_SWEEPS = 4  # between two readings of streams and tokens, in sweep intervals


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that pages, lists and heartbeat answers are made of."""

    read_s: float
    streams: tuple[Stream, ...]
    """Newest first."""
    balances: dict[str, Balance]
    network: NetworkView
    _by_id: dict[str, Stream] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {s.stream_id: s for s in self.streams})

    def stream(self, stream_id: str) -> Stream | None:
        """The stream, if it is there."""
        return self._by_id.get(stream_id)

    def status_of(self, stream: Stream, now_s: float) -> StreamStatus:
        """Whether the stream pays; one without a balance does not."""
        balance = self.balances.get(stream.stream_id)
        return stream_status(stream, balance.spendable_micros(now_s) if balance else 0, now_s)

    def unverified_since(self, stream: Stream) -> int | None:
        """Since when nobody could be verified on the stream, because of what is published."""
        prober, published_s = self.network.prober, stream.media.since_s
        return prober.unverified_since(stream.stream_id, self.read_s, published_s)

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

    It is made of the projections of collector and payout: a read a minute and shard, and one every
    few minutes for streams and tokens. Who needs no tokens, or brings them along, reads the
    first only. Who shows lists of nodes reads the prober's news too, several times a minute."""

    measurements: Measurements
    ledger: Ledger
    sweep_seconds: int
    clock: Clock
    seconds_max: float = 2.0
    """At least so long between two readings."""
    writer: ProjectionWriter | None = None
    """Shows changes of streams on the streams' own projections too."""
    _network: tuple[float, NetworkView] | None = None
    """Without tokens and as the sweep left it, and when it was read."""
    _newer_s: float = 0.0
    """From when on there may be a newer one, by the steady clock; so is the next."""
    _money: tuple[float, MoneyProjection] | None = None
    """And when it was read."""
    _last: tuple[NetworkView, MoneyProjection, Snapshot] | None = None
    """And what it was made of."""
    _unshown: set[str] = field(default_factory=set)
    """Streams whose tokens moved here, and that could not be written into the projection."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _materialiser: Materialiser = field(init=False)
    _listings: ListingReader = field(init=False)
    _steady: Clock = field(init=False)

    def __post_init__(self) -> None:
        self._steady = steady(self.clock)
        self._materialiser = Materialiser(self.measurements, self.ledger, self.clock)
        often_s = min(NEWS_SECONDS, self.sweep_seconds / 4)
        self._listings = ListingReader(self.measurements, self.clock, often_s)

    async def now(self) -> Snapshot:
        """The latest snapshot, for whoever shows who stands on lists."""
        return await self._latest(lists=True)

    async def swept(self) -> Snapshot:
        """The latest snapshot for all others: no news of lists are read for it.

        A node that has left lists since the last sweep may be shown as before it."""
        return await self._latest(lists=False)

    async def network(self) -> NetworkView:
        """The network of `swept`, its nodes without their tokens."""
        async with self._lock:
            return (await self._read_network(lists=False))[1]

    async def with_money(self, money: MoneyProjection, *, lists: bool) -> Snapshot:
        """`now` or, without `lists`, `swept` for a page whose projection has what it shows of
        streams and tokens.

        What is known here of all of them is shown where it is newer; it is not read for this."""
        async with self._lock:
            if self._unshown:
                return await self._read(lists=lists)
            read_s, network = await self._read_network(lists=lists)
            known = self._money[1] if self._money else MoneyProjection()
            if known.written_s < money.written_s:
                network = await asyncio.to_thread(network.with_tokens, money.tokens)
            else:
                network = (await self._joined(read_s, network, known)).network
            return _snapshot(read_s, network, known.newer_of(money))

    async def changed(self, stream_id: str) -> None:
        """After a stream or its balance was changed here: everyone is to see it at once.

        The change is made already: if it cannot be shown now, the next reading tries again."""
        self._unshown.add(stream_id)
        shown = None
        try:
            shown = await self._show()
        except StoreError:
            self._unshown.add(stream_id)  # who showed an earlier change of it took it out
        async with self._lock:  # a reading that began before would be older
            known, now_s = self._money, self._steady()
            self.forget()
            if shown is not None:
                is_newer = known is None or known[1].revision <= shown.revision
                self._money = (now_s, shown) if is_newer else known

    def forget(self) -> None:
        """The next one to ask reads anew."""
        self._last = self._network = self._money = None
        self._listings.forget()

    async def _latest(self, *, lists: bool) -> Snapshot:
        if (known := self._known(lists=lists)) is not None:
            return known
        async with self._lock:
            return await self._read(lists=lists)

    async def _read(self, *, lists: bool) -> Snapshot:
        found = self._at_hand(lists=lists)
        if found is None:  # two tasks cost more than all the rest of a repeated heartbeat
            found = await asyncio.gather(self._read_network(lists=lists), self._read_money())
        (read_s, network), money = found
        return await self._joined(read_s, network, money)

    def _known(self, *, lists: bool) -> Snapshot | None:
        """The snapshot that was made before, unless it would be made anew now."""
        found = self._at_hand(lists=lists)
        return None if found is None else self._made_of(found[0][1], found[1])

    def _made_of(self, network: NetworkView, money: MoneyProjection) -> Snapshot | None:
        """The last one, if it was made of these."""
        if self._last is None:
            return None
        of_network, of_money, snapshot = self._last
        return snapshot if of_network is network and of_money is money else None

    def _at_hand(self, *, lists: bool) -> tuple[tuple[float, NetworkView], MoneyProjection] | None:
        """What was read before, unless there may be something newer by now."""
        if self._network is None or self._steady() >= self._newer_s:
            return None
        if self._money is None or self._unshown or self._is_old(self._money[0]):
            return None
        read_s, swept = self._network
        shown = self._listings.at_hand(swept) if lists else self._listings.known(swept)
        return None if shown is None else ((read_s, shown), self._money[1])

    async def _joined(
        self, read_s: float, network: NetworkView, money: MoneyProjection
    ) -> Snapshot:
        """Both as one, made once."""
        if (made := self._made_of(network, money)) is None:
            # Ten thousand nodes are a tenth of a second of work: others are answered meanwhile.
            whole = await asyncio.to_thread(network.with_tokens, money.tokens)
            made = _snapshot(read_s, whole, money)
            self._last = network, money, made
        return made

    async def _read_network(self, *, lists: bool) -> tuple[float, NetworkView]:
        if self._network is None or self._steady() >= self._newer_s:
            read_s, begun_s = self.clock(), self._steady()
            documents = await self.measurements.network_documents() or await self._from_sources()
            network = await asyncio.to_thread(network_of, documents, {}, self.sweep_seconds)
            self._network = read_s, network
            self._newer_s = begun_s + self._lasts_s(read_s, network)
        read_s, swept = self._network
        return read_s, await self._listings.listed(swept) if lists else self._listings.known(swept)

    def _lasts_s(self, read_s: float, network: NetworkView) -> float:
        """How long after that instant there cannot be a later sweep."""
        written_s = self.sweep_seconds + min(SWEEP_LASTS_S, self.sweep_seconds / 3)
        return max(self.seconds_max, min((network.swept_s or 0.0) + written_s - read_s, written_s))

    async def _from_sources(self) -> list[NetworkDocument]:
        """What projections would say, from what is behind them, before the first is written."""
        sweeps, book = await asyncio.gather(
            self.measurements.latest_sweeps(), self.measurements.trust()
        )
        if not sweeps:
            return [bare_document(Roster(WHOLE, 0, 0.0), None, book)]
        roster_of = self.measurements.roster_of
        return [bare_document(await roster_of(sweep), sweep, book) for sweep in sweeps]

    async def _read_money(self) -> MoneyProjection:
        read_s = self._steady()
        if self._unshown:
            await self._show()
            self._money = None
        if self._money is None or self._is_old(self._money[0]):
            self._money = read_s, await self._materialiser.projection()
        return self._money[1]

    def _is_old(self, read_s: float) -> bool:
        """Whether streams and tokens that were read then are read again."""
        return self._steady() >= read_s + MONEY_SWEEPS * self.sweep_seconds

    async def _show(self) -> MoneyProjection:
        shown = set(self._unshown)
        money = await self._materialiser.refresh(shown)
        if self.writer is not None:
            for stream_id in sorted(shown):
                await self.writer.show(stream_id, money)
        self._unshown -= shown
        return money


def _snapshot(read_s: float, network: NetworkView, money: MoneyProjection) -> Snapshot:
    streams = sorted(money.streams.values(), key=lambda stream: stream.created_s, reverse=True)
    return Snapshot(read_s, tuple(streams), dict(money.balances), network)
