"""The OpenAPI document says how keys are shown, what can go wrong, and what bodies look like."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from api.http.problems import MEDIA_TYPE, ProblemKind
from api.wire import evidence as evidence_wire
from api.wire import statements
from coordinator.checking.checks import Check, Run, Verdict
from coordinator.ledger.rows import Carried, Row
from coordinator.proof.captures import Capture
from coordinator.proof.judging import Proof
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Slot
from prober.evidence import attempt_of
from tests.doubles.memory import MemoryStore
from tests.unit.functions.conftest import settings
from tests.unit.functions.own_api import own_api

API = Path(__file__).resolve().parents[3] / "functions" / "api"
NOT_OF_A_ROUTE = {
    ProblemKind.MALFORMED_REQUEST,
    ProblemKind.TOO_SLOW,
    ProblemKind.REQUEST_LINE_TOO_LONG,
    ProblemKind.HEADERS_TOO_LARGE,
    ProblemKind.UNKNOWN_ROUTE,
    ProblemKind.METHOD_NOT_ALLOWED,
}


def _document(**more: str) -> dict[str, Any]:
    app = own_api(MemoryStore(), MemoryStore(), settings(**more), lambda: 0.0)
    return dict(app.routes.openapi())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As it is served."""
    return _document()


def test_every_problem_is_documented_where_it_can_come(document: dict[str, Any]) -> None:
    """And only under its own status, with an example of each kind."""
    told = set()
    for operation in _operations(document):
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get(MEDIA_TYPE, {})
            for name, example in content.get("examples", {}).items():
                kind = ProblemKind(name)
                told.add(kind)
                assert str(kind.status) == status
                assert example["value"]["type"] == kind.type
    assert told == set(ProblemKind) - NOT_OF_A_ROUTE


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("post /streams", ProblemKind.ADDRESS_REFUSED),
        ("post /streams", ProblemKind.KEY_MISSING),
        ("post /streams/{stream_id}/close", ProblemKind.NOT_YOUR_STREAM),
        ("get /schedule/{day}", ProblemKind.UNKNOWN_DAY),
        ("get /nodes/{node_id}/badge.svg", ProblemKind.UNKNOWN_NODE),
    ],
)
def test_a_route_tells_what_it_declares_and_what_follows_from_its_form(
    document: dict[str, Any], operation: str, kind: ProblemKind
) -> None:
    """Of one status there may be several."""
    method, _, path = operation.partition(" ")
    answer = document["paths"][path][method]["responses"][str(kind.status)]
    assert kind.value in answer["content"][MEDIA_TYPE]["examples"]


def test_a_route_is_named_in_one_module(document: dict[str, Any]) -> None:
    """No table beside the routes names it too: to add one is route, model, service, documents."""
    modules = [path.read_text() for path in API.rglob("*.py")]
    for path in document["paths"]:
        if "{" in path:  # links and redirects name whole paths, but never a template
            assert sum(f'"{path}"' in text for text in modules) == 1, path


def test_every_operation_says_which_key_it_takes(document: dict[str, Any]) -> None:
    """And none takes the key as a parameter of its own."""
    keys = {
        f"{method} {path}": [*operation["security"][0]]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "security" in operation
    }
    assert keys["post /streams"] == ["sponsorKey"]
    assert keys["post /nodes/heartbeat"] == ["nodeSignature"]
    assert keys["post /ingest/publish"] == ["ingestKey"]
    assert keys["post /ingest/media"] == ["ingestKey"]
    assert "get /streams" not in keys
    schemes = document["components"]["securitySchemes"]
    assert {name for names in keys.values() for name in names} == schemes.keys()
    signature = schemes.pop("nodeSignature")
    assert (signature["type"], signature["in"], signature["name"]) == (
        "apiKey",
        "header",
        "Signature",
    )
    assert {(one["type"], one["scheme"]) for one in schemes.values()} == {("http", "bearer")}
    text = str(document["paths"]).lower()
    assert "'name': 'authorization'" not in text
    assert "x-forwarded-for" not in text


