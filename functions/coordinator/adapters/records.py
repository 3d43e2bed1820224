"""Documents read and written as the rules' own types, on any store: identity and measurement.

Money is in another database and another module: `adapters.ledger`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeGuard, TypeVar

from coordinator.adapters.store import Fields, Ref, Store
from coordinator.checking import thumbnails
from coordinator.checking.checks import Run, run_id
from coordinator.checking.days import LotteryDay
from coordinator.checking.thumbnails import Thumbnail
from coordinator.checking.trustbook import TrustBook
from coordinator.column_packing import ColumnPacker
from coordinator.pages import money_pages, network_pages
from coordinator.pages.money_pages import MoneyPage
from coordinator.pages.network_pages import NetworkPage, network_page_id
from coordinator.polling.nodes import Node, changed_bounds
from coordinator.polling.rollups import Rollup, rollup_id
from coordinator.polling.rosters import Roster, roster_id
from coordinator.polling.shards import Layout, Layouts
from coordinator.polling.sweeps import Sweep, SweepBits, shard_tick, sweep_id
from coordinator.streams import Stream

_Model = TypeVar("_Model", Stream, Node)

EVIDENCE_DAYS = 90
"""How long measurements stay before the TTL policy deletes them."""
ROSTER_VERSION = 1
STREAMS_MAX = 500
CHANGED_PAGE = 1_000
CHANGED_NODES_MAX = 12 * CHANGED_PAGE
PAGE = 300
"""Documents a query; a value's documents must fit in one page (one a shard)."""


_LAYOUTS = Ref("layouts", "sweeps")
_MONEY_PAGE = Ref("pages", "money")


