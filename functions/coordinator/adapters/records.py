"""Documents read and written as the rules' own types, on any store.

Two classes for two databases: `Measurements` is what everyone may read, `Ledger` is money,
and only api and payout are given one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from coordinator.accounts import Accounts
from coordinator.adapters.store import Fields, Ref, Store
from coordinator.checks import Run, run_id
from coordinator.days import LotteryDay
from coordinator.nodes import Node
from coordinator.rosters import Roster, roster_id
from coordinator.statements import Statement, statement_id
from coordinator.streams import Balance, Stream
from coordinator.sweeps import Sweep, SweepBits, sweep_id
from coordinator.trustbook import TrustBook

_Model = TypeVar("_Model", Stream, Node, Balance)

EVIDENCE_DAYS = 90
"""How long measurements stay before the TTL policy deletes them."""
ROSTER_VERSION = 1
STREAMS_MAX = 500
CHANGED_NODES_MAX = 1_000
STATEMENTS_PAGE_MAX = 200
PAGE = 300
"""Documents a query; a value's documents must fit in one page (one a shard)."""


class Measurements:
    """Identity and measurement: the `(default)` database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def stream(self, stream_id: str) -> Stream | None:
        """One stream."""
        return _parsed(Stream, (await self._store.get(Ref("streams", stream_id)))[0])

    async def streams(self) -> list[Stream]:
        """Every stream, newest first, at most STREAMS_MAX."""
        found = await self._store.find("streams", "created_s", descending=True, limit=STREAMS_MAX)
        return [Stream.model_validate(fields) for _, fields in found]

    async def create_stream(self, stream: Stream) -> bool:
        """False if the id is taken."""
        return await self._store.create(Ref("streams", stream.stream_id), stream.model_dump())

    async def node(self, node_id: str) -> Node | None:
        """One node's own document."""
        return _parsed(Node, (await self._store.get(Ref("nodes", node_id)))[0])

    async def put_node(self, node: Node) -> None:
        """Writes what a node says of itself."""
        await self._store.put(Ref("nodes", node.node_id), node.model_dump())

    async def changed_nodes(self, since_s: float) -> list[Node]:
        """Nodes that said something new since, oldest first, at most CHANGED_NODES_MAX."""
        found = await self._store.find(
            "nodes", "changed_s", at_least=since_s, limit=CHANGED_NODES_MAX
        )
        return [Node.model_validate(fields) for _, fields in found]

    async def roster(self, shard: int, version: int = ROSTER_VERSION) -> Roster:
        """A shard's roster; an empty one before the first node."""
        (fields,) = await self._store.get(Ref("rosters", roster_id(shard, version)))
        return Roster.from_fields(fields) if fields else Roster(shard, version, 0.0)

    async def put_roster(self, roster: Roster) -> None:
        """Only the collector of its shard calls this."""
        await self._store.put(Ref("rosters", roster.id), roster.to_fields())

    async def has_sweep(self, shard: int, tick: int) -> bool:
        """Whether this sweep is recorded already."""
        return (await self._store.get(Ref("probe_results", sweep_id(shard, tick))))[0] is not None

    async def create_sweep(self, sweep: Sweep, now_s: float) -> bool:
        """False if another trigger recorded it first."""
        fields = {**sweep.to_fields(), "expire_at": _expiry(now_s)}
        return await self._store.create(Ref("probe_results", sweep.id), fields)

    async def latest_sweeps(self, shards: int = 1) -> list[Sweep]:
        """The last sweep of each shard, as far as they are among the newest documents."""
        found = await self._store.find(
            "probe_results", "sweep_tick", descending=True, limit=2 * shards
        )
        latest: dict[int, Sweep] = {}
        for _, fields in found:
            latest.setdefault(fields["shard"], Sweep.from_fields(fields))
        return list(latest.values())

    async def sweeps(self, ticks: range) -> list[Sweep]:
        """Every shard's whole sweeps in the ticks, oldest first."""
        found = await self._range("sweep_tick", ticks.start, ticks.stop)
        return [Sweep.from_fields(fields) for fields in found]

    async def sweep_documents(self, ticks: range) -> list[Fields]:
        """The sweeps of the ticks as they are stored."""
        return await self._range("sweep_tick", ticks.start, ticks.stop)

    async def sweep_bits(self, ticks: range) -> list[SweepBits]:
        """The bitmaps of every shard's sweeps in the ticks."""
        found = await self._range("sweep_tick", ticks.start, ticks.stop)
        return [SweepBits.from_fields(fields) for fields in found]

    async def rosters_of(self, sweeps: Iterable[SweepBits]) -> dict[tuple[int, int], Roster]:
        """Every roster that the sweeps speak of, and each shard's present one."""
        wanted = {(sweep.shard, sweep.roster_version) for sweep in sweeps} | {(0, ROSTER_VERSION)}
        return {key: await self.roster(*key) for key in sorted(wanted)}

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
            book, checks = TrustBook.from_fields(trust).observing(run.checks)
            marked = replace(run, checks=checks)
            fields = {**marked.to_fields(), "expire_at": _expiry(now_s)}
            return {run_ref: fields, trust_ref: book.to_fields()}

        written = await self._store.transact([run_ref, trust_ref], decide)
        return Run.from_fields(written[run_ref]) if written else None

    async def runs(self, draws: range) -> list[Run]:
        """Every recorded run of the draws."""
        found = await self._range("check_draw", draws.start, draws.stop)
        return [Run.from_fields(fields) for fields in found]

    async def latest_run(self) -> Run | None:
        """The newest run."""
        found = await self._store.find("probe_results", "check_draw", descending=True, limit=1)
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

    async def trust(self) -> TrustBook:
        """What checks have shown of every node."""
        return TrustBook.from_fields((await self._store.get(Ref("suspicions", "0")))[0])

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


