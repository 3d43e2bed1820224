"""The law of stored records: whatever a program writes, the one before and the next one read.

The next version of each record is made here: one of the classes in it has a field more, with a
default, at any place. It reads what today's record wrote, and today's record reads what it wrote.
"""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, make_dataclass, replace
from functools import reduce
from operator import or_
from types import FunctionType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, create_model

from coordinator.documents.codec import Codec
from coordinator.documents.records import fields_of, is_record
from tests.stored_records import RECORDS

NEW = "a_later_field"
DEFAULTS = st.sampled_from(
    [
        (int, 7),
        (str, "x"),
        (int | None, None),
        (float, 0.5),
        (tuple[str, ...], ("a",)),
        (bool, True),
    ]
)


@given(st.data(), st.sampled_from(RECORDS), DEFAULTS)
def test_a_field_may_be_added_at_any_place_of_any_record(
    data: st.DataObject, stored: tuple[Codec[Any], Any], default: tuple[Any, Any]
) -> None:
    """Old documents are read with the default, new ones as if the field were not there."""
    codec, record = stored
    grown = data.draw(st.sampled_from(sorted(_records_in(codec.record), key=_name)), label="in")
    place = data.draw(st.integers(0, len(fields_of(grown))), label="before")
    following = replace(codec, record=_Next(grown, place, *default).version_of(codec.record))
    read = following.decode(codec.encode(record))
    assert _plain(read, without=NEW) == _plain(record)
    assert set(_values_of(read, NEW)) <= {default[1]}
    written = following.encode(read)
    assert codec.decode(written) == record
    assert following.decode(written) == read


def _name(record: type) -> str:
    return record.__name__


def _records_in(hint: Any) -> set[type]:
    """A record, and all that are in its fields."""
    if is_record(hint):
        return {hint}.union(*(_records_in(one.hint) for one in fields_of(hint)))
    return set().union(*(_records_in(each) for each in get_args(hint)))


@dataclass
class _Next:
    """The next version, in which the record `grown` has one field more."""

    grown: type
    place: int
    kind: Any
    default: Any
    made: dict[type, type] = field(default_factory=dict)

    def version_of(self, hint: Any) -> Any:
        """The type, with the field wherever the record is in it."""
        if is_record(hint):
            if hint not in self.made:
                self.made[hint] = self._record(hint)
            return self.made[hint]
        args = get_args(hint)
        if get_origin(hint) is Annotated:
            return Annotated[self.version_of(args[0]), args[1]]
        if get_origin(hint) in (Union, UnionType):
            return reduce(or_, map(self.version_of, args))
        return get_origin(hint)[tuple(map(self.version_of, args))] if args else hint

    def _record(self, old: Any) -> type:
        ours = [(one.name, self.version_of(one.hint)) for one in fields_of(old)]
        if old is self.grown:
            ours.insert(self.place, (NEW, self.kind))
        if issubclass(old, BaseModel):
            models: dict[str, Any] = {
                name: (kind, old.model_fields.get(name, self.default)) for name, kind in ours
            }
            model: type = create_model(old.__name__, **models)
            return model
        known: dict[str, Any] = {one.name: one for one in fields(old)}
        # Behind a field with a default, others are given by their names.
        by_name = any(_is_required(known[name]) for name, _ in ours[self.place + 1 :])
        known[NEW] = field(default=self.default, kw_only=by_name)
        methods = {
            name: each
            for name, each in vars(old).items()
            if isinstance(each, FunctionType | property) and not name.startswith("__")
        }
        made = [(name, kind, _again(known[name])) for name, kind in ours]
        return make_dataclass(old.__name__, made, frozen=True, namespace=methods)


def _again(one: Any) -> Any:
    """The same field for another class."""
    if one.default_factory is not MISSING:
        return field(default_factory=one.default_factory, kw_only=one.kw_only)
    return field(default=one.default, kw_only=one.kw_only)


def _is_required(one: Any) -> bool:
    return not one.kw_only and one.default is MISSING and one.default_factory is MISSING


def _names_of(record: Any) -> list[str]:
    kind: Any = type(record)
    return [one.name for one in fields_of(kind)]


def _plain(value: Any, without: str = "") -> Any:
    """Records as names and values."""
    if is_record(type(value)):
        return {n: _plain(getattr(value, n), without) for n in _names_of(value) if n != without}
    if isinstance(value, dict):
        return {name: _plain(each, without) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each, without) for each in value]
    return value


def _values_of(value: Any, name: str) -> Iterator[Any]:
    """What the field is, wherever it is."""
    if is_record(type(value)):
        for one in _names_of(value):
            if one == name:
                yield getattr(value, name)
            yield from _values_of(getattr(value, one), name)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _values_of(each, name)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _values_of(each, name)
