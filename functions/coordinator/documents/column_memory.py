"""Named columns of equally many values, each packed by itself.

Values of one kind side by side compress better than rows, and a writer that packs the same columns
minute after minute packs only those again in which something changed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from coordinator.documents.packing import pack, unpack

Columns = dict[str, list[Any]]

FAST, SMALL = 1, 6
"""Levels of compression: FAST takes a fourth of the time of SMALL, and an eighth more bytes."""


class ColumnPacker:
    """Packs groups of columns, and remembers what came of them."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, int], tuple[object, dict[str, bytes]]] = {}
        self._columns: dict[tuple[str, str, int], tuple[list[Any], bytes]] = {}

    def pack(
        self, group: str, source: object, columns: Callable[[], Columns], level: int = FAST
    ) -> dict[str, bytes]:
        """The columns that `columns` makes of `source`; not made if the source is the last one's.

        Sources are compared with `==`, and must not be changed afterwards."""
        held, packed = self._groups.get((group, level), (None, None))
        if packed is None or held != source:
            made = columns().items()
            packed = {name: self._column((group, name, level), values) for name, values in made}
            self._groups[group, level] = source, packed
        return packed

    def _column(self, key: tuple[str, str, int], values: list[Any]) -> bytes:
        held = self._columns.get(key)
        if held is None or held[0] != values:
            held = self._columns[key] = values, pack(values, key[2])
        return held[1]


def unpacked(columns: Mapping[str, bytes]) -> Columns:
    """The columns that were packed; ValueError if one is damaged."""
    return {name: unpack(packed) for name, packed in columns.items()}
