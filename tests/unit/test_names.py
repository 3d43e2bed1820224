"""One word has one meaning: no name of the product's code stands for two things."""

import ast
from collections import defaultdict
from functools import cache

from tests.sources import PRODUCT, nodes_of, product_files

# The longest prefix that fits is a file's layer. A noun may name one module in each of them.
LAYERS = (
    "functions/coordinator/adapters/records/",
    "functions/coordinator/adapters/",
    "functions/coordinator/projections/",
    "functions/coordinator/",
    "functions/api/routes/",
    "functions/api/wire/",
    "functions/api/services/",
    "functions/api/site/",
    "functions/api/",
    "functions/collector/",
    "functions/prober/",
    "functions/payout/",
    "node_image/agent/relay/restream/",
    "node_image/agent/",
    "emulator/",
    "tools/",
    "bench/",
    "rtmp/",
    "terraform/files/",
)
# What every package has under the same name, for the same purpose.
EVERYWHERE = {"__init__", "__main__", "main", "wiring"}
NOUNS = {
    "badges": "How a node or a stream stands, as a small picture.",
    "call_back_turns": "How often somebody is called back by all instances together.",
    "checks": "A visit to a node with its retest, and what came of it.",
    "config": "What the network is set to, and was.",
    "dial_back": "A call to a node's ports, asked for by the node itself.",
    "evidence": "The published sweeps, rosters and runs.",
    "money": "Tokens, on the wire and in micro-tokens.",
    "nodes": "A relay with its key.",
    "pictures": "What was to be seen at a check.",
    "player": "Who plays a stream over RTMP: the dialogue, and its sockets.",
    "questions": "Whether a player may play and a publisher publish.",
    "statements": "A stream's settled epochs.",
    "streams": "What a sponsor registered.",
    "sweeps": "All polls of a shard in a tick.",
    "unread": "How a program ends whose output nobody reads.",
    "webhooks": "Whom a sponsor wants told of settlements.",
}
"""Nouns that name a module in several layers: each is the same thing, seen from there."""
_TWO_PROGRAMS = "The agent and the functions share no line, and never run in one process."
ALLOWED = {
    "SettingsError": _TWO_PROGRAMS,
    "settings": _TWO_PROGRAMS,
    "log": _TWO_PROGRAMS,
    "clock": "The one that tells the time, and the one that a stream's times run by.",
    "addresses": "RTMP addresses, which addresses may be called, and how a refusal is answered.",
}
"""Names that stand for two things all the same, and why."""
ALLOWED_MAX = 6


def _layer_of(file: str) -> str:
    return next(layer for layer in LAYERS if file.startswith(layer))


@cache
def _classes_named_twice() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for file, path in product_files():
        for node in nodes_of(path):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(file)
    return {name: files for name, files in found.items() if len(files) > 1}


def _modules() -> dict[str, dict[str, list[str]]]:
    """By name and by layer: the modules that are called that."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file, path in product_files():
        if path.stem not in EVERYWHERE:
            found[path.stem][_layer_of(file)].append(file)
    return found


def test_the_product_s_code_is_found() -> None:
    """Every part of it."""
    found = [file for file, _ in product_files()]
    assert all(any(file.startswith(f"{part}/") for file in found) for part in PRODUCT)


def test_no_class_name_stands_for_two_things() -> None:
    """But for those that are allowed."""
    twice = _classes_named_twice()
    assert {name: files for name, files in twice.items() if name not in ALLOWED} == {}


def test_a_noun_names_one_module_of_a_layer() -> None:
    """But for those that are allowed."""
    found = {
        name: layers
        for name, layers in _modules().items()
        if name not in ALLOWED and any(len(files) > 1 for files in layers.values())
    }
    assert found == {}


def test_what_names_modules_in_several_layers_is_the_same_thing_in_each() -> None:
    """Give a new module a name of its own, or say in NOUNS what both are."""
    several = {name for name, layers in _modules().items() if len(layers) > 1}
    assert several - ALLOWED.keys() == NOUNS.keys()


def test_few_names_are_allowed_to_and_each_needs_it() -> None:
    """One that is unique again leaves the list."""
    assert len(ALLOWED) <= ALLOWED_MAX
    assert all(ALLOWED.values())
    modules = {name for name, layers in _modules().items() if sum(map(len, layers.values())) > 1}
    assert ALLOWED.keys() <= _classes_named_twice().keys() | modules
