"""What every node has pending and available: a projection of statements, never a source.

Nodes are spread over shards, one document each. Applying a statement to a shard twice changes
nothing, and every document can be rebuilt from the statements at any time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table
from coordinator.keys import shard_of
from coordinator.ledger.rows import Row
from coordinator.ledger.statements import Statement

ACCOUNT_SHARDS = 16
"""10,000 nodes with 24 pending epochs each take about a tenth of a document's limit."""


@dataclass(frozen=True, slots=True)
class Held:
    """Tokens of one epoch that are held back."""

    epoch: int
    micros: int
    until_epoch: int
    """Available once this epoch of the stream is settled."""


@dataclass(frozen=True, slots=True)
class Service:
    """A node's part in one stream."""

    first_epoch: int
    last_epoch: int
    """The first and the last statement with a row of it."""
    held: tuple[Held, ...] = ()
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class Account:
    """One node's tokens."""

    services: Mapping[str, Service] = field(default_factory=dict)
    """By stream id."""
    available_micros: int = 0
    forfeited_micros: int = 0

    @property
    def pending_micros(self) -> int:
        """What is still held."""
        return sum(held.micros for service in self.services.values() for held in service.held)

    @property
    def earned_micros(self) -> int:
        """Everything earned so far and not forfeited."""
        return self.pending_micros + self.available_micros

    @property
    def next_release(self) -> tuple[int, int] | None:
        """(the epoch with which tokens become available next, how many); None with none held."""
        held = [one for service in self.services.values() for one in service.held]
        if not held:
            return None
        epoch = min(one.until_epoch for one in held)
        return epoch, sum(one.micros for one in held if one.until_epoch == epoch)

    def released(self, stream_id: str, epoch: int) -> "Account":
        """With what is held until `epoch` of the stream, or less long, made available."""
        service = self.services.get(stream_id)
        if service is None or all(held.until_epoch > epoch for held in service.held):
            return self
        kept = tuple(held for held in service.held if held.until_epoch > epoch)
        freed = sum(held.micros for held in service.held) - sum(held.micros for held in kept)
        services = {**self.services, stream_id: replace(service, held=kept)}
        return replace(self, services=services, available_micros=self.available_micros + freed)

    def forfeiting(self, statement: Statement, micros: int) -> "Account":
        """Without what the statement takes back of what is pending of the stream: the newest."""
        service = self.services[statement.stream_id]
        since = statement.epoch - statement.terms.holding_epochs
        left, kept = micros, list[Held]()
        for held in reversed(service.held):
            is_pending = held.epoch >= since and held.until_epoch >= statement.epoch
            taken = min(left, held.micros) if is_pending else 0
            left -= taken
            if held.micros > taken:
                kept.append(replace(held, micros=held.micros - taken))
        if left:
            raise ValueError(f"{statement.id} forfeits {micros}, of which {left} are not pending")
        changed = replace(service, held=tuple(reversed(kept)))
        services = {**self.services, statement.stream_id: changed}
        return replace(self, services=services, forfeited_micros=self.forfeited_micros + micros)

    def earning(self, statement: Statement, micros: int) -> "Account":
        """With a row of the statement: its earnings are held."""
        stream_id, epoch = statement.stream_id, statement.epoch
        service = self.services.get(stream_id, Service(epoch, epoch))
        held = service.held
        if micros:
            held = (*held, Held(epoch, micros, epoch + statement.terms.holding_epochs))
        changed = replace(service, last_epoch=epoch, held=held)
        return replace(self, services={**self.services, stream_id: changed})


@dataclass(frozen=True, slots=True)
class Accounts:
    """One shard, the money document `accounts/{shard}`; or all of them `together`."""

    applied: Mapping[str, int] = field(default_factory=dict)
    """The last epoch applied, by stream id."""
    nodes: Annotated[Mapping[str, Account], Table()] = field(default_factory=dict)

    def has(self, statement: Statement) -> bool:
        """Whether the statement is already in."""
        return self.applied.get(statement.stream_id, -1) >= statement.epoch

    def applying(self, statement: Statement, rows: Iterable[Row] | None = None) -> "Accounts":
        """With the statement's `rows` of this shard, or all; idempotent.

        A shard takes its rows in one call. Statements come in order."""
        if self.has(statement):
            return self
        nodes = dict(self.nodes)
        for row in statement.rows if rows is None else rows:
            is_new = row.node_id not in nodes
            if is_new and not (row.earned_micros or row.forfeited_micros):
                continue  # keys cost nothing, and accounts are kept for ever
            account = nodes.get(row.node_id, Account())
            if row.forfeited_micros:
                account = account.forfeiting(statement, row.forfeited_micros)
            account = account.released(statement.stream_id, statement.epoch - 1)
            nodes[row.node_id] = account.earning(statement, row.earned_micros)
        return Accounts({**self.applied, statement.stream_id: statement.epoch}, nodes)

    @classmethod
    def together(cls, parts: Iterable["Accounts"], applied: Mapping[str, int]) -> "Accounts":
        """All shards as one, with everything released that the applied epochs release."""
        nodes = {}
        for part in parts:
            for node_id, account in part.nodes.items():
                settled = account
                for stream_id in account.services:
                    settled = settled.released(stream_id, applied.get(stream_id, -1))
                nodes[node_id] = settled
        return cls(dict(applied), nodes)


@dataclass(frozen=True, slots=True)
class Applied:
    """The money document `accounts/applied`: how far all shards have come."""

    epochs: Mapping[str, int] = field(default_factory=dict)
    """The last epoch applied everywhere, by stream id."""

    def after(self, statement: Statement) -> "Applied":
        """With a statement that all shards have applied."""
        if self.epochs.get(statement.stream_id, -1) >= statement.epoch:
            return self
        return Applied({**self.epochs, statement.stream_id: statement.epoch})


ACCOUNTS = Codec(Accounts, "accounts")
APPLIED = Codec(Applied, "accounts/applied")


def by_shard(statement: Statement, shards: int = ACCOUNT_SHARDS) -> dict[int, list[Row]]:
    """A statement's rows by the shard that they belong to."""
    found: dict[int, list[Row]] = {}
    for row in statement.rows:
        found.setdefault(shard_of(row.node_id, shards), []).append(row)
    return found
