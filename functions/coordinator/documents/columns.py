"""Tables: many records in one document, as named columns that are packed one by one.

Values of one kind side by side compress better than rows, and pydantic reads and writes a whole
column at once. A column is named after its field:

    node_id                 a field of the record
    carried.waiting         a field of the record in its field `carried`
    voided_by#              how many items a field with several has, for each row
    voided_by.minutes       a field of those items, of all rows in a line
    @                       the keys of a mapping
    =                       items that are no records

A column that is missing gives the field's default, and an unknown one is not looked at: so a field
may be added anywhere in any record.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain, islice
from operator import attrgetter
from typing import Any, get_args, get_origin

from coordinator.documents.packing import FAST, SMALL, deflated, inflated
from coordinator.documents.records import (
    StoredField,
    UnreadableError,
    fields_of,
    is_record,
    list_adapter,
    why,
)

__all__ = [
    "FAST",
    "SMALL",
    "Columns",
    "Table",
    "packed_columns",
    "packed_table",
    "rows_of",
    "unpacked_columns",
    "unpacked_table",
]

_OPEN = dict[str, Any]
"""An item without fixed fields: a column for each that some item has."""
_ABSENT: dict[str, Any] = {}
"""Stands in it for what an item does not have; None is a value."""


@dataclass(frozen=True, slots=True)
class Table:
    """Marks a field with many records: `Annotated[tuple[Slot, ...], Table()]`."""

    level: int = SMALL


Columns = dict[str, list[Any]]
"""Values by the name of their column: a table whose rows are never made."""


def packed_columns(record: Any, columns: Columns, level: int = FAST) -> dict[str, bytes]:
    """Columns of the plain fields of a record, with as many values each."""
    hints = {field.name: field.hint for field in fields_of(record)}
    return {
        name: deflated(list_adapter(hints[name]).dump_json(values), level)
        for name, values in columns.items()
    }


def unpacked_columns(record: Any, packed: Mapping[str, bytes], count: int) -> Columns:
    """A column for each field, in their order; of a column that is missing, the default."""
    table = _Packed(packed)
    return {one.name: list(table.field(one, "", count)) for one in fields_of(record)}


def packed_table(hint: Any, value: Any, level: int = SMALL) -> dict[str, bytes]:
    """The columns of a tuple or a mapping of records."""
    return {
        name: deflated(list_adapter(kind).dump_json(values), level)
        for name, kind, values in _columns(hint, [value], "")
    }


def unpacked_table(
    hint: Any, packed: Mapping[str, bytes], only: tuple[str, Collection[Any]] | None = None
) -> Any:
    """The tuple or mapping that was packed.

    `only`: a column and values in it; other rows are not made, which takes most of the time."""
    table = _Packed(packed)
    if only is None:
        return table.values(hint, "", 1)[0]
    key, item = _items_of(hint)
    name, wanted = only
    kind = key if name == "@" else _hint_in(item, name)
    column = table.column(name, kind)
    rows = [at for at, found in enumerate(column) if found in wanted]
    if not rows:  # most documents have nothing of one node
        return {} if name == "@" else ()
    made = table.values(item, "", len(rows), rows)
    if name != "@":
        return tuple(made)
    return dict(zip((column[at] for at in rows), made, strict=True))


def _columns(hint: Any, values: Sequence[Any], name: str) -> Iterator[tuple[str, Any, list[Any]]]:
    """(name, type, values) of each column that these values take."""
    key, item = _items_of(hint)
    if is_record(hint):
        for field in fields_of(hint):
            inner = list(map(attrgetter(field.name), values))
            yield from _columns(field.hint, inner, _below(name, field.name))
    elif hint == _OPEN:
        for one in sorted({one for value in values for one in value}):
            yield _below(name, one), Any, [value.get(one, _ABSENT) for value in values]
    elif item:
        if _items_of(item)[1] and item != _OPEN:
            raise TypeError(f"{hint}: a record between the two gives the inner columns a name")
        yield f"{name}#", int, list(map(len, values))
        if key:
            yield f"{name}@", key, list(chain.from_iterable(values))
            values = [each.values() for each in values]
        yield from _columns(item, list(chain.from_iterable(values)), name)
    else:
        yield name or "=", hint, list(values)


class _Packed:
    """Columns on their way back. `rows` are those that are wanted, None for all `count`."""

    def __init__(self, packed: Mapping[str, bytes]) -> None:
        self.packed = packed
        self._fields = frozenset(chain.from_iterable(map(_above, packed)))
        """All that have a column, or several below them."""

    def values(
        self, hint: Any, name: str, count: int, rows: Sequence[int] | None = None
    ) -> list[Any]:
        """What `_columns` took apart."""
        if is_record(hint):
            return _made(hint, [self.field(one, name, count, rows) for one in fields_of(hint)])
        if hint == _OPEN:
            names = [one for one in self.packed if one.startswith(f"{name}.")]
            columns = {one[len(name) + 1 :]: self.column(one, Any) for one in names}
            return [
                {one: found for one, column in columns.items() if (found := column[at]) != _ABSENT}
                for at in (range(count) if rows is None else rows)
            ]
        if _items_of(hint)[1]:
            return self._several(hint, name, rows)
        column = self.column(name or "=", hint)
        if rows is None and len(column) != count:
            raise UnreadableError(f"column {name!r} has {len(column)} values, not {count}")
        return column if rows is None else [column[at] for at in rows]

    def _several(self, hint: Any, name: str, rows: Sequence[int] | None) -> list[Any]:
        key, item = _items_of(hint)
        lengths = self.column(f"{name}#", int)
        inner = None
        if rows is not None:
            ends = [0, *accumulate(lengths)]
            inner = [at for row in rows for at in range(ends[row], ends[row + 1])]
            lengths = [lengths[row] for row in rows]
        items = iter(self.values(item, name, sum(lengths), inner))
        if not key:
            return [tuple(islice(items, length)) for length in lengths]
        keys = self.column(f"{name}@", key)
        pairs = zip(keys if inner is None else map(keys.__getitem__, inner), items, strict=True)
        return [dict(islice(pairs, length)) for length in lengths]

    def field(
        self, field: StoredField, within: str, count: int, rows: Sequence[int] | None = None
    ) -> Iterable[Any]:
        """A field's values, in this or in an inner record."""
        name = _below(within, field.name)
        if field.hint == _OPEN or name in self._fields:
            return self.values(field.hint, name, count, rows)
        if field.default is None:
            raise UnreadableError(f"column {name!r} is missing")
        return [field.default() for _ in range(count)]

    def column(self, name: str, kind: Any) -> list[Any]:
        """One column's values."""
        try:
            found: list[Any] = list_adapter(kind).validate_json(inflated(self.packed[name]))
        except KeyError:
            raise UnreadableError(f"column {name!r} is missing") from None
        except ValueError as error:
            raise UnreadableError(f"column {name!r}: {why(error)}") from error
        return found


