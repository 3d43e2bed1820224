"""What sponsors and operators are told about tokens, on the wire."""

from pydantic import BaseModel

from api.wire.amounts import PositiveAmount
from api.wire.common import In, Instant
from api.wire.statements import RowOut, UnpaidOut
from coordinator.ledger.entries import EntryKind


class TopUpIn(In):
    """A sponsor adds tokens to a stream."""

    amount: PositiveAmount


class EntryOut(BaseModel):
    """One movement of tokens that is not pay; never edited."""

    number: int
    kind: EntryKind
    amount: str
    at: Instant
    epoch: int | None
    balance_after: str


class TopUpOut(BaseModel):
    """The deposit as it was entered, and the balance now."""

    stream_id: str
    entry: EntryOut
    balance: str
    deposited: str


class ClosedOut(BaseModel):
    """A closed stream: what is left is refunded with the last epoch's statement."""

    stream_id: str
    ends_at: Instant
    balance: str
    refund_epoch: int
    refund_after: Instant
    says: str


class HourOut(BaseModel):
    """One settled epoch, as its sponsor sees it."""

    epoch: int
    starts_at: Instant
    ends_at: Instant
    nodes_paid: int
    node_minutes_paid: int
    paid: str
    unpaid: list[UnpaidOut]
    """Node-minutes that cost nothing, and why."""
    forfeited: str
    refunded: str
    balance_after: str


class DeliveryOut(BaseModel):
    """What a stream's tokens bought. deposited + returned = paid + refunded + balance."""

    stream_id: str
    deposited: str
    returned: str
    paid: str
    refunded: str
    balance: str
    balance_lasts_seconds: int | None
    balance_says: str
    used_up_at: Instant | None
    """When the balance is used up at the present rate."""
    settled_until: Instant
    hours: list[HourOut]
    entries: list[EntryOut]
    """Oldest first; of more than 200 the latest."""
    next_page_token: str | None


class ReleaseOut(BaseModel):
    """The next time that pending tokens become available."""

    at: Instant
    amount: str


class ReceiptLineOut(BaseModel):
    """One epoch of one node, every minute with its reason."""

    stream_id: str
    epoch: int
    starts_at: Instant
    ends_at: Instant
    minute_seconds: int
    reward_per_node_hour: str
    available_with_epoch: int
    row: RowOut


class ReceiptOut(BaseModel):
    """A node's tokens, and where each came from. earned = pending + available."""

    node_id: str
    earned: str
    pending: str
    available: str
    forfeited: str
    next_release: ReleaseOut | None
    epochs: list[ReceiptLineOut]
    """Newest first."""
    next_page_token: str | None
