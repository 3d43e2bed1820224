"""What pages show of tokens: streams, their balances, and what nodes have, in one document.

It lies beside the other pages in the measurement database, so that a view needs one reading. It
is a copy: the ledger alone is the truth, and no token moves by what stands here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from coordinator.accounts import Account, Accounts
from coordinator.balances import Balance
from coordinator.packing import pack, unpack
from coordinator.streams import Stream

FORMAT = 1
"""Of the fields below: a page of another one is as good as none, and is written anew."""
STREAMS_SHOWN_MAX = 500
"""The newest ones."""
NODES_SHOWN_MAX = 20_000
"""Those settled last: the accounts keep everybody for ever, a page cannot."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a node has earned."""

    pending_micros: int = 0
    available_micros: int = 0
    forfeited_micros: int = 0

    @property
    def earned_micros(self) -> int:
        """Everything earned so far and not forfeited."""
        return self.pending_micros + self.available_micros


_VALUES = attrgetter("pending_micros", "available_micros", "forfeited_micros")
"""`dataclasses.astuple` copies every value deeply: 0.2 s for ten thousand nodes."""


NO_TOKENS = Tokens()


@dataclass(frozen=True, slots=True)
class MoneyPage:
    """The document `pages/money`, written by payout and by api."""

    revision: int = 0
    """How often it was written: who writes it has read the one before."""
    written_s: float = 0.0
    streams: Mapping[str, Stream] = field(default_factory=dict)
    balances: Mapping[str, Balance] = field(default_factory=dict)
    tokens: Mapping[str, Tokens] = field(default_factory=dict)
    """By node id."""
    applied: Mapping[str, int] = field(default_factory=dict)
    """The last epoch of each stream that the tokens know of."""

    def with_streams(self, found: Iterable[tuple[Stream, Balance | None]]) -> "MoneyPage":
        """With these streams as they are now."""
        streams, balances = dict(self.streams), dict(self.balances)
        for stream, balance in found:
            streams[stream.stream_id] = stream
            if balance is not None:
                balances[stream.stream_id] = balance
        newest = sorted(streams.values(), key=lambda stream: stream.created_s, reverse=True)
        kept = {stream.stream_id: stream for stream in newest[:STREAMS_SHOWN_MAX]}
        known = {name: balance for name, balance in balances.items() if name in kept}
        return replace(self, streams=kept, balances=known)

    def with_accounts(self, accounts: Accounts) -> "MoneyPage":
        """With what all nodes have now."""
        latest = sorted(accounts.nodes.items(), key=lambda each: -_last_epoch(each[1]))
        tokens = {
            node_id: Tokens(
                account.pending_micros, account.available_micros, account.forfeited_micros
            )
            for node_id, account in latest[:NODES_SHOWN_MAX]
        }
        return replace(self, tokens=tokens, applied=dict(accounts.applied))

    def to_fields(self) -> dict[str, Any]:
        """The document's fields."""
        rows = [(node_id, *_VALUES(tokens)) for node_id, tokens in sorted(self.tokens.items())]
        return {
            "format": FORMAT,
            "revision": self.revision,
            "written_s": self.written_s,
            "streams": pack([stream.model_dump(mode="json") for stream in self.streams.values()]),
            "balances": pack([one.model_dump(mode="json") for one in self.balances.values()]),
            "tokens": pack([list(column) for column in zip(*rows, strict=True)]),
            "applied": pack(dict(self.applied)),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "MoneyPage":
        """The page that `to_fields` wrote."""
        streams = [Stream.model_validate(row) for row in unpack(fields["streams"])]
        balances = [Balance.model_validate(row) for row in unpack(fields["balances"])]
        rows = zip(*unpack(fields["tokens"]), strict=True)
        return cls(
            fields["revision"],
            fields["written_s"],
            {stream.stream_id: stream for stream in streams},
            {balance.stream_id: balance for balance in balances},
            {node_id: Tokens(*micros) for node_id, *micros in rows},
            unpack(fields["applied"]),
        )


def _last_epoch(account: Account) -> int:
    return max((service.last_epoch for service in account.services.values()), default=-1)
