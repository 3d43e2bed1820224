"""AMF 0, the format of commands and of script data ("Action Message Format -- AMF 0").

An array's count is a claim of the sender: nothing is allocated by it. Section numbers are AMF 0's.
"""

import struct
from typing import NamedTuple, TypeAlias

from rtmp.errors import RtmpError

DEPTH_MAX = 8
"""Objects and arrays inside each other; metadata needs three."""
VALUES_MAX = 4096
"""In one message, the keys of objects not counted."""

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"

_NUMBER, _BOOLEAN, _STRING, _OBJECT, _NULL, _UNDEFINED = 0, 1, 2, 3, 5, 6
_ECMA_ARRAY, _OBJECT_END, _STRICT_ARRAY, _DATE, _LONG_STRING = 8, 9, 10, 11, 12
_END = b"\x00\x00\x09"
_U16_MAX = 65_535


class _Open(NamedTuple):
    """An object or array whose end has not been read; `claimed` is a strict array's count."""

    into: "list[Value] | dict[str, Value]"
    claimed: int


def decode(body: bytes) -> list[Value]:
    """All values of a message. Raises RtmpError.

    Undefined becomes None, a date its milliseconds, and what is not UTF-8 in a text U+FFFD.
    """
    return _Decoder(body).values()


def encode(*values: Value) -> bytes:
    """The values one after the other; whole numbers are written as the doubles that they become."""
    parts: list[bytes] = []
    pending: list[Value | bytes] = list(reversed(values))
    while pending:
        value = pending.pop()
        match value:
            case bytes():
                parts.append(value)
            case None:
                parts.append(bytes([_NULL]))
            case bool():
                parts.append(bytes([_BOOLEAN, value]))
            case int() | float():
                parts.append(struct.pack(">Bd", _NUMBER, value))
            case str():
                parts.append(_text(value))
            case list():
                parts.append(struct.pack(">BI", _STRICT_ARRAY, len(value)))
                pending += reversed(value)
            case dict():
                parts.append(bytes([_OBJECT]))
                pending.append(_END)
                for key, inner in reversed(value.items()):
                    pending += [inner, _key(key)]
    return b"".join(parts)


def _text(text: str) -> bytes:
    raw = text.encode()
    if len(raw) <= _U16_MAX:
        return struct.pack(">BH", _STRING, len(raw)) + raw
    return struct.pack(">BI", _LONG_STRING, len(raw)) + raw


def _key(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > _U16_MAX:
        raise RtmpError(f"a key has {len(raw)} bytes: at most {_U16_MAX} can be written")
    return struct.pack(">H", len(raw)) + raw


class _Decoder:
    """Reads with a stack of its own, so that no depth of the input is a depth of calls."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0
        self._count = 0
        self._open: list[_Open] = []

    def values(self) -> list[Value]:
        """Every value up to the end of the body."""
        top: list[Value] = []
        while self._open or self._at < len(self._body):
            if not self._open:
                top.append(self._value())
                continue
            into, claimed = self._open[-1]
            if isinstance(into, dict):
                self._property(into)
            elif len(into) >= claimed:
                self._open.pop()
            else:
                into.append(self._value())
        return top

    def _property(self, into: dict[str, Value]) -> None:
        """One key with its value, or the object's end (section 2.5)."""
        key = self._string(2)
        if not key and self._body[self._at : self._at + 1] == bytes([_OBJECT_END]):
            self._at += 1
            self._open.pop()
        else:
            into[key] = self._value()

    def _value(self) -> Value:
        """The next value; an object or an array is empty yet, and open."""
        self._count += 1
        if self._count > VALUES_MAX:
            raise RtmpError(f"AMF with more than {VALUES_MAX} values")
        marker = self._take(1)[0]
        if marker == _NUMBER:
            return self._double()
        if marker == _BOOLEAN:
            return self._take(1) != b"\x00"
        if marker in (_STRING, _LONG_STRING):
            return self._string(2 if marker == _STRING else 4)
        if marker in (_NULL, _UNDEFINED):
            return None
        if marker == _DATE:
            date_ms = self._double()
            self._take(2)  # a time zone, which is not used (section 2.13)
            return date_ms
        return self._container(marker)

    def _container(self, marker: int) -> Value:
        if len(self._open) >= DEPTH_MAX:
            raise RtmpError(f"AMF nested deeper than {DEPTH_MAX}")
        into: list[Value] | dict[str, Value] = {}
        claimed = 0
        if marker == _ECMA_ARRAY:  # section 2.10: its end is marked, so its count is not needed
            self._take(4)
        elif marker == _STRICT_ARRAY:
            into, claimed = [], int.from_bytes(self._take(4), "big")
        elif marker != _OBJECT:
            raise RtmpError(f"AMF marker {marker} is not known")
        self._open.append(_Open(into, claimed))
        return into

    def _double(self) -> float:
        number: float = struct.unpack(">d", self._take(8))[0]
        return number

    def _string(self, size_bytes: int) -> str:
        length = int.from_bytes(self._take(size_bytes), "big")
        return self._take(length).decode("utf-8", errors="replace")

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise RtmpError("AMF ends in mid-value")
        taken = self._body[self._at : end]
        self._at = end
        return taken
