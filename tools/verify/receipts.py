"""A node's receipt held against the statements of the streams that it served. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.ledger.accounts import Account, Accounts
from coordinator.ledger.rows import Row
from coordinator.ledger.statements import Statement
from coordinator.money import format_tokens, parse_tokens
from tools.verify.statements import row_from


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A node's row in a statement, as its receipt has it."""

    stream_id: str
    epoch: int
    row: Row


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a node is told of its tokens."""

    node_id: str
    earned_micros: int
    pending_micros: int
    available_micros: int
    forfeited_micros: int
    lines: Sequence[ReceiptLine]

    @property
    def stream_ids(self) -> frozenset[str]:
        """The streams that it says the node served."""
        return frozenset(line.stream_id for line in self.lines)

    def findings(self, books: "Books") -> Iterator[str]:
        """What does not agree with the statements, all of each stream that it names."""
        rows = books.rows.get(self.node_id, {})
        lines = {(line.stream_id, line.epoch): line.row for line in self.lines}
        for key in sorted(rows.keys() | lines.keys()):
            where = f"{self.node_id}: the receipt's line of {key[0]}, epoch {key[1]}"
            if key not in lines:
                if rows[key].earned_micros or rows[key].forfeited_micros:
                    yield f"{where} is missing"
            elif rows.get(key) != lines[key]:
                yield f"{where} is not the statement's row"
        yield from self._totals(books.accounts.nodes.get(self.node_id, Account()))

    def _totals(self, account: Account) -> Iterator[str]:
        for name in ("earned", "pending", "available", "forfeited"):
            published, summed = getattr(self, f"{name}_micros"), getattr(account, f"{name}_micros")
            if published != summed:
                yield (
                    f"{self.node_id}: {name}: the receipt says {format_tokens(published)}, the "
                    f"statements {format_tokens(summed)}"
                )


@dataclass(frozen=True, slots=True)
class Books:
    """What statements say of every node."""

    rows: Mapping[str, Mapping[tuple[str, int], Row]]
    """By node, then by stream and epoch."""
    accounts: Accounts

    @classmethod
    def of(cls, statements: Iterable[Statement]) -> "Books":
        """What the rules make of them: all of each stream that there is."""
        accounts, applied = Accounts(), {}
        rows: dict[str, dict[tuple[str, int], Row]] = {}
        for statement in sorted(statements, key=lambda each: (each.epoch, each.stream_id)):
            accounts = accounts.applying(statement)
            applied[statement.stream_id] = statement.epoch
            for row in statement.rows:
                rows.setdefault(row.node_id, {})[statement.stream_id, statement.epoch] = row
        return cls(rows, Accounts.together([accounts], applied))


def receipt_from(found: dict[str, Any]) -> Receipt:
    """What `GET /nodes/{node_id}/receipt` answers with, all pages together."""
    return Receipt(
        node_id=found["node_id"],
        earned_micros=parse_tokens(found["earned"]),
        pending_micros=parse_tokens(found["pending"]),
        available_micros=parse_tokens(found["available"]),
        forfeited_micros=parse_tokens(found["forfeited"]),
        lines=[
            ReceiptLine(line["stream_id"], line["epoch"], row_from(line["row"]))
            for line in found["epochs"]
        ],
    )
