"""One target in a process of its own: atheris writes inputs, led by the lines that they reach.

python -m bench.fuzz.hunt TARGET LAWS FOLDER SECONDS SEED [once]

LAWS is the module that has the target. The folder has `corpus`, `finds`, `hard` and `slow`. An
input that breaks a law is kept, and the hunt goes on, but for `once`. One that hangs, or ends the
process, is libFuzzer's to keep, in `hard`.
"""

import os
import sys
import time
from importlib import import_module
from pathlib import Path

import atheris

from bench.fuzz.finds import Finds, broken_by
from tests.fuzz.target import Law, Target

LED_BY = ["rtmp", "coordinator", "api", "agent", "tests.fuzz"]
"""The packages whose lines are counted: ours."""
HANG_S = 20
"""No input may take so long. Counting lines makes all of it some ten times as slow."""
MEMORY_MB_MAX = 1_000
"""Of the whole process, which has 130 without an input."""
_SLOWER = 1.2
"""An input is kept as a slow one if it takes so much longer than the last that was."""


class HuntWatch:
    """Takes each input, and keeps those that break a law or take longer than all before."""

    def __init__(self, law: Law, folder: Path, *, once: bool) -> None:
        self._law, self._once = law, once
        self._finds = Finds(folder / "finds")
        self._slow = folder / "slow"
        self._longest_ns = 0

    def take(self, data: bytes) -> None:
        """One input."""
        began_ns = time.thread_time_ns()
        broken = broken_by(self._law, data)
        took_ns = time.thread_time_ns() - began_ns
        if broken is not None:
            self._finds.take(data, broken)
            if self._once:
                os._exit(0)  # nothing else comes back out of libFuzzer
        if took_ns > self._longest_ns * _SLOWER:
            self._longest_ns = took_ns
            (self._slow / f"{took_ns:012d}").write_bytes(data)


def main() -> None:
    """Hunts until the time is over; libFuzzer ends the process."""
    name, laws, at, seconds, seed = sys.argv[1:6]
    folder, target = Path(at), _target(name, laws)
    for target_seed in target.seeds:
        broken_by(target.law, target_seed)  # what is only made once is no input's time
    options = [
        *(f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={target.bytes_max}"),
        *(f"-timeout={HANG_S}", f"-rss_limit_mb={MEMORY_MB_MAX}", "-print_final_stats=1"),
        "-len_control=0",  # long inputs from the first one on: limits are met by nothing else
        *(f"-artifact_prefix={folder / 'hard'}/", "-verbosity=1"),
        *([f"-dict={folder / 'words'}"] if target.words else []),
    ]
    watch = HuntWatch(target.law, folder, once="once" in sys.argv[6:])
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], watch.take)
    atheris.Fuzz()


def _target(name: str, laws: str) -> Target:
    """Loaded with a count of every branch: its own laws alone, since that takes the longest."""
    with atheris.instrument_imports(include=LED_BY, enable_loader_override=False):
        module = import_module(laws)
    lists = [value for value in vars(module).values() if isinstance(value, tuple)]
    targets = [each for found in lists for each in found if isinstance(each, Target)]
    return next(each for each in targets if each.name == name)


if __name__ == "__main__":
    main()