class Measurements:
    """Identity and measurement: the `(default)` database."""

    def __init__(self, store: Store, shards: int = 1) -> None:
        """`shards` is the setting, for writers of nodes and readers of all shards' sweeps."""
        self._store = store
        self._shards = shards
        self._rosters: dict[int, Roster] = {}
        """The last one read of each shard."""
        self._book = (-1, TrustBook())
        """The draw that this process recorded last, and the book after it."""

    async def stream(self, stream_id: str) -> Stream | None:
        """One stream."""
        return _parsed(Stream, (await self._store.get(Ref("streams", stream_id)))[0])

    async def streams(self) -> list[Stream]:
        """Every stream, newest first, at most STREAMS_MAX."""
        found = await self._store.find("streams", "created_s", descending=True, limit=STREAMS_MAX)
        return [Stream.model_validate(fields) for _, fields in found]

    async def streams_of(self, stream_ids: Sequence[str]) -> list[Stream | None]:
        """The streams in the order asked."""
        found = await self._store.get(*(Ref("streams", stream_id) for stream_id in stream_ids))
        return [_parsed(Stream, fields) for fields in found]

    async def create_stream(self, stream: Stream) -> bool:
        """False if the id is taken."""
        return await self._store.create(Ref("streams", stream.stream_id), stream.model_dump())

    async def end_stream(self, stream_id: str, ends_s: float) -> Stream | None:
        """Ends a stream at an instant unless it ends earlier; the stream as it is then."""
        ref = Ref("streams", stream_id)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stream = _parsed(Stream, read[0])
            if stream is None or (stream.ends_s is not None and stream.ends_s <= ends_s):
                return {}
            return {ref: stream.model_copy(update={"ends_s": ends_s}).model_dump()}

        await self._store.transact([ref], decide)
        return await self.stream(stream_id)

    async def node(self, node_id: str) -> Node | None:
        """One node's own document."""
        return _parsed(Node, (await self._store.get(Ref("nodes", node_id)))[0])

    async def put_node(self, node: Node) -> None:
        """Writes what a node says of itself."""
        keyed = node.in_shard_of(self._shards)
        await self._store.put(Ref("nodes", node.node_id), keyed.model_dump())

    async def changed_nodes(
        self, since_s: float, shard_of: tuple[int, int] | None = None
    ) -> list[Node]:
        """Nodes that said something new since, oldest first, at most CHANGED_NODES_MAX.

        Only those of (shard, shards) where that is given: nobody else's cost a read."""
        field = "changed_s"
        at_least: float | str = since_s
        below: str | None = None
        if shard_of is not None:
            field = "shard_changed"
            at_least, below = changed_bounds(*shard_of, since_s)
        found: list[Node] = []
        after = None
        while len(found) < CHANGED_NODES_MAX:
            page = await self._store.find(
                "nodes", field, at_least=at_least, below=below, after=after, limit=CHANGED_PAGE
            )
            found += [Node.model_validate(fields) for _, fields in page]
            if len(page) < CHANGED_PAGE:
                break
            after = (page[-1][1][field], page[-1][0])
        return found

    async def layouts(self) -> Layouts:
        """How the nodes are and were divided into shards."""
        return Layouts.from_fields((await self._store.get(_LAYOUTS))[0])

    async def call_shard(self, caller: int, callers: int, tick: int) -> Layouts:
        """The layouts after a call of shard `caller` of `callers`, written if it changed them."""
        found = Layouts()

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            nonlocal found
            before = Layouts.from_fields(read[0])
            found = before.after_call(caller, callers, tick)
            return {} if found is before else {_LAYOUTS: found.to_fields()}

        await self._store.transact([_LAYOUTS], decide)
        return found

    async def roster(self, shard: int, version: int = ROSTER_VERSION) -> Roster:
        """A shard's roster; an empty one before the first node."""
        (fields,) = await self._store.get(Ref("rosters", roster_id(shard, version)))
        return Roster.from_fields(fields) if fields else Roster(shard, version, 0.0)

    async def roster_of(self, sweep: Sweep) -> Roster:
        """The roster that a sweep goes by, read again only if it was written since."""
        known = self._rosters.get(sweep.shard)
        version, revision = sweep.roster_version, sweep.roster_revision
        is_before = known is not None and (known.version, known.revision) == (version, revision - 1)
        if known is not None and is_before and sweep.changes:
            known = known.changed_by(sweep.changes, revision)
        if known is None or not revision or (known.version, known.revision) != (version, revision):
            known = await self.roster(sweep.shard, version)
        self._rosters[sweep.shard] = known
        return known

    async def put_roster(self, roster: Roster) -> None:
        """Only the collector of its shard calls this."""
        await self._store.put(Ref("rosters", roster.id), roster.to_fields())

    async def replace_roster(
        self, roster: Roster, before: Roster, closed_s: float | None = None
    ) -> Roster | None:
        """Writes `roster` over `before`, its next revision; None if that was changed meanwhile.

        Two instances that sweep at once would else give one slot to two nodes. One that was
        closed stays as long as the sweeps that go by it."""
        ref = Ref("rosters", roster.id)
        revised = replace(roster, revision=before.revision + 1)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stored = read[0]["revision"] if read[0] else 0
            expiry = {} if closed_s is None else {"expire_at": _expiry(closed_s)}
            return {ref: {**revised.to_fields(), **expiry}} if stored == before.revision else {}

        return revised if await self._store.transact([ref], decide) else None

    async def has_sweep(self, shard: int, tick: int) -> bool:
        """Whether this sweep is recorded already."""
        return (await self._store.get(Ref("probe_results", sweep_id(shard, tick))))[0] is not None

    async def create_sweep(self, sweep: Sweep, now_s: float) -> bool:
        """False if another trigger recorded it first."""
        fields = {**sweep.to_fields(), "recorded_s": now_s, "expire_at": _expiry(now_s)}
        return await self._store.create(Ref("probe_results", sweep.id), fields)

    async def latest_sweeps(self) -> list[Sweep]:
        """The last sweep of each shard, as far as they are among the newest documents.

        One read a shard, unless some shard is late."""
        latest: dict[int, Fields] = {}
        for limit in (self._shards, 3 * self._shards):
            found = await self._store.find(
                "probe_results", "sweep_tick", descending=True, limit=limit
            )
            for _, fields in found:
                latest.setdefault(fields["shard"], fields)
            if len(latest) >= self._shards or len(found) < limit:
                break
        return [Sweep.from_fields(fields) for fields in latest.values()]

    async def last_sweep_of(self, shard: int, ticks: range) -> Sweep | None:
        """The last sweep of one shard within the ticks. One read."""
        found = await self._store.find(
            "probe_results",
            "shard_tick",
            at_least=shard_tick(shard, ticks.start),
            below=shard_tick(shard, ticks.stop),
            descending=True,
            limit=1,
        )
        return Sweep.from_fields(found[0][1]) if found else None

    async def sweeps(self, ticks: range) -> list[Sweep]:
        """Every shard's whole sweeps in the ticks, oldest first."""
        found = await self._range("sweep_tick", ticks.start, ticks.stop)
        return [Sweep.from_fields(fields) for fields in found]

    async def first_swept(self, ticks: range) -> int | None:
        """The first of the ticks in which anything was swept. One read."""
        found = await self._store.find(
            "probe_results", "sweep_tick", at_least=ticks.start, below=ticks.stop, limit=1
        )
        return int(found[0][1]["sweep_tick"]) if found else None

    async def sweep_documents(self, ticks: range) -> list[Fields]:
        """The sweeps of the ticks as they are stored."""
        return await self._range("sweep_tick", ticks.start, ticks.stop)

    async def sweep_bits_of(self, shard: int, ticks: range) -> list[SweepBits]:
        """The bitmaps of one shard's sweeps in the ticks, at most FIND_LIMIT_MAX, oldest first."""
        found = await self._store.find(
            "probe_results",
            "shard_tick",
            at_least=shard_tick(shard, ticks.start),
            below=shard_tick(shard, ticks.stop),
        )
        return [SweepBits.from_fields(fields) for _, fields in found]

    async def has_rollup(self, shard: int, hour: int) -> bool:
        """Whether an hour of a shard is rolled up already."""
        return (await self._store.get(Ref("rollups", rollup_id(shard, hour))))[0] is not None

    async def create_rollup(self, rollup: Rollup, now_s: float) -> bool:
        """False if another instance wrote it first."""
        fields = {**rollup.to_fields(), "expire_at": _expiry(now_s)}
        return await self._store.create(Ref("rollups", rollup.id), fields)

    async def rollups_of(self, shard: int, hours: range) -> list[Rollup | None]:
        """A shard's roll-ups of the hours, in their order; None where there is none."""
        found = await self._store.get(*(Ref("rollups", rollup_id(shard, hour)) for hour in hours))
        return [Rollup.from_fields(fields) if fields else None for fields in found]

    async def rollups(self, hours: range) -> list[Rollup]:
        """Every shard's roll-ups of the hours, oldest first, at most FIND_LIMIT_MAX."""
        found = await self._store.find(
            "rollups", "rollup_hour", at_least=hours.start, below=hours.stop
        )
        return [Rollup.from_fields(fields) for _, fields in found]

    async def sweep_bits(self, ticks: range) -> list[SweepBits]:
        """The bitmaps of every shard's sweeps in the ticks."""
        found = await self._range("sweep_tick", ticks.start, ticks.stop)
        return [SweepBits.from_fields(fields) for fields in found]

    async def rosters_of(
        self, sweeps: Iterable[SweepBits], ticks: range | None = None
    ) -> dict[tuple[int, int], Roster]:
        """Every roster that the sweeps speak of; with `ticks`, every one in force in them.

        A shard that was not swept at all has a roster too: its minutes are our fault."""
        measured = list(sweeps)
        wanted = {(sweep.shard, sweep.roster_version) for sweep in measured}
        if ticks is not None:
            for layout, part in (await self.layouts()).within(ticks):
                swept = {sweep.shard for sweep in measured if sweep.tick in part}
                for shard in set(range(layout.shards)) - swept:
                    wanted.add((shard, await self._version_before(shard, layout, part.stop)))
        found: dict[tuple[int, int], Roster] = {}
        while wanted := wanted - found.keys():
            read = [await self.roster(*key) for key in sorted(wanted)]
            found |= {(roster.shard, roster.version): roster for roster in read}
            if ticks is not None:  # what took over from these, in case it was never swept
                ends = ((roster.shard, roster.until_tick) for roster in read)
                wanted = {(shard, end) for shard, end in ends if end is not None and end in ticks}
        return found

    async def _version_before(self, shard: int, layout: Layout, tick: int) -> int:
        """The version that a shard's last sweep before a tick went by, or its first."""
        last = await self.last_sweep_of(shard, range(layout.from_tick, tick))
        return last.roster_version if last else layout.from_tick

    async def claim_run(self, draw: int, now_s: float) -> bool:
        """False if this draw's run was started before: a duplicate trigger repeats nothing."""
        claim = {"started_s": now_s, "expire_at": _expiry(now_s)}
        return await self._store.create(Ref("claims", run_id(draw)), claim)

    async def record_run(self, run: Run, now_s: float) -> Run | None:
        """Writes the run and what it changes in everyone's trust, at once and once.

        Returns the run with the events its checks caused, None if it was recorded before."""
        run_ref, trust_ref = Ref("probe_results", run.id), Ref("suspicions", "0")

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            recorded, trust = read
            if recorded is not None:
                return {}
            book, checks = TrustBook.from_fields(trust).observing(run.checks, run.controls)
            marked = replace(run, checks=checks)
            book = replace(book, news=book.news.after(marked))
            fields = {**marked.to_fields(), "expire_at": _expiry(now_s)}
            return {run_ref: fields, trust_ref: book.to_fields()}

        written = await self._store.transact([run_ref, trust_ref], decide)
        if not written:
            return None
        self._book = run.draw, TrustBook.from_fields(written[trust_ref])
        return Run.from_fields(written[run_ref])

    async def runs(self, draws: range) -> list[Run]:
        """Every recorded run of the draws."""
        found = await self._range("check_draw", draws.start, draws.stop)
        return [Run.from_fields(fields) for fields in found]

    async def create_thumbnail(self, picture: Thumbnail) -> bool:
        """False if it is there already."""
        expire_at = datetime.fromtimestamp(picture.taken_s, UTC) + timedelta(days=thumbnails.DAYS)
        fields = {**picture.to_fields(), "expire_at": expire_at}
        return await self._store.create(Ref("thumbnails", picture.id), fields)

    async def thumbnail(self, thumbnail_id: str) -> Thumbnail | None:
        """A picture. One read."""
        (fields,) = await self._store.get(Ref("thumbnails", thumbnail_id))
        return Thumbnail.from_fields(thumbnail_id, fields) if fields else None

    async def latest_run(self, before: int | None = None) -> Run | None:
        """The newest run, of the draws before one if asked."""
        found = await self._store.find(
            "probe_results", "check_draw", below=before, descending=True, limit=1
        )
        return Run.from_fields(found[0][1]) if found else None

    async def lottery_days(self, days: Sequence[date]) -> list[LotteryDay | None]:
        """The sealed days among those asked, in their order."""
        found = await self._store.get(*(Ref("schedule_days", day.isoformat()) for day in days))
        return [LotteryDay.from_fields(fields) if fields else None for fields in found]

    async def seal(self, day: LotteryDay) -> bool:
        """Publishes a day's commitment; False if it was published before."""
        return await self._store.create(Ref("schedule_days", day.day.isoformat()), day.to_fields())

    async def publish(self, day: LotteryDay) -> None:
        """Publishes an opened day's secret beside its commitment."""
        await self._store.put(Ref("schedule_days", day.day.isoformat()), day.to_fields())

    async def trust_since(self, draw: int) -> TrustBook:
        """As it was when this process recorded a run of `draw` or later; read if it did not."""
        recorded, book = self._book
        return book if recorded >= draw else await self.trust()

    async def trust(self, before: TrustBook | None = None) -> TrustBook:
        """What checks have shown of every node. `before`: as it was read last, if it was."""
        return TrustBook.from_fields((await self._store.get(Ref("suspicions", "0")))[0], before)

    async def network_pages(self, shards: int | None = None) -> list[NetworkPage]:
        """The pages of the first so many shards, as far as they are written.

        By default those of the setting, and of the shards in force if they are more."""
        wanted = range(self._shards if shards is None else shards)
        pages = await self._pages(wanted)
        newest = max(pages, key=lambda page: page.layout.from_tick, default=None)
        if shards is None and newest is not None and newest.layout.shards > len(wanted):
            pages += await self._pages(range(len(wanted), newest.layout.shards))
        return pages

    async def _pages(self, shards: range) -> list[NetworkPage]:
        found = await self._store.get(*(Ref("pages", network_page_id(shard)) for shard in shards))
        return [
            NetworkPage.from_fields(fields)
            for fields in found
            if fields and fields["format"] == network_pages.FORMAT
        ]

    async def network_page(self, shard: int) -> NetworkPage | None:
        """One shard's page."""
        return next(iter(await self._pages(range(shard, shard + 1))), None)

    async def put_network_page(self, page: NetworkPage, packer: ColumnPacker | None = None) -> None:
        """Only the collector of its shard calls this. `packer`: of the page before."""
        await self._store.put(Ref("pages", page.id), page.to_fields(packer))

    async def money_page(self) -> MoneyPage | None:
        """Streams and tokens as they were last shown."""
        (fields,) = await self._store.get(_MONEY_PAGE)
        return MoneyPage.from_fields(fields) if _is_money_page(fields) else None

    async def replace_money_page(self, page: MoneyPage, before: MoneyPage) -> MoneyPage | None:
        """Writes `page` over `before`, its next revision; None if that was written meanwhile."""
        revised = replace(page, revision=before.revision + 1)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            stored = read[0]["revision"] if _is_money_page(read[0]) else 0
            return {_MONEY_PAGE: revised.to_fields()} if stored == before.revision else {}

        return revised if await self._store.transact([_MONEY_PAGE], decide) else None

    async def _range(self, field: str, start: int, stop: int) -> list[Fields]:
        """All documents with start <= field < stop, in pages."""
        found: list[Fields] = []
        while start < stop:
            page = await self._store.find(
                "probe_results", field, at_least=start, below=stop, limit=PAGE
            )
            found += [fields for _, fields in page]
            if len(page) < PAGE:
                break
            last = page[-1][1][field]
            found = [fields for fields in found if fields[field] != last]
            start = last
        return found


def _is_money_page(fields: Fields | None) -> TypeGuard[Fields]:
    return fields is not None and fields["format"] == money_pages.FORMAT


def _expiry(now_s: float) -> datetime:
    return datetime.fromtimestamp(now_s, UTC) + timedelta(days=EVIDENCE_DAYS)


def _parsed(model: type[_Model], fields: Fields | None) -> _Model | None:
    return model.model_validate(fields) if fields else None