def rows_of(record: Any, columns: Columns) -> list[Any]:
    """The records of these columns."""
    return _made(record, [columns[field.name] for field in fields_of(record)])


def _made(record: Any, columns: Sequence[Iterable[Any]]) -> list[Any]:
    """The records of these columns, which are in the order of its fields."""
    fields = fields_of(record)
    if all(field.is_positional for field in fields):
        return list(map(record, *columns))
    names = [field.name for field in fields]
    return [record(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]


@cache
def _items_of(hint: Any) -> tuple[Any, Any]:
    """(type of the keys or None, type of the items) of what holds several; or (None, None)."""
    args = get_args(hint)
    if get_origin(hint) is tuple and args[1:] == (Ellipsis,):
        return None, args[0]
    if get_origin(hint) in (dict, Mapping):
        return args[0], args[1]
    return None, None


def _hint_in(record: Any, name: str) -> Any:
    """The type of a column without items: `row.node_id`."""
    for one in name.split("."):
        record = next(field.hint for field in fields_of(record) if field.name == one)
    return record


def _above(column: str) -> Iterator[str]:
    """The fields that a column belongs to, from within: `a.b` and `a` for `a.b#`."""
    name = column.partition("#")[0]
    while name:
        yield name
        name = name.rpartition(".")[0]


def _below(name: str, field: str) -> str:
    return f"{name}.{field}" if name else field
