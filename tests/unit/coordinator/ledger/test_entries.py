"""The same cause can never move tokens twice: an entry's id is its cause."""

import pytest

from coordinator.ledger.entries import Entry, EntryKind, entry_id


def _entry(kind: EntryKind, epoch: int | None = None, request: str = "") -> Entry:
    return Entry(
        stream_id="s3",
        number=2,
        kind=kind,
        amount_micros=3,
        at_s=5.0,
        balance_after_micros=7,
        epoch=epoch,
        request=request,
    )


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (_entry(EntryKind.DEPOSIT), "s3:deposit:"),
        (_entry(EntryKind.TOP_UP, request="r11"), "s3:top_up:r11"),
        (_entry(EntryKind.FORFEIT, epoch=13), "s3:forfeit:0000000013"),
        (_entry(EntryKind.REFUND, epoch=0), "s3:refund:0000000000"),
    ],
)
def test_an_entry_is_found_by_what_caused_it(entry: Entry, name: str) -> None:
    """By whoever has the entry, and by whoever only knows the cause."""
    assert entry.id == name
    assert entry_id(entry.stream_id, entry.kind, entry.epoch, entry.request) == name
