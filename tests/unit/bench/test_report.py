"""Every measuring verb hands in the same: a table, and build/<verb>.json for programs."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.report import Figure, NotMeasurableError, hand_in

ROOT = Path(__file__).resolve().parents[3]
MAKEFILE = (ROOT / "Makefile").read_text()
VERBS = dict(
    re.findall(r"^([a-z-]+):.*## .*\n(?:\t.*\n)*?\t.*-m (bench\.[\w.]+)", MAKEFILE, re.MULTILINE)
)
"""The module that each of them runs."""
FIELDS = {"name", "value", "unit", "goal", "peer", "met"}


def _tree(module: str) -> ast.Module:
    return ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())


def test_the_verbs_are_found() -> None:
    """And every module of the Makefile's is one of them."""
    assert len(VERBS) == MAKEFILE.count("-m bench.") > 15


@pytest.mark.parametrize(("verb", "module"), VERBS.items())
def test_a_verb_hands_in_under_its_own_name(verb: str, module: str) -> None:
    """So that who ran it knows where the figures are."""
    handed = [
        call.args[0].value
        for call in ast.walk(_tree(module))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "hand_in"
        and isinstance(call.args[0], ast.Constant)
    ]
    assert handed == [verb]


@pytest.mark.parametrize(
    "module", sorted(str(p.relative_to(ROOT)) for p in (ROOT / "bench").rglob("*.py"))
)
def test_what_cannot_be_measured_ends_in_a_sentence(module: str) -> None:
    """By NotMeasurableError, never by a bare SystemExit: its reader would not know which it was."""
    raised = {
        node.exc.func.id
        for node in ast.walk(ast.parse((ROOT / module).read_text()))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
    }
    assert "SystemExit" not in raised


def test_figures_are_rows_of_a_table_and_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missed goal is told, and is no failure to measure."""
    hand_in(
        "bench-it",
        [
            Figure("a poll", 0.75, "x", "<= 0.8", "Prometheus"),
            Figure("nodes", 9_500, "", ">= 10,000"),
            Figure("memory", 3.14159, "MB"),
        ],
        tmp_path / "build",
    )
    rows = json.loads((tmp_path / "build" / "bench-it.json").read_text())["rows"]
    assert all(row.keys() == FIELDS for row in rows)
    assert [(row["value"], row["goal"], row["met"]) for row in rows] == [
        (0.75, "<= 0.8", True),
        (9_500, ">= 10,000", False),
        (3.14159, "", None),
    ]
    lines = capsys.readouterr().out.splitlines()[-4:]
    assert [line.split() for line in lines] == [
        ["figure", "value", "unit", "goal", "peer", "met"],
        ["a", "poll", "0.75", "x", "<=", "0.8", "Prometheus", "yes"],
        ["nodes", "9,500", ">=", "10,000", "NO"],
        ["memory", "3.142", "MB"],
    ]


@pytest.mark.parametrize(
    ("value", "met"), [(0.9949, False), (0.995, True), (1.005, True), (1.0051, False)]
)
def test_a_goal_may_be_a_window(value: float, met: bool) -> None:
    """For what is to be neither more nor less."""
    assert Figure("pay", value, "x", "0.995 to 1.005").met is met


def test_only_what_could_not_be_measured_ends_with_1() -> None:
    """And says why, without a trace."""
    program = "from bench.report import NotMeasurableError as E; raise E('needs two cores')"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "needs two cores\n")
    assert issubclass(NotMeasurableError, SystemExit)
