"""The product's code as trees: each file is parsed once for all tests that look through it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.project import ROOT

PRODUCT = ("rtmp", "functions", "node_image", "emulator", "tools", "bench", "terraform/files")
"""Where the product's code stands."""


@cache
def source_of(path: Path) -> str:
    """A file's text."""
    return path.read_text()


@cache
def tree_of(path: Path) -> ast.Module:
    """What it says. Whoever asks changes nothing in it."""
    return ast.parse(source_of(path))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """The same, each node of it."""
    return tuple(ast.walk(tree_of(path)))


def product_files() -> Iterator[tuple[str, Path]]:
    """(name from the root on, path) of each module of the product."""
    for part in PRODUCT:
        for path in sorted((ROOT / part).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path
