"""`make sponsor | head` and its like: each program ends without a trace, and claims nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 60.0
PROGRAMS = (
    "tools.sponsor --help",
    "tools.show_sweep --help",
    "tools.verify --help",
    "bench.cheats --help",
    "bench.simulations.simulate_suspicion --help",
    "emulator.state --help",
    "agent --help",
    "agent --version",
    "agent notify-test",
    "agent doctor",
)


@pytest.mark.parametrize("words", PROGRAMS)
def test_a_program_that_nobody_reads_ends_without_a_trace(words: str, tmp_path: Path) -> None:
    """With the code that a shell knows; whatever was not printed is not told elsewhere either."""
    reader, writer = os.pipe()
    os.close(reader)
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "functions", ROOT / "node_image", ROOT))),
        "COORDINATOR_URL": "http://127.0.0.1:9",  # nobody is there
        "STREAM_ID": "k3v9m2x7q4ab",
        "DATA_DIR": str(tmp_path),
    }
    try:
        done = subprocess.run(
            (sys.executable, "-m", *words.split()),
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
