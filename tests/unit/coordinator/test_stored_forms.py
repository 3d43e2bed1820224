"""What is stored stays readable: the forms that documents have and had, each in a file.

A file of `stored_forms/` holds a collection's forms, the oldest first; the last is today's. Whoever
changes a record appends the new form, and leaves the others as they are.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import Ref
from coordinator.documents.codec import Codec
from coordinator.documents.records import fields_of, is_record
from tests.stored_records import RECORDS, closed, codecs, opened

FORMS = Path(__file__).parent / "stored_forms"
every_record = pytest.mark.parametrize(
    ("codec", "record"), RECORDS, ids=[codec.kind for codec, _ in RECORDS]
)


def test_every_codec_has_an_example() -> None:
    """Whoever adds one adds a record to `tests/stored_records.py`, and its form to a file."""
    assert codecs() == {codec.kind for codec, _ in RECORDS}
    assert {path.stem for path in FORMS.iterdir()} == {_name(codec) for codec, _ in RECORDS}


def test_the_examples_have_no_field_with_its_default() -> None:
    """Or nobody would see that it is not stored."""
    seen: dict[tuple[str, str], bool] = {}
    for _, record in RECORDS:
        for one in _records_in(record):
            kind: Any = type(one)
            for each in fields_of(kind):
                name = kind.__name__, each.name
                default = each.default() if each.default else None
                seen[name] = seen.get(name, False) or getattr(one, each.name) != default
    assert [name for name, has_own in seen.items() if not has_own] == []


def _records_in(value: Any) -> Iterator[Any]:
    kind: Any = type(value)
    if is_record(kind):
        yield value
        value = [getattr(value, each.name) for each in fields_of(kind)]
    if isinstance(value, dict):
        value = list(value.values())
    for each in value if isinstance(value, list | tuple) else ():
        yield from _records_in(each)


@every_record
def test_a_record_is_the_same_when_it_is_read_again(codec: Codec[Any], record: Any) -> None:
    """And the store takes its document as it is."""
    fields = codec.encode(record)
    assert check_document(Ref("any", "any"), fields)
    assert codec.decode(fields) == record


@every_record
def test_a_stored_form_does_not_change_by_accident(codec: Codec[Any], record: Any) -> None:
    """Append what is printed to the file; count the format up if an older program must not go on
    with such a document (see `coordinator.documents.codec`)."""
    now = opened(codec.encode(record))
    assert _forms(codec)[-1] == now, json.dumps(now, ensure_ascii=False)


@every_record
def test_every_form_that_was_ever_stored_can_be_read(codec: Codec[Any], record: Any) -> None:
    """What it says is still said by the document that is written of it today."""
    for form in _forms(codec):
        assert form["format"] <= codec.format
        again = opened(codec.encode(codec.decode(closed(form))))
        assert _only(again, form) == {**form, "format": codec.format}, record


def _forms(codec: Codec[Any]) -> list[dict[str, Any]]:
    forms: list[dict[str, Any]] = json.loads((FORMS / f"{_name(codec)}.json").read_text())
    return forms


def _name(codec: Codec[Any]) -> str:
    return codec.kind.replace("/", "-")


def _only(found: Any, asked: Any) -> Any:
    """What `found` has of the fields that `asked` has."""
    if not isinstance(found, dict) or not isinstance(asked, dict):
        return found
    return {name: _only(found[name], each) for name, each in asked.items()}
