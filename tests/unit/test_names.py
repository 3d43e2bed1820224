"""One word has one meaning: no name of the product's code stands for two things."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("rtmp", "functions", "node_image", "emulator", "tools", "bench")
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
)
# What every package has under the same name, for the same purpose.
EVERYWHERE = {"__init__", "__main__", "main", "wiring"}
ALLOWED = {
    "SettingsError": "The agent and the functions share no line, and never run in one process.",
}
"""Names that stand for two things all the same, and why."""
ALLOWED_MAX = 6


def _files() -> Iterator[tuple[str, Path]]:
    for part in PRODUCT:
        for path in sorted((ROOT / part).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path


def _layer_of(file: str) -> str:
    return next(layer for layer in LAYERS if file.startswith(layer))


def _classes_named_twice() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for file, path in _files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(file)
    return {name: files for name, files in found.items() if len(files) > 1}


def _modules_named_twice() -> dict[str, list[str]]:
    """Within one layer: the same noun in two layers is the same thing, seen from each."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file, path in _files():
        if path.stem not in EVERYWHERE:
            found[_layer_of(file), path.stem].append(file)
    return {name: files for (_, name), files in found.items() if len(files) > 1}


def test_the_product_s_code_is_found() -> None:
    """Every part of it."""
    parts = {file.split("/", 1)[0] for file, _ in _files()}
    assert parts == set(PRODUCT)


def test_no_class_name_stands_for_two_things() -> None:
    """But for those that are allowed."""
    twice = _classes_named_twice()
    assert {name: files for name, files in twice.items() if name not in ALLOWED} == {}


def test_no_module_name_stands_for_two_things() -> None:
    """But for those that are allowed."""
    twice = _modules_named_twice()
    assert {name: files for name, files in twice.items() if name not in ALLOWED} == {}


def test_few_names_are_allowed_to_and_each_needs_it() -> None:
    """One that is unique again leaves the list."""
    assert len(ALLOWED) <= ALLOWED_MAX
    assert all(ALLOWED.values())
    assert set(ALLOWED) <= _classes_named_twice().keys() | _modules_named_twice().keys()
