"""What pages show of tokens: streams, their balances, and what nodes have, in one document.

It lies with the other projections in the measurement database, so that a view needs one reading.
It is a copy: the ledger alone is the truth, and no token moves by what stands here. Projections of
nodes and of streams have an excerpt of it, so that a view of one needs no reading more.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Annotated

from coordinator.documents.codec import Codec
from coordinator.documents.columns import Table
from coordinator.ledger.accounts import Account, Accounts
from coordinator.ledger.balances import Balance
from coordinator.streams import Stream

STREAMS_SHOWN_MAX = 300
"""Those of which something is still to be settled, then the newest."""
NODES_SHOWN_MAX = 18_000
"""Those settled last: the accounts keep everybody for ever, a projection cannot. The trust book
knows no more. With both numbers at their largest an eighth of the document's limit stays free: the
next field of a stream or of a node needs no new layout."""
STREAMS_EXCERPT_MAX = 100
"""In an excerpt: a few hundred bytes each."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a node has earned."""

    pending_micros: int = 0
    available_micros: int = 0
    forfeited_micros: int = 0
    release_epoch: int = 0
    """With which some of what is pending becomes available; 0 while nothing is. How much that is
    would not fit beside it, for so many nodes: the node's receipt says it."""

    @property
    def earned_micros(self) -> int:
        """Everything earned so far and not forfeited."""
        return self.pending_micros + self.available_micros


NO_TOKENS = Tokens()


@dataclass(frozen=True, slots=True)
class MoneyProjection:
    """The document `projections/money`, written by payout and by api."""

    revision: int = 0
    """How often it was written: who writes it has read the one before."""
    written_s: float = 0.0
    streams: Annotated[Mapping[str, Stream], Table()] = field(default_factory=dict)
    balances: Annotated[Mapping[str, Balance], Table()] = field(default_factory=dict)
    tokens: Annotated[Mapping[str, Tokens], Table()] = field(default_factory=dict)
    """By node id."""
    applied: Annotated[Mapping[str, int], Table()] = field(default_factory=dict)
    """The last epoch of each stream that the tokens know of."""

    def with_streams(self, found: Iterable[tuple[Stream, Balance | None]]) -> "MoneyProjection":
        """With these streams as they are now."""
        streams, balances = dict(self.streams), dict(self.balances)
        for stream, balance in found:
            streams[stream.stream_id] = stream
            if balance is not None:
                balances[stream.stream_id] = balance
        running = replace(self, balances=balances).running
        newest = sorted(streams.values(), key=lambda stream: stream.created_s, reverse=True)
        first = sorted(newest, key=lambda stream: stream.stream_id not in running)
        kept = {stream.stream_id: stream for stream in first[:STREAMS_SHOWN_MAX]}
        known = {name: balance for name, balance in balances.items() if name in kept}
        return replace(self, streams=kept, balances=known)

    def with_accounts(self, accounts: Accounts) -> "MoneyProjection":
        """With what all nodes have now."""
        latest = sorted(accounts.nodes.items(), key=lambda each: -_last_epoch(each[1]))
        tokens = {
            node_id: Tokens(
                account.pending_micros,
                account.available_micros,
                account.forfeited_micros,
                account.next_release[0] if account.next_release else 0,
            )
            for node_id, account in latest[:NODES_SHOWN_MAX]
        }
        return replace(self, tokens=tokens, applied=dict(accounts.applied))

    @property
    def running(self) -> set[str]:
        """Streams of which something is still to be settled."""
        return {name for name, balance in self.balances.items() if balance.due_epoch is not None}

    def excerpt(self, streams: Collection[str], nodes: Iterable[str]) -> "MoneyProjection":
        """What another projection shows of it: these streams, the newest if many, and these nodes.

        Nobody writes over it, so it has no revision; and nothing that is shown needs a hash."""
        known = [self.streams[name] for name in streams if name in self.streams]
        newest = sorted(known, key=lambda stream: (-stream.created_s, stream.stream_id))
        kept = {
            stream.stream_id: stream.model_copy(update={"key_hash": "", "request_hash": ""})
            for stream in newest[:STREAMS_EXCERPT_MAX]
        }
        return MoneyProjection(
            written_s=self.written_s,
            streams=kept,
            balances={name: self.balances[name] for name in kept if name in self.balances},
            tokens={name: self.tokens[name] for name in sorted(nodes) if name in self.tokens},
        )

    def newer_of(self, other: "MoneyProjection") -> "MoneyProjection":
        """Both; what both know as the newer one knows it."""
        old, new = sorted((other, self), key=attrgetter("written_s"))
        return replace(
            new,
            streams={**old.streams, **new.streams},
            balances={**old.balances, **new.balances},
            tokens={**old.tokens, **new.tokens},
        )


MONEY_PROJECTIONS = Codec(MoneyProjection, "projections/money")


def _last_epoch(account: Account) -> int:
    return max((service.last_epoch for service in account.services.values()), default=-1)
