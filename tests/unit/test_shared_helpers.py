"""What several tests need stands in a module of its own, and is no test's private matter."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.project import ROOT

OURS = {
    "agent",
    "api",
    "bench",
    "collector",
    "coordinator",
    "emulator",
    "payout",
    "prober",
    "rtmp",
    "tests",
    "tools",
}


@cache
def _imports() -> list[tuple[str, str, str]]:
    """(the test's file, the module of ours that it imports from, the name) of every import."""
    return list(_found())


def _found() -> Iterator[tuple[str, str, str]]:
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
                for name in node.names:
                    yield str(path.relative_to(ROOT)), node.module or "", name.name


def test_imports_of_ours_are_found() -> None:
    """Of tests as of the product."""
    roots = {module.split(".")[0] for _, module, _ in _imports()}
    assert roots == OURS


def test_no_test_imports_what_is_private() -> None:
    """It would hold on to how something is written, not to what it does."""
    found = [each for each in _imports() if each[2].startswith("_") and each[2] != "__version__"]
    assert found == []


def test_no_test_imports_from_another_test() -> None:
    """What both need goes to a module beside them, as `tests/builders.py`."""
    found = [each for each in _imports() if each[1].rsplit(".", 1)[-1].startswith("test_")]
    assert found == []