def test_generated_clients_get_names_and_a_server(document: dict[str, Any]) -> None:
    """A method is called what its handler is called, once; the server is the public one."""
    names = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    assert "register_a_stream" in names
    assert len(names) == len(set(names))
    assert "servers" not in document
    told = _document(PUBLIC_URL="https://restream.example.org")
    assert told["servers"] == [{"url": "https://restream.example.org"}]


def test_every_example_is_valid(document: dict[str, Any]) -> None:
    """By the model that it is an example of, without a field too many; shown with its schema."""
    schemas = document["components"]["schemas"]
    models = {model.__name__: model for model in _models_of(BaseModel)}
    with_one = [name for name in schemas if "examples" in schemas[name]]
    assert len(with_one) >= 30
    for name in with_one:
        (example,) = schemas[name]["examples"]
        read = models[name].model_validate(example)
        assert read.model_dump(mode="json", exclude_unset=True) == example, name


def _models_of(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        if model.__module__.startswith("api."):
            yield model
        yield from _models_of(model)


def test_every_body_has_a_form_and_an_example(document: dict[str, Any]) -> None:
    """What is sent and what is answered, on every route: readers of the page begin there.

    A picture alone has none, and 204 no body."""
    for operation in _operations(document):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        bodies += [told for status, told in operation["responses"].items() if status[0] == "2"]
        for body in bodies:
            for kind, content in body.get("content", {}).items():
                schema = content["schema"]
                name = schema.get("$ref", "").rpartition("/")[2]
                named = "examples" in document["components"]["schemas"].get(name, {})
                assert named if kind == "application/json" else schema["type"] == "string"
                assert named or kind == "image/jpeg" or content["example"]


def test_no_part_of_a_body_is_left_untyped(document: dict[str, Any]) -> None:
    """A generated client gives `Any` for those; only the evidence may grow a number of its own."""
    loose = {
        name
        for name, schema in document["components"]["schemas"].items()
        if schema.get("additionalProperties") is True
        or any(not _is_typed(part) for part in schema.get("properties", {}).values())
    }
    assert loose == {"AttemptOut"}
    assert all(
        map(_is_typed, document["components"]["schemas"]["AttemptOut"]["properties"].values())
    )


def _is_typed(schema: dict[str, Any]) -> bool:
    if parts := schema.get("anyOf"):
        return all(map(_is_typed, parts))
    if schema.get("type") == "array":
        return _is_typed(schema["items"])
    if schema.get("type") == "object" and "properties" not in schema:
        inside = schema.get("additionalProperties")
        return isinstance(inside, dict) and _is_typed(inside)
    return "$ref" in schema or "type" in schema


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


@pytest.mark.parametrize(
    ("ours", "record", "besides"),
    [
        (evidence_wire.RunOut, Run, set()),
        (evidence_wire.RunCheckOut, Check, set()),
        (evidence_wire.SlotOut, Slot, set()),
        (statements.CarriedOut, Carried, set()),
        (statements.RowOut, Row, {"minutes_unproven", "minutes_voided", "minutes_beyond", "says"}),
    ],
)
def test_nothing_of_the_record_is_kept_back(
    ours: type[BaseModel], record: type, besides: set[str]
) -> None:
    """Who recomputes a statement reads the same fields as whoever settled it."""
    named = {field.name.replace("_micros", "") for field in fields(record)}
    assert ours.model_fields.keys() >= named
    assert ours.model_fields.keys() - named <= besides | {"minutes_waiting"}


def test_the_numbers_of_a_check_are_those_that_the_prober_writes(
    document: dict[str, Any],
) -> None:
    """Each has a type; the picture is named later, and where the node was reached."""
    proof = Proof(Verdict.PASS, Reason.PASSED)
    second = {"drawn_reader", "second_reader", "codecs", "width", "height"}
    written = attempt_of(proof, Capture(0.0, 1.0)).keys() | {"address", "thumbnail"}
    written |= {"stored_s", *second}
    assert document["components"]["schemas"]["AttemptOut"]["properties"].keys() == written
