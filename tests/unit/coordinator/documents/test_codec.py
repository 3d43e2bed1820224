"""The codec: records to documents and back, and what of them it can and cannot read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import Ref
from coordinator.documents.codec import Codec, Stored
from coordinator.documents.columns import FAST, Table, packed_table, unpacked_table
from coordinator.documents.packing import UNPACKED_BYTES_MAX, deflated
from coordinator.documents.records import UnreadableError


class Colour(StrEnum):
    """Any enumeration."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Leaf:
    """An item of an item."""

    colour: Colour
    at_s: float


@dataclass(frozen=True, slots=True)
class Veins:
    """A record in a record."""

    width: int = 2
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """A row of a table."""

    name: str
    veins: Veins
    leaves: tuple[Leaf, ...] = ()
    by_colour: Mapping[Colour, int] = field(default_factory=dict)
    pairs: tuple[tuple[Colour, int], ...] = ()
    found: tuple[dict[str, Any], ...] = ()
    seen_s: float | None = None


class Bird(BaseModel):
    """A model of pydantic's."""

    name: str
    eggs: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A document."""

    number: int
    planted: date
    branches: Annotated[tuple[Branch, ...], Table()]
    ages: Annotated[Mapping[tuple[str, str], Veins], Table(FAST)] = field(default_factory=dict)
    birds: Annotated[Mapping[str, Bird], Table()] = field(default_factory=dict)
    counts: Annotated[Mapping[str, int], Table()] = field(default_factory=dict)
    bits: Annotated[int, Stored.BITMAP] = 0
    picture: Annotated[bytes | None, Stored.AS_IS] = None
    veins: Veins | None = None
    colours: Mapping[Colour, Leaf] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()


TREE = Codec(Tree, "trees", format=3, keys=lambda tree: {"tree_number": tree.number})
LEAF = Leaf(Colour.RED, 1795305637.123)
BRANCHES = (
    Branch("a", Veins(3, ("x", "y")), (LEAF, Leaf(Colour.BLUE, 0.1)), {Colour.RED: 5}),
    Branch("b", Veins(), found=({"lag_s": 0.5}, {}), seen_s=7.25, pairs=((Colour.BLUE, 3),)),
    Branch("c", Veins(), (LEAF,), found=({"reason": "ok", "lag_s": 1},)),
)
WHOLE = Tree(
    number=7,
    planted=date(2026, 11, 22),
    branches=BRANCHES,
    ages={("n1", "s1"): Veins(5), ("n1", "s2"): Veins()},
    birds={"tit": Bird(name="tit", eggs=7)},
    counts={"a": 1, "b": 2**40},
    bits=1 << 83 | 5,
    picture=b"\xff\xd8",
    veins=Veins(11),
    colours={Colour.BLUE: LEAF},
    sizes=(3, 5),
)
BARE = Tree(number=0, planted=date(1970, 1, 1), branches=())


@pytest.mark.parametrize("tree", [WHOLE, BARE])
def test_what_is_encoded_can_be_stored_and_decoded(tree: Tree) -> None:
    """Every kind of field, full and empty; the store takes it as it is."""
    fields = TREE.encode(tree)
    assert check_document(Ref("trees", "7"), fields)
    assert TREE.decode(fields) == tree
    assert fields["format"] == 3
    assert fields["tree_number"] == tree.number


def test_fields_stand_under_their_names() -> None:
    """In the document, in a record in it, and as columns of a table."""
    fields = TREE.encode(WHOLE)
    assert fields["veins"] == {"width": 11, "names": []}
    assert fields["colours"] == {"blue": {"colour": "red", "at_s": 1795305637.123}}
    assert set(fields["branches"]) == {
        "#", "name", "veins.width", "veins.names#", "veins.names", "leaves#", "leaves.colour",
        "leaves.at_s", "by_colour#", "by_colour@", "by_colour", "pairs#", "pairs", "found#",
        "found.lag_s", "found.reason", "seen_s",
    }  # fmt: skip
    assert set(fields["counts"]) == {"#", "@", "="}


def test_a_field_with_a_default_may_be_missing() -> None:
    """In the document, in a record in it, in a row and in what a row holds."""
    fields = TREE.encode(WHOLE)
    del fields["sizes"], fields["veins"]["names"], fields["birds"]["eggs"]
    del fields["branches"]["veins.width"], fields["branches"]["seen_s"]
    for name in ("leaves#", "leaves.colour", "leaves.at_s"):
        del fields["branches"][name]
    tree = TREE.decode(fields)
    rows = [replace(each, leaves=(), seen_s=None) for each in BRANCHES]
    rows[0] = replace(rows[0], veins=Veins(names=("x", "y")))
    assert tree.branches == tuple(rows)
    assert (tree.sizes, tree.birds["tit"].eggs) == ((), 2)


def test_a_field_that_is_unknown_is_not_looked_at() -> None:
    """Of a newer program: in the document, in a record in it, in a table."""
    fields = TREE.encode(WHOLE)
    fields["rings"] = 83
    fields["veins"]["rings"] = 83
    fields["branches"]["rings"] = b"no column at all"
    fields["colours"]["blue"]["rings"] = 83
    assert TREE.decode(fields) == WHOLE


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.pop("number"), "trees: field `number` is missing"),
        (lambda f: f.pop("format"), "trees: the document says no format"),
        (lambda f: f.update(format=4), "trees: the document has format 4, and .* up to 3: let a"),
        (lambda f: f.update(number="seven"), "trees: field `number`: .*valid integer"),
        (lambda f: f.update(number=None), "trees: field `number`: .*valid integer"),
        (lambda f: f.update(branches=7), "trees: field `branches`: "),
        (lambda f: f["branches"].pop("name"), "trees: field `branches`: column 'name' is missing"),
        (lambda f: f["branches"].pop("#"), "trees: field `branches`: column '#' is missing"),
        (
            lambda f: f["branches"].pop("leaves.at_s"),
            "trees: field `branches`: column 'leaves.at_s' is missing",
        ),
        (
            lambda f: f["branches"].update({"name": deflated(b'["a","b"]')}),
            "trees: field `branches`: column 'name' has 2 values, not 3",
        ),
        (
            lambda f: f["branches"].update({"name": deflated(b"[1,2,3]")}),
            "trees: field `branches`: column 'name': .*valid string",
        ),
        (
            lambda f: f["branches"].update({"name": b"no zlib"}),
            "trees: field `branches`: column 'name': a packed field is damaged",
        ),
        (
            lambda f: f["branches"].update({"name": deflated(b'["a","b","c"]')[:-3]}),
            "trees: field `branches`: column 'name': a packed field is cut short or too large",
        ),
        (
            lambda f: f["branches"].update({"name": deflated(b" " * (UNPACKED_BYTES_MAX + 1))}),
            "trees: field `branches`: column 'name': a packed field is cut short or too large",
        ),
        (
            lambda f: f["branches"].update({"leaves.colour": deflated(b'["red","red","green"]')}),
            "trees: field `branches`: column 'leaves.colour': .*'red' or 'blue'",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(change: Any, says: str) -> None:
    """The error names the kind of document, the field, and what is wrong with it."""
    fields = TREE.encode(WHOLE)
    change(fields)
    with pytest.raises(UnreadableError, match=says):
        TREE.decode(fields)


def test_what_can_be_made_anew_is_as_good_as_none_if_it_is_newer() -> None:
    """And only then: damage is told."""
    fields = TREE.encode(WHOLE)
    assert TREE.decode_if_known(fields) == TREE.decode_or_none(fields) == WHOLE
    assert TREE.decode_if_known(None) is TREE.decode_or_none(None) is None
    assert TREE.decode_if_known({**fields, "format": 4}) is None
    with pytest.raises(UnreadableError, match="number"):
        TREE.decode_if_known({**fields, "number": "seven"})


def test_rows_can_be_read_by_themselves() -> None:
    """By a column, or by the key of a mapping; with all that lies in them."""
    for row in BRANCHES:
        found = unpacked_table(
            tuple[Branch, ...], packed_table(tuple[Branch, ...], BRANCHES), ("name", {row.name})
        )
        assert found == (row,)
    assert TREE.decode(TREE.encode(WHOLE), {"branches": ("name", {"b"})}).branches == BRANCHES[1:2]
    by_name = {row.name: row for row in BRANCHES}
    packed = packed_table(Mapping[str, Branch], by_name)
    assert unpacked_table(Mapping[str, Branch], packed, ("@", {"c"})) == {"c": BRANCHES[2]}
    both = {"a": BRANCHES[0], "c": BRANCHES[2]}
    assert unpacked_table(Mapping[str, Branch], packed, ("@", {"a", "c"})) == both
    assert unpacked_table(Mapping[str, Branch], packed, ("@", {"d"})) == {}


def test_an_open_item_has_what_it_had() -> None:
    """None is a value; what only another item has is none of it."""
    found: tuple[dict[str, Any], ...] = ({"lag_s": None, "seconds": 3}, {"name": "", "seconds": 0})
    packed = packed_table(tuple[Branch, ...], (Branch("a", Veins(), found=found),))
    (row,) = unpacked_table(tuple[Branch, ...], packed)
    assert row.found == found


def test_a_table_directly_in_a_table_is_refused() -> None:
    """Its columns would have the names of the outer one's: a record in between gives it its own."""
    with pytest.raises(TypeError, match="a record between"):
        packed_table(Mapping[str, tuple[Leaf, ...]], {"a": (LEAF,)})
