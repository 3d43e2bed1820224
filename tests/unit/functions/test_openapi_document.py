"""The OpenAPI document says how keys are shown, what can go wrong, and what bodies look like."""

from typing import Any

import pytest
from pydantic import BaseModel

from api import money_wire, webhook_wire, wire
from api.examples import EXAMPLES
from api.openapi import _BESIDES
from api.problems import PROBLEMS
from api.wiring import build_on
from coordinator.adapters.memory import MemoryStore
from tests.unit.functions.conftest import settings

NOT_OF_A_ROUTE = {"unknown-route", "method-not-allowed"}


def _document(**more: str) -> dict[str, Any]:
    app = build_on(MemoryStore(), MemoryStore(), settings(**more), lambda: 0.0)
    return dict(app.openapi())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As it is served."""
    return _document()


def test_every_problem_is_documented_where_it_can_come(document: dict[str, Any]) -> None:
    """And only under its own status, with an example of each kind."""
    told = set()
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                content = response.get("content", {}).get("application/problem+json", {})
                for kind, example in content.get("examples", {}).items():
                    told.add(kind)
                    assert str(PROBLEMS[kind][0]) == status
                    assert example["value"]["type"] == f"/problems/{kind}"
    assert told == PROBLEMS.keys() - NOT_OF_A_ROUTE


def test_the_table_of_problems_names_routes_that_exist(document: dict[str, Any]) -> None:
    """It stands apart from them."""
    for method, path in _BESIDES:
        assert method in document["paths"][path]


def test_every_operation_says_which_key_it_takes(document: dict[str, Any]) -> None:
    """And none takes the key as a parameter of its own."""
    keys = {
        f"{method} {path}": [*operation["security"][0]]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "security" in operation
    }
    assert keys["post /streams"] == ["sponsorKey"]
    assert keys["post /nodes/heartbeat"] == ["nodeKey"]
    assert keys["post /ingest/publish"] == ["ingestKey"]
    assert "get /streams" not in keys
    schemes = document["components"]["securitySchemes"]
    assert {name for names in keys.values() for name in names} == schemes.keys()
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


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_valid(document: dict[str, Any], name: str) -> None:
    """By the model that it is an example of, and shown with its schema."""
    models = (getattr(module, name, None) for module in (wire, money_wire, webhook_wire))
    model = next(model for model in models if model is not None)
    assert issubclass(model, BaseModel)
    assert model.model_validate(EXAMPLES[name])
    assert document["components"]["schemas"][name]["examples"] == [EXAMPLES[name]]


def test_every_body_that_is_sent_has_an_example(document: dict[str, Any]) -> None:
    """Readers of the page begin there."""
    for methods in document["paths"].values():
        for operation in methods.values():
            if body := operation.get("requestBody"):
                schema = body["content"]["application/json"]["schema"]["$ref"]
                assert schema.rpartition("/")[2] in EXAMPLES
