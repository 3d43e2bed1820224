"""Every package that is imported is asked for: what another happens to need may be gone one day."""

import ast
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.project import ROOT
from tests.sources import nodes_of

PLACES = (ROOT / "functions", ROOT / "node_image", ROOT)
PRODUCT = ("rtmp", "functions", "node_image", "emulator", "tools")
DISTRIBUTIONS = cache(packages_distributions)


def test_what_all_of_it_imports_is_asked_for() -> None:
    code = [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")]
    assert _unasked({name for path in code for name in _named(path)}, "requirements.in") == set()


@pytest.mark.parametrize(
    ("entry", "folder"),
    [
        ("api.main", "functions/api"),
        ("collector.main", "functions/collector"),
        ("prober.main", "functions/prober"),
        ("payout.main", "functions/payout"),
        ("emulator.cloud_scheduler.service", "emulator/cloud_scheduler"),
    ],
)
def test_what_a_program_s_own_image_imports_is_asked_for(entry: str, folder: str) -> None:
    """There it has its own list only, and a package that is missing is found in the cloud."""
    assert _unasked(_reached(entry), f"{folder}/requirements.in") == set()


def _unasked(names: set[str], asking: str) -> set[str]:
    """Packages from elsewhere that the list of requirements leaves out."""
    asked = set((ROOT / asking).read_text().splitlines())
    tops = {name.partition(".")[0] for name in names if not _ours(name)}
    return {
        top
        for top in tops - sys.stdlib_module_names
        if not asked & {_canonical(one) for one in DISTRIBUTIONS().get(top, ())}
    }


def _reached(entry: str) -> set[str]:
    """All that importing a module imports, wherever it does."""
    reached, waiting = set[str](), [entry]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        above = name.rpartition(".")[0]
        waiting += [above] if above else []
        waiting += [each for path in _files(name) for each in _named(path)]
    return reached


@cache
def _named(path: Path) -> list[str]:
    """What a file imports: modules, and what may be one or a name in one."""
    named: list[str] = []
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            named += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            named += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    return named


def _files(name: str) -> list[Path]:
    at = [place.joinpath(*name.split(".")) for place in PLACES]
    return [
        path
        for one in at
        for path in (one / "__init__.py", one.with_suffix(".py"))
        if path.is_file()
    ]


def _canonical(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def _ours(name: str) -> bool:
    top = name.partition(".")[0]
    return any((place / top).is_dir() or (place / f"{top}.py").is_file() for place in PLACES)
