"""Indexes and ends of documents agree with the queries and writes of the code."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator

from tests.terraform.plans import EVERYTHING, FOLDER, ROOT, planned, resources

ADAPTERS = ROOT / "functions" / "coordinator" / "adapters"
RANGE = "_range"
"""The records' own method for a range of a field, which it is told by its caller."""


def _trees() -> Iterator[ast.Module]:
    return (ast.parse(path.read_text()) for path in ADAPTERS.rglob("*.py"))


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    """Calls of a function or method of this name."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [
        call
        for call in calls
        if getattr(call.func, "attr", "") == name or getattr(call.func, "id", "") == name
    ]


def _text(node: ast.expr) -> str | None:
    """A string that stands there."""
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return ast.literal_eval(node) if is_text else None


def _collections_and_queries() -> dict[str, set[str]]:
    """Every collection that the adapters name, with the fields they query it by."""
    found: dict[str, set[str]] = defaultdict(set)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for tree in _trees():
        for ref in _calls(tree, "Ref"):
            if collection := _text(ref.args[0]):
                found[collection] |= set()
        for function in (node for node in ast.walk(tree) if isinstance(node, functions)):
            held = _assigned(function)
            if function.name == RANGE:
                held["field"] = _ranged()
            for call in _calls(function, "Query"):
                if len(call.args) == 2 and (collection := _text(call.args[0])):
                    field = call.args[1]
                    text = _text(field)
                    found[collection] |= {text} if text else held[ast.unparse(field)]
    return dict(found)


def _ranged() -> set[str]:
    """Fields that ranges are asked of."""
    arguments = (a for tree in _trees() for call in _calls(tree, RANGE) for a in call.args)
    return {text for text in map(_text, arguments) if text}


def _assigned(function: ast.AST) -> dict[str, set[str]]:
    """Strings that the variables of a function can hold."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in (each for each in ast.walk(function) if isinstance(each, ast.Assign)):
        for target in node.targets:
            match target, node.value:
                case ast.Tuple(elts=names), ast.Tuple(elts=values):
                    pairs = zip(names, values, strict=True)
                case _:
                    pairs = zip([target], [node.value], strict=True)
            for name, value in pairs:
                if text := _text(value):
                    found[ast.unparse(name)].add(text)
    return found


def test_exactly_the_fields_that_are_queried_have_an_index() -> None:
    """And every collection of the code is listed: a new one would be indexed in every field."""
    listed = json.loads((FOLDER / "queries.json").read_text())
    declared = {
        collection: set(database["queried"].get(collection, ()))
        for database in listed.values()
        for collection in [*database["queried"], *database["others"]]
    }
    assert declared == _collections_and_queries()


EXPIRING = {
    "_closed_fields": "rosters",
    "create_sweep": "probe_results",
    "create_rollup": "rollups",
    "claim_run": "claims",
    "take_turn": "call_backs",
    "keep_made": "claims",
    "_record": "probe_results",
    "create_thumbnail": "thumbnails",
}
"""Function of the adapters that gives a document an end, and its collection."""


def _functions_that_name(constant: str) -> set[str]:
    """Functions and methods of the adapters in which a string stands."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = set()
    for tree in _trees():
        holders = (each for each in ast.walk(tree) if isinstance(each, ast.Module | ast.ClassDef))
        for method in (one for each in holders for one in each.body if isinstance(one, functions)):
            words = (n.value for n in ast.walk(method) if isinstance(n, ast.Constant))
            if constant in words:
                found.add(method.name)
    return found


def test_every_document_that_expires_has_a_policy() -> None:
    """`expire_at` is written to these collections and no other."""
    assert _functions_that_name("expire_at") == EXPIRING.keys()
    outcome = planned()
    policies = {
        one.values["collection"]
        for one in resources(outcome, "google_firestore_field")
        if one.values["field"] == "expire_at" and one.values["ttl_config"] is not None
    }
    assert policies == set(EXPIRING.values())
    exempt = [
        one for one in resources(outcome, "google_firestore_field") if one.values["field"] == "*"
    ]
    assert exempt
    assert all(not one.values["index_config"][0].get("indexes") for one in exempt)


def test_exemptions_can_be_left_to_be_done_by_hand() -> None:
    """Nothing else is left out with them; docs/ops.md has the command."""
    outcome = planned(EVERYTHING)
    assert EVERYTHING["exempt_fields"] is False
    fields = {one.values["field"] for one in resources(outcome, "google_firestore_field")}
    assert "*" not in fields
    assert {"expire_at", "changed_s"} <= fields
    ops = (ROOT / "docs" / "ops.md").read_text()
    assert "gcloud firestore indexes fields update '*' --database='(default)'" in ops


def test_a_database_stays_where_it_is_when_everything_else_moves() -> None:
    """Firestore can move none, and a new one would not have that name. That the plan is empty then
    is seen in test_deployment."""
    text = (FOLDER / "firestore.tf").read_text()
    (body,) = re.findall(r'"google_firestore_database" "databases" \{\n(.+?)\n\}', text, re.DOTALL)
    assert "ignore_changes  = [location_id]" in body
