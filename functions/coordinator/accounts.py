"""What every node has pending and available: a projection of statements, never a source.

Applying a statement twice changes nothing, and the whole document can be rebuilt from the
statements at any time.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from coordinator.packing import pack, unpack
from coordinator.statements import Statement


@dataclass(frozen=True, slots=True)
class Account:
    """One node's tokens."""

    pending: tuple[tuple[str, int, int], ...] = ()
    """(stream_id, epoch, micros), oldest first: held until `holding_epochs` have passed."""
    available_micros: int = 0

    @property
    def pending_micros(self) -> int:
        """What is still held."""
        return sum(micros for _, _, micros in self.pending)

    @property
    def earned_micros(self) -> int:
        """Everything earned so far."""
        return self.pending_micros + self.available_micros

    def released(self, before_epoch: int) -> "Account":
        """With what was earned in epochs before `before_epoch` made available."""
        held = tuple(entry for entry in self.pending if entry[1] >= before_epoch)
        freed = self.pending_micros - sum(micros for _, _, micros in held)
        return Account(held, self.available_micros + freed)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The money document `accounts/{shard}`."""

    applied: dict[str, int] = field(default_factory=dict)
    """The last epoch applied, by stream id."""
    nodes: dict[str, Account] = field(default_factory=dict)

    def has(self, statement: Statement) -> bool:
        """Whether the statement is already in."""
        return self.applied.get(statement.stream_id, -1) >= statement.epoch

    def applying(self, statement: Statement, holding_epochs: int) -> "Accounts":
        """With the statement's earnings pending and old enough ones available; idempotent."""
        if self.has(statement):
            return self
        nodes = dict(self.nodes)
        for row in statement.rows:
            if row.earned_micros:
                account = nodes.get(row.node_id, Account())
                entry = (statement.stream_id, statement.epoch, row.earned_micros)
                nodes[row.node_id] = replace(account, pending=(*account.pending, entry))
        before = statement.epoch - holding_epochs
        nodes = {node_id: account.released(before) for node_id, account in nodes.items()}
        return Accounts({**self.applied, statement.stream_id: statement.epoch}, nodes)

    def to_fields(self) -> dict[str, Any]:
        """The document's fields."""
        rows = {node_id: [a.pending, a.available_micros] for node_id, a in self.nodes.items()}
        return {"applied": self.applied, "nodes": pack(rows)}

    @classmethod
    def from_fields(cls, fields: dict[str, Any] | None) -> "Accounts":
        """The accounts that `to_fields` wrote; empty ones for None."""
        if fields is None:
            return cls()
        nodes = {
            node_id: Account(tuple((s, e, m) for s, e, m in pending), available)
            for node_id, (pending, available) in unpack(fields["nodes"]).items()
        }
        return cls(dict(fields["applied"]), nodes)
