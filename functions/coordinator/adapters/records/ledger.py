"""The `money` database: balances, entries, statements and accounts, on any store.

Only api and payout are given a `Ledger`. Every movement of tokens is one transaction that
creates what explains it, so it happens once or not at all.
One module: whoever asks what can move a token has to read no other.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from coordinator.adapters.records.settings_history import SettingsHistory
from coordinator.adapters.records.statement_pages import StatementPages
from coordinator.adapters.store.protocol import Fields, Query, Ref, Store, decided
from coordinator.ledger.accounts import (
    ACCOUNT_SHARDS,
    ACCOUNTS,
    APPLIED,
    Accounts,
    Applied,
    by_shard,
)
from coordinator.ledger.balances import BALANCES, Balance, opening_entry
from coordinator.ledger.entries import ENTRIES, Entry, EntryKind, entry_id
from coordinator.ledger.rows import Row
from coordinator.ledger.settlements import Draft
from coordinator.ledger.statements import (
    SUMMARIES,
    Statement,
    Summary,
    chunk_of,
    chunks_of,
    part_name,
    statement_id,
)

STATEMENTS_PAGE_MAX = 200
ENTRIES_PAGE_MAX = 200
DUE_PAGE_MAX = 200
_APPLIED = Ref("accounts", "applied")
_Moved = TypeVar("_Moved")
_Decided = tuple[_Moved | None, dict[Ref, Fields]]


class StreamClosedError(Exception):
    """The stream has ended and was refunded: it takes no deposit any more."""


class Ledger:
    """Reads and moves tokens."""

    def __init__(self, store: Store) -> None:
        self.settings = SettingsHistory(store)
        self.pages = StatementPages(store)
        self._store = store
        self._accounts: Accounts | None = None

    async def balances(self, stream_ids: list[str]) -> list[Balance | None]:
        """In the order asked."""
        found = await self._store.get(*(Ref("balances", stream_id) for stream_id in stream_ids))
        return [BALANCES.decode_or_none(fields) for fields in found]

    async def due(self, until_epoch: int) -> list[Balance]:
        """Balances with an epoch before `until_epoch` to settle, longest overdue first."""
        found = await self._store.find(
            Query("balances", "due_epoch", at_least=0, below=until_epoch, limit=DUE_PAGE_MAX)
        )
        return [BALANCES.decode(fields) for _, fields in found]

    async def unsettled(self) -> set[str]:
        """Streams with an epoch that is to be settled, now or later: open ones, and those whose
        last earnings are still held."""
        found: set[str] = set()
        after = None
        while True:
            page = await self._store.find(
                Query("balances", "due_epoch", at_least=0, after=after, limit=DUE_PAGE_MAX)
            )
            found |= {name for name, _ in page}
            if len(page) < DUE_PAGE_MAX:
                return found
            after = (page[-1][1]["due_epoch"], page[-1][0])

    async def behind(self) -> list[str]:
        """Streams with statements that the accounts have not followed yet."""
        found = await self._store.find(
            Query("balances", "follow_epoch", at_least=0, limit=DUE_PAGE_MAX)
        )
        return [name for name, _ in found]

    async def open(self, balance: Balance, at_s: float = 0.0) -> bool:
        """The first deposit and its entry; False if the stream has a balance already."""
        entry = opening_entry(balance, at_s)
        ref, entry_ref = Ref("balances", balance.stream_id), Ref("entries", entry.id)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            if read[0] is not None:
                return {}
            return {ref: BALANCES.encode(balance), entry_ref: ENTRIES.encode(entry)}

        return bool(await self._store.transact([ref, entry_ref], decide))

    async def top_up(
        self, stream_id: str, micros: int, at_s: float, request: str, *, has_ended: bool = False
    ) -> tuple[Balance, Entry] | None:
        """(the balance now, the entry of this deposit), made now or by the same request before.

        A stream that `has_ended` takes nothing new, and still answers what it took before.
        None for a stream without a balance. Raises StreamClosedError; ValueError beyond a
        trillion tokens."""
        ref = Ref("balances", stream_id)
        entry_ref = Ref("entries", entry_id(stream_id, EntryKind.TOP_UP, request=request))

        def decide(read: Sequence[Fields | None]) -> _Decided[tuple[Balance, Entry]]:
            if read[0] is None:
                return None, {}
            balance = BALANCES.decode(read[0])
            if read[1] is not None:
                return (balance, ENTRIES.decode(read[1])), {}
            if balance.is_closed or has_ended:
                raise StreamClosedError(stream_id)
            after, entry = balance.deposited(EntryKind.TOP_UP, micros, at_s, request)
            writes = {ref: BALANCES.encode(after), entry_ref: ENTRIES.encode(entry)}
            return (after, entry), writes

        return await decided(self._store, [ref, entry_ref], decide)

    async def entries(self, stream_id: str, from_number: int = 1) -> list[Entry]:
        """A stream's entries, oldest first, at most ENTRIES_PAGE_MAX."""
        found = await self._store.find(
            Query(
                "entries",
                "stream_entry",
                at_least=f"{stream_id}:{from_number:010d}",
                below=f"{stream_id};",
                limit=ENTRIES_PAGE_MAX,
            )
        )
        return [ENTRIES.decode(fields) for _, fields in found]

    async def statement(self, stream_id: str, epoch: int) -> Statement | None:
        """One statement."""
        found = await self.statements_of(stream_id, [epoch])
        return found[0]

    async def statements_of(
        self,
        stream_id: str,
        epochs: Sequence[int],
        only: Mapping[int, Collection[str]] | None = None,
    ) -> list[Statement | None]:
        """The statements of the epochs, in the order asked; with `only` some nodes' rows of each
        if asked."""
        ids = [statement_id(stream_id, epoch) for epoch in epochs]
        heads = await self._store.get(*(Ref("statements", name) for name in ids)) if ids else []
        known = {name: head for name, head in zip(ids, heads, strict=True) if head}
        rows = None
        if only is not None:
            rows = {name: only[epoch] for name, epoch in zip(ids, epochs, strict=True)}
        whole = await self._with_chunks(known, rows)
        return [whole.get(name) for name in ids]

    async def summaries(self, stream_id: str, from_epoch: int, limit: int) -> list[Summary]:
        """Up to `limit` statements from an epoch on, oldest first, without their rows."""
        found = await self._heads(stream_id, from_epoch, limit)
        return [SUMMARIES.decode(head) for _, head in found]

    async def statements(self, stream_id: str, from_epoch: int, limit: int) -> list[Statement]:
        """Up to `limit` statements from an epoch on, oldest first."""
        found = await self._heads(stream_id, from_epoch, limit)
        whole = await self._with_chunks(dict(found))
        return [whole[name] for name, _ in found]

    async def _heads(self, stream_id: str, from_epoch: int, limit: int) -> list[tuple[str, Fields]]:
        return await self._store.find(
            Query(
                "statements",
                "stream_epoch",
                at_least=statement_id(stream_id, from_epoch),
                below=f"{stream_id};",
                limit=min(limit, STATEMENTS_PAGE_MAX + 1),  # the last one begins the next page
            )
        )

    async def _with_chunks(
        self, heads: Mapping[str, Fields], only: Mapping[str, Collection[str]] | None = None
    ) -> dict[str, Statement]:
        """By the statements' names, as `heads` and `only` are."""
        wanted = [
            (name, number)
            for name, head in heads.items()
            for number in _chunks_with(only[name] if only else None, head["chunks"])
            if number
        ]
        refs = [_statement_ref(name, number) for name, number in wanted]
        read = await self._store.get(*refs) if refs else []
        parts: dict[str, list[dict[str, Any]]] = {name: [head] for name, head in heads.items()}
        for (name, _), fields in zip(wanted, read, strict=True):
            if fields is None:
                raise ValueError(f"a part of statement {name} is missing")
            parts[name].append(fields)
        # Of ten thousand nodes each takes a tenth of a second: others are answered meanwhile.
        return await asyncio.to_thread(
            lambda: {
                name: Statement.from_documents(one, only[name] if only else None)
                for name, one in parts.items()
            }
        )

    async def settle(self, draft: Draft, at_s: float, *, is_last: bool) -> Statement | None:
        """Writes the draft's statement, moves the balance and enters what came back, at once.

        None if the epoch is settled already or is not the stream's next one."""
        stream_id, epoch = draft.given.stream_id, draft.given.epoch
        name = statement_id(stream_id, epoch)
        balance_ref = Ref("balances", stream_id)
        parts = [_statement_ref(name, number) for number in range(chunks_of(len(draft.rows)))]
        kinds = [EntryKind.FORFEIT] if draft.forfeited_micros else []
        kinds += [EntryKind.REFUND] if draft.given.closes else []
        entry_refs = [Ref("entries", entry_id(stream_id, kind, epoch)) for kind in kinds]

        def decide(read: Sequence[Fields | None]) -> _Decided[Statement]:
            balance = BALANCES.decode_or_none(read[0])
            if balance is None or read[1] is not None or balance.next_epoch != epoch:
                return None, {}
            statement = draft.paid_from(balance.balance_micros)
            moved, entries = balance.settled(statement, at_s, is_last=is_last)
            documents = zip(parts, statement.to_documents(), strict=True)
            return statement, {
                balance_ref: BALANCES.encode(moved),
                **dict(documents),
                **{Ref("entries", entry.id): ENTRIES.encode(entry) for entry in entries},
            }

        return await decided(self._store, [balance_ref, *parts, *entry_refs], decide)

    async def follow(self, stream_id: str, limit: int, settled: Statement | None = None) -> bool:
        """Applies the stream's statements to the accounts, in order, each once.

        At most `limit` of them; True if all are in. Whoever comes second, or again after a
        crash, finds each shard's own mark and changes nothing. `settled`, if it is the next one,
        need not be read again."""
        applied = (await self._applied()).epochs.get(stream_id)
        begin = 0 if applied is None else applied + 1
        if settled is not None and applied is not None and settled.epoch == begin:
            statements = [settled]
        else:
            statements = await self.statements(stream_id, begin, limit + 1)
        for statement in statements[:limit]:
            for shard, rows in sorted(by_shard(statement).items()):
                await self._apply(statement, shard, rows)
            await self._mark(statement)
        if len(statements) > limit:
            return False
        await self._done(stream_id, statements[-1].epoch if statements else begin - 1)
        return True

    async def _apply(self, statement: Statement, shard: int, rows: list[Row]) -> None:
        ref = Ref("accounts", str(shard))

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            accounts = ACCOUNTS.decode_or_none(read[0]) or Accounts()
            if accounts.has(statement):
                return {}
            return {ref: ACCOUNTS.encode(accounts.applying(statement, rows))}

        await self._store.transact([ref], decide)

    async def _mark(self, statement: Statement) -> None:
        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            before = APPLIED.decode_or_none(read[0]) or Applied()
            after = before.after(statement)
            return {} if after is before else {_APPLIED: APPLIED.encode(after)}

        await self._store.transact([_APPLIED], decide)

    async def _done(self, stream_id: str, epoch: int) -> None:
        ref = Ref("balances", stream_id)

        def decide(read: Sequence[Fields | None]) -> dict[Ref, Fields]:
            balance = BALANCES.decode_or_none(read[0])
            if balance is None or balance.follow_epoch is None or balance.follow_epoch > epoch:
                return {}
            return {ref: BALANCES.encode(balance.model_copy(update={"follow_epoch": None}))}

        await self._store.transact([ref], decide)

    async def _applied(self) -> Applied:
        (fields,) = await self._store.get(_APPLIED)
        return APPLIED.decode_or_none(fields) or Applied()

    async def accounts(self) -> Accounts:
        """Everyone's pending and available tokens; one read while nothing was settled."""
        applied = dict((await self._applied()).epochs)
        if self._accounts is None or self._accounts.applied != applied:
            refs = [Ref("accounts", str(shard)) for shard in range(ACCOUNT_SHARDS)]
            parts = await self._store.get(*refs)
            self._accounts = await asyncio.to_thread(_together, parts, applied)
        return self._accounts


def _together(parts: Sequence[Fields | None], applied: Mapping[str, int]) -> Accounts:
    return Accounts.together([ACCOUNTS.decode(part) for part in parts if part], applied)


def _statement_ref(name: str, number: int) -> Ref:
    return Ref("statements", part_name(name, number))


def _chunks_with(node_ids: Collection[str] | None, chunks: int) -> Iterable[int]:
    """The numbers of a statement's documents with these nodes' rows."""
    return range(chunks) if node_ids is None else {chunk_of(n, chunks) for n in node_ids}
