"""What sponsors and operators are told about tokens, on the wire."""

from pydantic import BaseModel

from api.wire.amounts import PositiveAmount
from api.wire.common import In, Instant, example, example_of
from api.wire.example_names import ENDS_AT, EPOCH, NODE_ID, STARTS_AT, STREAM_ID
from api.wire.statements import RowOut, UnpaidOut
from coordinator.ledger.entries import EntryKind


class TopUpIn(In):
    """A sponsor adds tokens to a stream."""

    model_config = example(amount="12.5")

    amount: PositiveAmount


class EntryOut(BaseModel):
    """One movement of tokens that is not pay; never edited."""

    model_config = example(
        number=2,
        kind="top_up",
        amount="12.5",
        at="2026-11-22T14:20:00Z",
        epoch=None,
        balance_after="1012.5",
    )

    number: int
    kind: EntryKind
    amount: str
    at: Instant
    epoch: int | None
    balance_after: str


_DEPOSIT = {
    **example_of(EntryOut),
    "number": 1,
    "kind": "deposit",
    "amount": "1000",
    "at": STARTS_AT,
    "balance_after": "1000",
}


class TopUpOut(BaseModel):
    """The deposit as it was entered, and the balance now."""

    model_config = example(
        stream_id=STREAM_ID, entry=example_of(EntryOut), balance="1012.5", deposited="1012.5"
    )

    stream_id: str
    entry: EntryOut
    balance: str
    deposited: str


class ClosedOut(BaseModel):
    """A closed stream: what is left is refunded with the last epoch's statement."""

    model_config = example(
        stream_id=STREAM_ID,
        ends_at="2026-11-22T16:00:00Z",
        balance="1011.025",
        refund_epoch=EPOCH + 1,
        refund_after="2026-11-22T16:02:00Z",
        says="Until ends_at it pays as before. What the last statement leaves is refunded.",
    )

    stream_id: str
    ends_at: Instant
    balance: str
    refund_epoch: int
    refund_after: Instant
    says: str


class HourOut(BaseModel):
    """One settled epoch, as its sponsor sees it."""

    model_config = example(
        epoch=EPOCH,
        starts_at=STARTS_AT,
        ends_at=ENDS_AT,
        nodes_paid=1,
        node_minutes_paid=59,
        paid="1.475",
        unpaid=[example_of(UnpaidOut)],
        forfeited="0",
        refunded="0",
        balance_after="1011.025",
    )

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

    model_config = example(
        stream_id=STREAM_ID,
        deposited="1012.5",
        returned="0",
        paid="1.475",
        refunded="0",
        balance="1011.025",
        balance_lasts_seconds=2_426_460,
        balance_says="The balance lasts 28 d 2 h at the present rate.",
        used_up_at="2026-12-20T17:01:00Z",
        settled_until=ENDS_AT,
        hours=[example_of(HourOut)],
        entries=[_DEPOSIT, example_of(EntryOut)],
        next_page_token=None,
    )

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

    model_config = example(at="2026-11-23T15:02:00Z", amount="1.475")

    at: Instant
    amount: str


class ReceiptLineOut(BaseModel):
    """One epoch of one node, every minute with its reason."""

    model_config = example(
        stream_id=STREAM_ID,
        epoch=EPOCH,
        starts_at=STARTS_AT,
        ends_at=ENDS_AT,
        minute_seconds=60,
        reward_per_node_hour="1.5",
        available_with_epoch=EPOCH + 24,
        row=example_of(RowOut),
    )

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

    model_config = example(
        node_id=NODE_ID,
        earned="1.475",
        pending="1.475",
        available="0",
        forfeited="0",
        next_release=example_of(ReleaseOut),
        epochs=[example_of(ReceiptLineOut)],
        next_page_token=None,
    )

    node_id: str
    earned: str
    pending: str
    available: str
    forfeited: str
    next_release: ReleaseOut | None
    epochs: list[ReceiptLineOut]
    """Newest first."""
    next_page_token: str | None
