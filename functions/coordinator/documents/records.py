"""What a record is to the codec: its stored fields, in order, with their types and defaults."""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo


class UnreadableError(ValueError):
    """A stored document that this program cannot read: it says which, which field, and why."""


class NewerFormatError(UnreadableError):
    """It was written by a newer program."""


@dataclass(frozen=True, slots=True)
class StoredField:
    """One field of a record."""

    name: str
    hint: Any
    """Its type, with the marker that `Annotated` gave it."""
    default: Callable[[], Any] | None
    """What it is in a document of before there was the field; None if there can be no such."""
    is_positional: bool
    """Whether the constructor takes it by its place, which is quicker for ten thousand rows."""


def is_record(hint: Any) -> bool:
    """Whether this is a class with named fields: a dataclass, or a model of pydantic's."""
    return isinstance(hint, type) and (is_dataclass(hint) or issubclass(hint, BaseModel))


@cache
def fields_of(record: Any) -> tuple[StoredField, ...]:
    """The stored fields of a record, in their order: all that it has."""
    hints = get_type_hints(record, include_extras=True)
    if issubclass(record, BaseModel):
        return tuple(
            StoredField(name, hints[name], _default_of_model(info), is_positional=False)
            for name, info in record.model_fields.items()
        )
    return tuple(
        StoredField(one.name, hints[one.name], _default_of(one), is_positional=not one.kw_only)
        for one in fields(record)
    )


def _default_of(field: Field[Any]) -> Callable[[], Any] | None:
    if field.default_factory is not MISSING:
        return field.default_factory
    return None if field.default is MISSING else lambda: field.default


def _default_of_model(info: FieldInfo) -> Callable[[], Any] | None:
    return None if info.is_required() else lambda: info.get_default(call_default_factory=True)


@cache
def adapter(hint: Any) -> TypeAdapter[Any]:
    """Pydantic's reader and writer of a type, made at its first use."""
    return TypeAdapter(hint)


@cache
def list_adapter(hint: Any) -> TypeAdapter[list[Any]]:
    """The same of many values of a type."""
    return TypeAdapter(list[hint])


def why(error: Exception) -> str:
    """What is wrong with a stored value, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{first['msg']}, but it is {first['input']!r:.40}{place and f', at {place}'}"
