"""What the codec makes of every record, in Firestore itself: names of columns, bytes, order."""

from typing import Any

import pytest

from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import Ref
from coordinator.documents.codec import Codec
from emulator.firestore_emulator import FirestoreEmulator
from tests.stored_records import RECORDS


@pytest.mark.parametrize(("codec", "record"), RECORDS, ids=[codec.kind for codec, _ in RECORDS])
async def test_firestore_gives_back_what_was_encoded(
    codec: Codec[Any], record: Any, firestore: FirestoreEmulator
) -> None:
    """Field by field, and so the record."""
    store, ref = FirestoreStore("stored-records"), Ref("records", "any")
    fields = codec.encode(record)
    await store.put(ref, fields)
    (read,) = await store.get(ref)
    await store.close()
    assert read == fields
    assert codec.decode(read) == record
