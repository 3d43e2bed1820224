"""`make bench-checks` as people run it: it says what it does, and Ctrl-C ends it cleanly."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.checks import INTERRUPTED
from emulator.demo.options import ROOT
from tests.interrupts import as_on_a_terminal

WAIT_S_MAX = 60.0
PATHS = os.pathsep.join(str(ROOT / part) for part in ("functions", "node_image", "."))


def test_an_interrupt_ends_it_with_nothing_handed_in(tmp_path: Path) -> None:
    """In the middle of a recording: no trace, no child, and no figures of half a measurement."""
    env = {**os.environ, "PYTHONPATH": PATHS, "TMPDIR": str(tmp_path)}
    argv = (sys.executable, "-m", "bench.checks")
    with subprocess.Popen(
        argv,
        cwd=ROOT,
        env=env,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=as_on_a_terminal,  # noqa: PLW1509 - one thread
    ) as bench:
        assert bench.stderr is not None
        first = bench.stderr.readline()
        while not list(tmp_path.glob("*/*.flv")) and bench.poll() is None:
            time.sleep(0.01)  # nothing tells of a file that was begun
        bench.send_signal(signal.SIGINT)
        _, rest = bench.communicate(timeout=WAIT_S_MAX)
    assert "recording" in first
    assert rest.splitlines()[-1].endswith("stopped: nothing is handed in")
    assert "Traceback" not in rest
    assert bench.returncode == INTERRUPTED
    assert list(tmp_path.iterdir()) == []
