"""Tests run in several processes at once, and none takes a port that another was given."""

import subprocess
import sys
from contextlib import ExitStack

from tests.project import ROOT

EACH = 400
TAKES = f"""
import sys
from tests.ports import free_port
print(*(free_port() for _ in range({EACH})), flush=True)
sys.stdin.read()
"""


def test_processes_side_by_side_are_given_no_port_twice() -> None:
    """Though nobody listens on any of them yet."""
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    (sys.executable, "-c", TAKES),
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(3)
        ]
        given = [process.stdout.readline().split() for process in processes if process.stdout]
        for process in processes:
            process.communicate()
    assert [len(set(ports)) for ports in given] == [EACH] * 3
    assert len(set().union(*given)) == 3 * EACH