class Ledger:
    """Balances, statements and accounts: the `money` database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def balances(self, stream_ids: list[str]) -> list[Balance | None]:
        """In the order asked."""
        found = await self._store.get(*(Ref("balances", stream_id) for stream_id in stream_ids))
        return [_parsed(Balance, fields) for fields in found]

    async def open(self, balance: Balance) -> bool:
        """The first deposit; False if the stream has a balance already."""
        return await self._store.create(Ref("balances", balance.stream_id), balance.model_dump())

    async def statement(self, stream_id: str, epoch: int) -> Statement | None:
        """One statement."""
        (fields,) = await self._store.get(Ref("statements", statement_id(stream_id, epoch)))
        return Statement.from_fields(fields) if fields else None

    async def statements(self, stream_id: str, from_epoch: int, limit: int) -> list[Statement]:
        """Up to `limit` statements from an epoch on, oldest first."""
        found = await self._store.find(
            "statements",
            "stream_epoch",
            at_least=statement_id(stream_id, from_epoch),
            below=f"{stream_id};",
            limit=min(limit, STATEMENTS_PAGE_MAX),
        )
        return [Statement.from_fields(fields) for _, fields in found]

    async def accounts(self) -> Accounts:
        """Everyone's pending and available tokens."""
        return Accounts.from_fields((await self._store.get(Ref("accounts", "0")))[0])

    async def settle(
        self, statement_of: Callable[[Balance], Statement], ref: tuple[str, int]
    ) -> Statement | None:
        """Creates the statement of (stream_id, epoch) and moves the balance, at once and once.

        `statement_of` may be called again when another writer was faster: it must be pure.
        None if the epoch is settled already or is not the stream's next one."""
        stream_id, epoch = ref
        balance_ref = Ref("balances", stream_id)
        statement_ref = Ref("statements", statement_id(stream_id, epoch))

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            balance, settled = _parsed(Balance, read[0]), read[1]
            if balance is None or settled is not None or balance.next_epoch != epoch:
                return {}
            statement = statement_of(balance)
            moved = balance.model_copy(
                update={
                    "balance_micros": statement.balance_after_micros,
                    "paid_micros": balance.paid_micros + statement.paid_micros,
                    "next_epoch": epoch + 1,
                }
            )
            return {statement_ref: statement.to_fields(), balance_ref: moved.model_dump()}

        written = await self._store.transact([balance_ref, statement_ref], decide)
        return Statement.from_fields(written[statement_ref]) if written else None

    async def apply(self, statement: Statement, holding_epochs: int) -> None:
        """Brings the accounts up to the statement; again changes nothing."""
        ref = Ref("accounts", "0")

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            accounts = Accounts.from_fields(read[0])
            if accounts.has(statement):
                return {}
            return {ref: accounts.applying(statement, holding_epochs).to_fields()}

        await self._store.transact([ref], decide)


def _expiry(now_s: float) -> datetime:
    return datetime.fromtimestamp(now_s, UTC) + timedelta(days=EVIDENCE_DAYS)


def _parsed(model: type[_Model], fields: Fields | None) -> _Model | None:
    return model.model_validate(fields) if fields else None
