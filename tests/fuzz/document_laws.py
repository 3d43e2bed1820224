"""Laws of what is stored: every document is read as its writer wrote it, or refused by name."""

import contextlib
import json
import math

from coordinator.documents.packing import UNPACKED_BYTES_MAX, deflated, inflated
from coordinator.documents.records import UnreadableError
from tests.fuzz.target import Target
from tests.stored_records import RECORDS, closed, opened

CODECS = {codec.kind.encode(): codec for codec, _ in RECORDS}


def stored_law(data: bytes) -> None:
    """The first line names a codec; behind it stands a document in readable form."""
    kind, _, text = data.partition(b"\n")
    codec = CODECS.get(kind)
    if codec is None:
        return
    try:
        document = closed(json.loads(text, parse_constant=_finite, parse_float=_finite))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return  # no document at all: a field is a value that the store can hold
    if not isinstance(document, dict):
        return
    try:
        record = codec.decode(document)
    except UnreadableError as error:
        assert str(error).startswith(codec.kind)
        return
    written = codec.encode(record)
    assert codec.decode(written) == record
    assert codec.encode(codec.decode(written)) == written


def packed_law(data: bytes) -> None:
    """A packed field is small enough to be unpacked, and packs to what unpacks to the same."""
    with contextlib.suppress(ValueError):
        text = inflated(data)
        assert len(text) <= UNPACKED_BYTES_MAX
        assert inflated(deflated(text)) == text


def _finite(text: str) -> float:
    """What our writers store, and JSON can tell again."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


DOCUMENT_TARGETS = (
    Target(
        "documents",
        stored_law,
        tuple(
            codec.kind.encode() + b"\n" + json.dumps(opened(codec.encode(record))).encode()
            for codec, record in RECORDS
        ),
        16_000,
        (b'"format":', b'"table":', b'"bytes":', b'"#":', b'"@":', b"null", b"1e999", b"[]", b"{}"),
    ),
    Target("packing", packed_law, (deflated(b"a" * 300), deflated(b"", 1)), 4_096),
)
