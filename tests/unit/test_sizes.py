"""What is long is hard to hold in mind: how long a function and a module of the product may be."""

import ast
from collections.abc import Iterable

from tests.sources import nodes_of, product_files, source_of, tree_of

FUNCTION_LINES_MAX = 40
"""Of code: what a comment, a docstring or an empty line takes makes nothing harder to follow."""
MODULE_LINES_MAX = 250
"""A longer one says at its top why it is."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _lines_of(function: Function, source: list[str]) -> int:
    """Its lines of code, from `def` to its end."""
    lines = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    first = function.body[0]
    says = range(0)
    if ast.get_docstring(function) is not None:
        says = range(first.lineno, (first.end_lineno or first.lineno) + 1)
    return sum(1 for n in lines if n not in says and _is_code(source[n - 1]))


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _long_functions(source: str, nodes: Iterable[ast.AST]) -> list[str]:
    lines = source.splitlines()
    return [
        f"{node.name}: {count}"
        for node in nodes
        if isinstance(node, Function) and (count := _lines_of(node, lines)) > FUNCTION_LINES_MAX
    ]


def test_a_function_s_lines_are_those_of_its_code() -> None:
    body = ["def f():", '    """Says', '    something."""', "    # Why.", ""]
    fits = "\n".join([*body, *["    x = 1"] * (FUNCTION_LINES_MAX - 1)])
    long = fits + "\n    x = 1"
    assert _long_functions(fits, ast.parse(fits).body) == []
    assert _long_functions(long, ast.parse(long).body) == [f"f: {FUNCTION_LINES_MAX + 1}"]


def test_no_function_is_longer_than_can_be_held_in_mind() -> None:
    found = {
        file: long
        for file, path in product_files()
        if (long := _long_functions(source_of(path), nodes_of(path)))
    }
    assert found == {}


def test_a_long_module_says_why_at_its_top() -> None:
    """Its docstring speaks of the module, and not of its content alone."""
    silent = []
    for file, path in product_files():
        if source_of(path).count("\n") > MODULE_LINES_MAX:
            says = ast.get_docstring(tree_of(path)) or ""
            silent += [] if "module" in says else [file]
    assert silent == []
