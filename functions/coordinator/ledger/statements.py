"""A statement: one settled epoch of one stream, with a row for every node; immutable."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Annotated, Any

from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.rows import Carried, Row
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason

ROWS_A_DOCUMENT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Summary:
    """A statement without its rows: what a sponsor is shown, hour by hour."""

    epoch: int
    starts_s: int
    ends_s: int
    nodes_paid: int
    minutes_paid: int
    unpaid: Mapping[Reason, int]
    """Minutes that were not paid, by reason."""
    paid_micros: int
    forfeited_micros: int
    refunded_micros: int
    balance_after_micros: int


@dataclass(frozen=True, slots=True)
class Statement:
    """The money document `statements/{stream_id}:{epoch}`; immutable."""

    stream_id: str
    epoch: int
    starts_s: int
    ends_s: int
    terms: Terms
    rows: Annotated[tuple[Row, ...], Table()]
    """By node id."""
    paid_micros: int
    forfeited_micros: int
    """Came back: earned in earlier epochs by confirmed frauds, and for minutes that a failed check
    voids."""
    refunded_micros: int
    """Went to the sponsor, because the stream has ended."""
    balance_before_micros: int
    balance_after_micros: int
    """before - paid + forfeited - refunded."""
    closes: bool
    """The stream had ended: what was left went back to the sponsor."""
    check_seconds: int = 60
    """Length of a draw: tells which runs belong to the epoch."""
    evidence_until_s: float = 0.0
    """Evidence recorded later was ignored."""
    roster_ids: tuple[str, ...] = ()
    """Rosters that said who was due."""

    @property
    def id(self) -> str:
        """The document's id."""
        return statement_id(self.stream_id, self.epoch)

    @property
    def epoch_minutes(self) -> EpochMinutes:
        """Its minutes."""
        return EpochMinutes(self.starts_s, self.ends_s, self.terms.minute_seconds)

    def carried(self) -> dict[str, Carried]:
        """What the next statement begins with, by node id."""
        return {row.node_id: row.carried for row in self.rows}

    def counted(self) -> frozenset[str]:
        """Nodes by which it is told how long the balance lasts: they come first if it is short."""
        return frozenset(row.node_id for row in self.rows if row.is_counted)

    def to_documents(self) -> list[dict[str, Any]]:
        """The fields of its documents: the first with all totals, more when rows do not fit.

        `stream_epoch` stands in the first one only and is the one that is queried."""
        chunks = chunks_of(len(self.rows))
        parts: list[list[Row]] = [[] for _ in range(chunks)]
        for row in self.rows:
            parts[chunk_of(row.node_id, chunks)].append(row)
        head = {
            **STATEMENTS.encode(replace(self, rows=tuple(parts[0]))),
            "stream_epoch": self.id,
            "nodes_paid": sum(1 for row in self.rows if row.earned_micros),
            "minutes_paid": sum(row.minutes_paid for row in self.rows),
            "unpaid": dict(self._unpaid()),
            "chunks": chunks,
        }
        return [head, *(MORE_ROWS.encode(MoreRows(tuple(part))) for part in parts[1:])]

    def _unpaid(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for row in self.rows:
            for reason, minutes in row.unpaid:
                found[reason.value] += minutes
        return found

    @classmethod
    def from_documents(
        cls, documents: Sequence[dict[str, Any]], node_ids: Collection[str] | None = None
    ) -> "Statement":
        """The statement that `to_documents` wrote; with fewer of them, the rows in those.

        With only some nodes' rows if asked: of ten thousand, the others take most of the time."""
        only = None if node_ids is None else {"rows": ("node_id", frozenset(node_ids))}
        statement = STATEMENTS.decode(documents[0], only)
        parts = [MORE_ROWS.decode(fields, only).rows for fields in documents[1:]]
        rows = sorted(chain(statement.rows, *parts), key=lambda row: row.node_id)
        return replace(statement, rows=tuple(rows))


@dataclass(frozen=True, slots=True)
class MoreRows:
    """A further document of a statement, with rows that the first one has no room for."""

    rows: Annotated[tuple[Row, ...], Table()]


STATEMENTS = Codec(Statement, "statements")
SUMMARIES = Codec(Summary, "statements")
"""The totals of a statement's first document; its rows stay packed."""
MORE_ROWS = Codec(MoreRows, "a part of a statement")


def statement_id(stream_id: str, epoch: int) -> str:
    """Fixed width, so that a stream's statements sort by epoch."""
    return f"{stream_id}:{epoch:010d}"


def part_name(name: str, part: int) -> str:
    """Names a statement's document; the first one has its plain name."""
    return f"{name}.{part}" if part else name


def chunks_of(rows: int) -> int:
    """How many documents hold so many rows."""
    return max(1, -(-rows // ROWS_A_DOCUMENT_MAX))


def chunk_of(node_id: str, chunks: int) -> int:
    """Which of the documents holds a node's row, so that one node's can be read alone."""
    return int.from_bytes(hashlib.sha256(node_id.encode()).digest()[8:16]) % chunks
