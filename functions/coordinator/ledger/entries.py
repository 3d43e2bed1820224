"""Entries: every movement of a stream's tokens that is not pay, written once, never edited.

Pay stands in statements. A correction is a new entry.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from coordinator.documents.codec import Codec


class EntryKind(StrEnum):
    """What moved the tokens."""

    DEPOSIT = "deposit"
    TOP_UP = "top_up"
    FORFEIT = "forfeit"
    """Came back: from a confirmed fraud, or for minutes that a failed check voids."""
    REFUND = "refund"
    """Went back to the sponsor."""


class Entry(BaseModel):
    """The money document `entries/{id}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream_id: str
    number: int
    """1, 2, 3, … within the stream."""
    kind: EntryKind
    amount_micros: int
    at_s: float
    balance_after_micros: int
    epoch: int | None = None
    """The statement that caused it."""
    request: str = ""
    """Names the request that caused it, so that a repeated one is found again."""

    @property
    def id(self) -> str:
        """The document's id: the same cause can never be written twice."""
        return entry_id(self.stream_id, self.kind, self.epoch, self.request)


def entry_id(stream_id: str, kind: EntryKind, epoch: int | None = None, request: str = "") -> str:
    """Stream, kind and cause."""
    cause = request or ("" if epoch is None else f"{epoch:010d}")
    return f"{stream_id}:{kind.value}:{cause}"


def entry_key(entry: Entry) -> str:
    """Fixed width, so that a stream's entries sort by number."""
    return f"{entry.stream_id}:{entry.number:010d}"


ENTRIES = Codec(Entry, "entries", keys=lambda entry: {"stream_entry": entry_key(entry)})
