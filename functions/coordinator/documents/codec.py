"""The one codec of everything that is stored: a record to a document's fields, and back.

A document holds its record's fields by name, and its `format`. Reading follows four rules:

- A field that is missing has its default: a document of before there was the field stays readable
  for ever, wherever in the record it was put. A field without a default is never added.
- A field that is unknown is not looked at. A program of before there was it reads what it knows,
  beside a newer one; what it does not know it cannot use either.
- A `format` above the program's own is refused. It counts up when a program of before must not go
  on with the document: where a field changed its meaning, and where such a program would write the
  document anew and so lose a field that matters.
- Whatever else cannot be read is refused, and the error names the document's kind and the field.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import NoneType
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

from coordinator.documents.bitmaps import bitmap_bytes, bitmap_from
from coordinator.documents.columns import Table, packed_table, unpacked_table
from coordinator.documents.records import (
    NewerFormatError,
    UnreadableError,
    adapter,
    fields_of,
    is_record,
    why,
)

_Record = TypeVar("_Record")
_FORMAT = "format"
Only = Mapping[str, tuple[str, Collection[Any]]]
"""By field, a column of its table and the values in it that are wanted."""


_DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What values of other kinds, and columns of other lengths than were written, come to."""


class Stored(Enum):
    """How a field is stored that is not stored as JSON: `Annotated[int, Stored.BITMAP]`."""

    BITMAP = "bitmap"
    """An integer with a bit for each slot, of any length."""
    AS_IS = "as is"
    """Bytes, and what was encoded before."""


@dataclass(frozen=True, slots=True)
class Codec(Generic[_Record]):
    """How one kind of record is stored."""

    record: type[_Record]
    kind: str
    """What an error calls the document."""
    format: int = 1
    keys: Callable[[_Record], dict[str, Any]] = lambda _: {}
    """Further fields, which are only queried."""

    def encode(self, record: _Record) -> dict[str, Any]:
        """The document's fields."""
        return {**self.keys(record), **_encoded(self.record, record), _FORMAT: self.format}

    def decode(self, fields: Mapping[str, Any], only: Only | None = None) -> _Record:
        """The record that was encoded; UnreadableError if it cannot be read.

        `only`: for tables among its fields, a column and values; other rows are left out."""
        found = fields.get(_FORMAT)
        if not isinstance(found, int):
            raise UnreadableError(f"{self.kind}: the document says no format")
        if found > self.format:
            raise NewerFormatError(
                f"{self.kind}: the document has format {found}, and this program reads up to "
                f"{self.format}: let a newer version of it run"
            )
        try:
            return self.record(**dict(_fields_in(self.record, fields, only or {})))
        except ValueError as error:
            raise UnreadableError(f"{self.kind}: {why(error)}") from error

    def decode_if_known(self, fields: Mapping[str, Any] | None) -> _Record | None:
        """The same, and None for one of a newer format, where it can be made anew."""
        try:
            return self.decode_or_none(fields)
        except NewerFormatError:
            return None

    def decode_or_none(self, fields: Mapping[str, Any] | None) -> _Record | None:
        """The same, and None where there is no document."""
        return None if fields is None else self.decode(fields)


def _encoded(hint: Any, value: Any) -> Any:
    kind, marker, _ = _parts_of(hint)
    if value is None or marker is Stored.AS_IS:
        return value
    if marker is Stored.BITMAP:
        return bitmap_bytes(value)
    if isinstance(marker, Table):
        return packed_table(kind, value, marker.level)
    if is_record(kind):
        return {one.name: _encoded(one.hint, getattr(value, one.name)) for one in fields_of(kind)}
    return adapter(kind).dump_python(value, mode="json")


def _decoded(hint: Any, stored: Any, only: tuple[str, Collection[Any]] | None = None) -> Any:
    kind, marker, may_be_none = _parts_of(hint)
    if (stored is None and may_be_none) or marker is Stored.AS_IS:
        return stored
    if marker is Stored.BITMAP:
        return bitmap_from(stored)
    if isinstance(marker, Table):
        return unpacked_table(kind, stored, only)
    if is_record(kind):
        return kind(**dict(_fields_in(kind, stored, {})))
    return adapter(kind).validate_python(stored)


def _fields_in(record: Any, stored: Mapping[str, Any], only: Only) -> Iterator[tuple[str, Any]]:
    for field in fields_of(record):
        if field.name in stored:
            try:
                yield field.name, _decoded(field.hint, stored[field.name], only.get(field.name))
            except _DAMAGE as error:
                raise UnreadableError(f"field `{field.name}`: {why(error)}") from error
        elif field.default is None:
            raise UnreadableError(f"field `{field.name}` is missing")


@cache
def _parts_of(hint: Any) -> tuple[Any, Any, bool]:
    """(the type, its marker or None, whether it may be None) of `Annotated[type, marker]`."""
    marker = None
    if get_origin(hint) is Annotated:
        hint, marker = get_args(hint)[:2]
    kinds = [each for each in get_args(hint) if each is not NoneType]
    may_be_none = NoneType in get_args(hint)
    return (kinds[0] if may_be_none and len(kinds) == 1 else hint), marker, may_be_none
