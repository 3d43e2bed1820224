"""Durations are measured by a clock that only grows: no difference of instants stands for one.

A clock may be set. What is told by it is an instant, to be stored and compared with others'; where
two instants are subtracted all the same, or a wait is added to one, the reason stands here.
"""

import ast
from collections.abc import Iterable

from tests.project import ROOT
from tests.sources import nodes_of

INSTANTS = {
    "functions/api/site/about_page.py: _handler": "yesterday, and the last epoch that is settled",
    "functions/api/site/about_page.py: about": "the same",
    "functions/coordinator/adapters/clock.py: agrees": "it compares two clocks",
    "functions/coordinator/adapters/scheduling/triggers.py: answer": "it says how far off one is",
    "functions/coordinator/adapters/scheduling/triggers.py: answering": "the same",
    "functions/payout/settler.py: _settle_due": "which epochs have ended",
    "functions/prober/captor.py: capture": "packets of the ingest bear instants",
    "functions/prober/captor.py: probed": "the same",
    "functions/prober/checker.py: check": "the lottery draws instants",
    "functions/prober/draw_checks.py: _some_over_by": "a draw ends at an instant",
    "functions/prober/draw_checks.py: over_by": "the same",
    "functions/prober/prober.py: _record_first": "a draw ends at an instant",
    "functions/prober/prober.py: attend": "the same",
    "functions/prober/stream_paces.py: of": "packets of the ingest bear instants",
}
"""Functions in which instants of this process meet others that were drawn, stored or published."""
OF_THE_AGENT = {
    "node_image/agent/doctor/outside.py": "it compares two clocks",
    "node_image/agent/notices/notifier.py": "notices are dated, and outlive the process",
}
WALL = {"clock"}


def test_no_duration_is_a_difference_of_instants() -> None:
    """But for those with a reason."""
    found = set[str]()
    for path in sorted((ROOT / "functions").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        found |= {f"{name}: {function}" for function in _subtracting(nodes_of(path))}
    assert found == INSTANTS.keys()


def test_the_agent_reads_the_wall_clock_for_instants_only() -> None:
    """Its durations are of `time.monotonic`."""
    agent = (ROOT / "node_image/agent").rglob("*.py")
    found = {str(path.relative_to(ROOT)) for path in agent if "time.time()" in path.read_text()}
    assert found == OF_THE_AGENT.keys()


def test_only_one_place_of_the_functions_reads_the_machine_s_clock() -> None:
    """All others are handed it."""
    reading = ("time.time", "datetime.now(", "utcnow(")
    code = {path: path.read_text() for path in (ROOT / "functions").rglob("*.py")}
    found = {path.name for path, text in code.items() if any(one in text for one in reading)}
    assert found == {"clock.py"}


def test_a_difference_is_found() -> None:
    """Of a call, of a name that holds one, and where a wait is added."""
    source = """
def a(self): return self.clock() - self.read_s
def b(clock):
    begun_s = clock()
    return begun_s + 7 > self.read_s
def c(self):
    now_s = self.clock()
    return now_s >= self.read_s + 15
def d(self): return self.steady() - self.read_s
def e(self, now_s): return now_s - self.read_s
"""
    assert _subtracting(ast.walk(ast.parse(source))) == {"a", "b", "c"}


def _subtracting(nodes: Iterable[ast.AST]) -> set[str]:
    """The functions of a module that subtract instants, or add to one."""
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {function.name for function in functions if _does(function)}


def _does(function: ast.AST) -> bool:
    nodes = list(ast.walk(function))
    held = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and _is_wall(node.value, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes:
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Sub | ast.Add)
            and (_is_wall(node.left, held) or _is_wall(node.right, held))
        ):
            return True
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(_is_wall(side, held) for side in sides) and any(
                isinstance(side, ast.BinOp) for side in sides
            ):
                return True
    return False


def _is_wall(node: ast.AST, held: set[str]) -> bool:
    """Whether it is an instant of the machine's: a call of its clock, or a name that holds one."""
    if isinstance(node, ast.Name):
        return node.id in held
    if not isinstance(node, ast.Call) or node.args:
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.removeprefix("_") in WALL
