"""Statements for readers: a page of rows at a time, whatever the number of nodes.

A statement of many nodes is several documents. A page reads as many of them as it has room for, and
ends in the middle of one if it must. Rows come document by document, by node id within each.
"""

import asyncio
from dataclasses import dataclass, replace

from coordinator.adapters.store.protocol import Fields, Query, Ref, Store
from coordinator.ledger.rows import Row
from coordinator.ledger.statements import (
    MORE_ROWS,
    STATEMENTS,
    Statement,
    part_name,
    statement_id,
)

HEADS_AT_ONCE_MAX = 8
"""A statement's first document may have two thousand rows, of which the page may hold none."""
_NO_ROWS = {"rows": ("node_id", frozenset[str]())}


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where a page begins: in an epoch, at one of its documents, behind a node."""

    epoch: int
    part: int = 0
    node_id: str = ""


@dataclass(frozen=True, slots=True)
class StatementPage:
    """Statements, oldest first: of the first and of the last there may be some rows only."""

    statements: tuple[Statement, ...]
    following: RowPlace | None
    """Where the next page begins; in the epoch of the last statement, if that has more rows."""


class StatementPages:
    """Reads the documents `statements`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(
        self, stream_id: str, begin: RowPlace, statements_max: int, rows_max: int
    ) -> StatementPage:
        """So many statements, or as many as have so many rows together; one row each at least."""
        found: list[Statement] = []
        place, batch, left = begin, 1, rows_max
        while True:
            heads = await self._heads(stream_id, place.epoch, batch)
            for head in heads:
                epoch = int(head["epoch"])
                if len(found) == statements_max or left <= 0:
                    return StatementPage(tuple(found), RowPlace(epoch))
                place = place if place.epoch == epoch else RowPlace(epoch)
                statement, following = await self._with_rows(stream_id, head, place, left)
                found.append(statement)
                left -= max(1, len(statement.rows))
                if following is not None:
                    return StatementPage(tuple(found), following)
            if len(heads) < batch:
                return StatementPage(tuple(found), None)
            # As many as may fit, if they are like the last one.
            fit = 1 + max(0, left) // max(1, len(found[-1].rows))
            place, batch = RowPlace(place.epoch + 1), min(2 * batch, HEADS_AT_ONCE_MAX, fit)

    async def one(
        self, stream_id: str, begin: RowPlace, rows_max: int
    ) -> tuple[Statement, RowPlace | None] | None:
        """One statement, and where its next rows begin; None where there is none."""
        name = statement_id(stream_id, begin.epoch)
        (head,) = await self._store.get(Ref("statements", name))
        return None if head is None else await self._with_rows(stream_id, head, begin, rows_max)

    async def _heads(self, stream_id: str, from_epoch: int, limit: int) -> list[Fields]:
        begin, end = statement_id(stream_id, from_epoch), f"{stream_id};"
        asked = Query("statements", "stream_epoch", at_least=begin, below=end, limit=limit)
        return [head for _, head in await self._store.find(asked)]

    async def _with_rows(
        self, stream_id: str, head: Fields, begin: RowPlace, rows_max: int
    ) -> tuple[Statement, RowPlace | None]:
        rows: list[Row] = []
        statement, following = STATEMENTS.decode(head, _NO_ROWS), None
        for part in range(begin.part, int(head["chunks"])):
            if len(rows) == rows_max:
                following = RowPlace(begin.epoch, part)
                break
            behind = begin.node_id if part == begin.part else ""
            fields = await self._part(stream_id, head, begin.epoch, part)
            # Two thousand rows take some hundredths of a second: others are answered meanwhile.
            of_part = await asyncio.to_thread(_rows_in, fields, part)
            more = [row for row in of_part if row.node_id > behind]
            room = rows_max - len(rows)
            rows += more[:room]
            if len(more) > room:
                following = RowPlace(begin.epoch, part, rows[-1].node_id)
                break
        return replace(statement, rows=tuple(rows)), following

    async def _part(self, stream_id: str, head: Fields, epoch: int, part: int) -> Fields:
        if not part:
            return head
        name = part_name(statement_id(stream_id, epoch), part)
        (fields,) = await self._store.get(Ref("statements", name))
        if fields is None:
            raise ValueError(f"a part of statement {name} is missing")
        return fields


def _rows_in(fields: Fields, part: int) -> tuple[Row, ...]:
    return MORE_ROWS.decode(fields).rows if part else STATEMENTS.decode(fields).rows
