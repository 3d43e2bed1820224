"""What may be stored: the checks that both stores make before anything is sent.

Sizes follow https://firebase.google.com/docs/firestore/storage-size, limits
https://firebase.google.com/docs/firestore/quotas.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from coordinator.adapters.store.protocol import (
    DOCUMENT_BYTES_MAX,
    FIND_LIMIT_MAX,
    TRANSACTION_BYTES_MAX,
    TRANSACTION_WRITES_MAX,
    DocumentTooLargeError,
    Fields,
    Query,
    Ref,
)

DEPTH_MAX = 20
FIELD_BYTES_MAX = DOCUMENT_BYTES_MAX - 89
FIELD_NAME_BYTES_MAX = 1_500
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_RESERVED = re.compile(r"\.\.?|__.*__", re.DOTALL)
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1


def check_ref(ref: Ref) -> None:
    """ValueError unless the collection and the id are names that Firestore takes."""
    for name in (ref.collection, ref.id):
        if not _ID.fullmatch(name) or _RESERVED.fullmatch(name):
            raise ValueError(f"not a document's name: {ref!r}")


def check_query(query: Query) -> None:
    """ValueError unless `find` may be asked this; its field is a plain top-level name.

    TypeError for a bound that no field can hold."""
    check_ref(Ref(query.collection, "any"))
    if not _FIELD.fullmatch(query.field) or _RESERVED.fullmatch(query.field):
        raise ValueError(f"not a field to search by: {query.field!r}")
    if not 1 <= query.limit <= FIND_LIMIT_MAX:
        raise ValueError(f"limit must be 1 to {FIND_LIMIT_MAX}, not {query.limit}")
    value_bytes([query.at_least, query.below, query.after[0] if query.after else None])


def check_writes(writes: Mapping[Ref, Fields], read: set[Ref]) -> None:
    """Refuses what a transaction may not write, by its refs, types, number and size."""
    if unread := writes.keys() - read:
        raise ValueError(f"written without being read, so a lost race would not show: {unread}")
    if len(read) > TRANSACTION_WRITES_MAX:
        raise ValueError(f"{len(read)} documents at once, at most {TRANSACTION_WRITES_MAX}")
    size = sum(check_document(ref, fields) for ref, fields in writes.items())
    if size > TRANSACTION_BYTES_MAX:
        raise DocumentTooLargeError(f"{size} bytes at once, at most {TRANSACTION_BYTES_MAX}")


def check_document(ref: Ref, fields: Fields) -> int:
    """The document's size in bytes, as Firestore counts it.

    Raises ValueError or TypeError for names and values that cannot be stored as they are, and
    DocumentTooLargeError above DOCUMENT_BYTES_MAX, or FIELD_BYTES_MAX for one field."""
    check_ref(ref)
    size = len(ref.collection) + len(ref.id) + 2 + 16 + value_bytes(fields)
    if size > DOCUMENT_BYTES_MAX:
        raise DocumentTooLargeError(f"{ref} has {size} bytes, at most {DOCUMENT_BYTES_MAX}")
    if size > FIELD_BYTES_MAX and any(value_bytes(v) > FIELD_BYTES_MAX for v in fields.values()):
        raise DocumentTooLargeError(f"a field of {ref} has more than {FIELD_BYTES_MAX} bytes")
    return size


def value_bytes(value: Any, depth: int = 0) -> int:  # noqa: PLR0911,PLR0912 - a case a type
    """A value's stored size in bytes; ValueError or TypeError if it cannot be stored.

    What documents hold most of is asked for first."""
    match value:
        case str():
            return len(value.encode()) + 1
        case dict() if depth < DEPTH_MAX:
            size = 32
            for name, each in value.items():
                size += _name_bytes(name) + value_bytes(each, depth + 1)
            return size
        case list() if depth < DEPTH_MAX:
            size = 0
            for each in value:
                if isinstance(each, list):
                    raise TypeError("Firestore does not keep a list directly inside a list")
                size += value_bytes(each, depth + 1)
            return size
        case None | bool():
            return 1
        case int():
            if not _INT_MIN <= value <= _INT_MAX:
                raise ValueError("an int beyond 64 bit cannot be stored: use a decimal string")
            return 8
        case float():
            if math.isnan(value):
                raise ValueError("NaN has no place in an order")
            return 8
        case bytes():
            return len(value)
        case datetime():
            if value.utcoffset() is None:
                raise ValueError("a datetime must know its time zone")
            return 8
        case list() | dict():
            raise ValueError(f"nested deeper than {DEPTH_MAX}")
    raise TypeError(f"{type(value).__name__} is not a type of a document's value")


def _name_bytes(name: object) -> int:
    if not isinstance(name, str):
        raise TypeError(f"a field's name must be a string, not {name!r}")
    return _text_bytes(name)


@lru_cache(maxsize=4_096)
def _text_bytes(name: str) -> int:
    """A codec's names are few, and come again with every document."""
    size = len(name.encode())
    if not 1 <= size <= FIELD_NAME_BYTES_MAX or _RESERVED.fullmatch(name):
        raise ValueError(f"not a field's name: {name[:50]!r}")
    return size + 1


def copied(value: Any) -> Any:  # noqa: PLR0911 - a case a type
    """A deep copy in the plain types that a store gives back: enums become what they wrap."""
    match value:
        case dict():
            return {str.__str__(name): copied(each) for name, each in value.items()}
        case list():
            return [copied(each) for each in value]
        case datetime():
            return value.astimezone(UTC)
        case str():
            return str.__str__(value)
        case bool():
            return value
        case int():
            return int(value)
    return value


def order_key(value: Any) -> tuple[int, Any]:  # noqa: PLR0911 - a case a type
    """Sorts values of any types as Firestore does: by kind first, then by value."""
    match value:
        case None:
            return 0, 0
        case bool():
            return 1, value
        case int() | float():
            return 2, value
        case datetime():
            return 3, value
        case str():
            return 4, value.encode()
        case bytes():
            return 5, value
        case list():
            return 6, [order_key(each) for each in value]
        case dict():
            return 7, [(name, order_key(value[name])) for name in sorted(value)]
    raise TypeError(f"{type(value).__name__} is not a type of a document's value")
