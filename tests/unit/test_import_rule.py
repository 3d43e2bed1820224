"""The import rule covers every module: one that is new cannot slip past it."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_rule_module_is_held_to_purity() -> None:
    """The linter wants names, so the names are compared with the folder."""
    modules = {
        f"coordinator.{path.stem}"
        for path in (ROOT / "functions" / "coordinator").glob("*.py")
        if path.stem != "__init__"
    }
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = config["tool"]["importlinter"]["contracts"]
    held = [set(c["source_modules"]) for c in contracts if c["name"].startswith("the rules")]
    assert held == [modules, modules]


def test_entry_points_only_wire() -> None:
    """At most 25 lines each: whatever is more belongs to a handler."""
    for main in (ROOT / "functions").glob("*/main.py"):
        assert len(main.read_text().splitlines()) <= 25, main
