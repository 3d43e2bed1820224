"""CONTRIBUTING's table of what to touch is true: the places of one that exists are counted."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.cheats import PROGRAMS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    *("functions", "rtmp", "node_image", "emulator", "bench", "tools", "terraform", "docs"),
    *("Makefile", "README.md", "compose.yaml", "build-image.sh"),
)
"""Where a place may be. A row's own tests come on top, and decisions are not written anew."""
SUFFIXES = {".py", ".md", ".tf", ".html", ".css", ".js", ".json", ".yaml", ".sh", ".txt", ""}
APART = ("docs/adr/", "terraform/.terraform/", "terraform/.build/")
ROW = re.compile(r"^\| (?P<kind>[^|]+) \| `(?P<example>[^`]+)` \| (?P<places>.+) \|$", re.MULTILINE)


def _sources() -> dict[str, str]:
    """Every file of the rooms, by its path within the tree."""
    paths = [path for room in ROOMS for path in [ROOT / room, *(ROOT / room).rglob("*")]]
    files = [path for path in paths if path.is_file() and path.suffix in SUFFIXES]
    named = {str(path.relative_to(ROOT)): path for path in files}
    return {name: path.read_text() for name, path in named.items() if not name.startswith(APART)}


SOURCES = _sources()
ROWS = {found["example"]: found for found in ROW.finditer((ROOT / "CONTRIBUTING.md").read_text())}


def _where(pattern: str) -> set[str]:
    return {name for name, text in SOURCES.items() if re.search(pattern, text, re.MULTILINE)}


def _engine(name: str) -> set[str]:
    """Its module, its row, who names the engines, the stage that installs it, its documents."""
    return _where(rf'"{name}"|\bengine-{name}\b|RELAY_ENGINE`? ?[=|].*\b{name}\b')


def _cheat(name: str) -> set[str]:
    """The module that its row names, and every file that names it."""
    return {f"{PROGRAMS[name][0].replace('.', '/')}.py", *_where(rf"\b{name}\b")}


def _honest_kind(stream: str) -> set[str]:
    """What its publisher does, and who serves it."""
    return _where(rf'"{stream}"') | {"bench/kinds/recordings.py"}


def _reason(code: str) -> set[str]:
    """Its row, who gives it, and the documents."""
    (member,) = re.findall(rf'^    (\w+) = \(?\s*"{code}"', SOURCES[_REASONS], re.MULTILINE)
    return _where(rf"\bReason\.{member}\b|`{code}`|\"{code}\"")


def _refusal(code: str) -> set[str]:
    """Who refuses, and what its operator reads."""
    return _where(rf"\"{code}\"")


def _route(path: str) -> set[str]:
    """Where it is declared, where the model of its answer is, and the page of the routes."""
    declared = _where(rf'^    @app\.get\(\s*"{re.escape(path)}"')
    models = {model for name in declared for model in _answers(SOURCES[name], path)}
    assert models, f"{path}: no function with an answer"
    defined = _where(rf"^class ({'|'.join(models)})\(")
    return declared | defined | _where(rf"`GET [^`]*{re.escape(path)}`")


def _answers(source: str, path: str) -> Iterator[str]:
    """The names of the models that a route of a module returns."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AsyncFunctionDef) and isinstance(node.returns, ast.Name):
            calls = [one for one in node.decorator_list if isinstance(one, ast.Call)]
            if any(call.args and ast.unparse(call.args[0]) == repr(path) for call in calls):
                yield node.returns.id


def _alert(event: str) -> set[str]:
    """The event, who logs it, the metric that counts it, the alert that hangs on that."""
    counted = rf'^ +(\w+) += .*jsonPayload\.message=\\"{event}\\"'
    metric = re.search(counted, SOURCES[_METRICS], re.MULTILINE)
    assert metric, f"{event}: no metric counts it"
    hung = rf"local\.(series|lines)\.{metric[1]}\b"
    return _where(rf"\b{event}\b|LogEvent\.{event.upper()}\b|{hung}")


def _field(name: str) -> set[str]:
    """Its record, with a default, and who reads it."""
    return _where(rf"\b{name}\b")


def _setting(name: str) -> set[str]:
    """The model, who takes it, and the tables."""
    return _where(rf"\b({name}|{name.lower()})\b")


def _benchmark(verb: str) -> set[str]:
    """The verb, its program, and its figures."""
    return _where(rf"^{verb}:|hand_in\(\"{verb}\"|^## .*\b{verb}\b")


_REASONS = "functions/coordinator/reasons.py"
_METRICS = "terraform/metrics.tf"
PLACES: dict[str, Callable[[str], set[str]]] = {
    "a relay engine": _engine,
    "a cheat": _cheat,
    "an honest kind": _honest_kind,
    "a reason": _reason,
    "a refusal of the relay": _refusal,
    "a route": _route,
    "an alert": _alert,
    "a field of a document": _field,
    "a setting": _setting,
    "a benchmark": _benchmark,
}
"""How the places of each kind are found."""
ROUTE_PLACES_MAX = 4


def test_every_kind_has_a_row() -> None:
    """And every row is held true."""
    assert [row["kind"] for row in ROWS.values()] == list(PLACES)


@pytest.mark.parametrize("example", ROWS)
def test_a_row_names_every_place_and_no_other(example: str) -> None:
    """The one that exists stands in exactly these files."""
    row = ROWS[example]
    told = re.findall(r"`([^`]+)`", row["places"])
    found = sorted(PLACES[row["kind"]](example))
    wanted = ", ".join(f"`{name}`" for name in found)
    assert sorted(told) == found, f"CONTRIBUTING.md has to say: {wanted}"


def test_a_route_takes_few_places() -> None:
    """What one has to know besides the route itself is where its model and its page are."""
    (row,) = (row for row in ROWS.values() if row["kind"] == "a route")
    assert row["places"].count("`") // 2 <= ROUTE_PLACES_MAX
