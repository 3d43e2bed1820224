"""What inputs cost one target's readers, without any counting of lines.

python -m bench.fuzz.weights TARGET FOLDER prints `{"cpu_s": …, "memory_bytes": …}`: the most that
any input of the folder's `corpus` and `slow` took.
"""

import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from bench.fuzz.finds import broken_by
from tests.fuzz.catalogue import target_named

TIMES = 3
"""The least of them counts: what else the machine does makes an input slower, and never faster."""


def main() -> None:
    """Weighs, and prints."""
    target, folder = target_named(sys.argv[1]), Path(sys.argv[2])
    inputs = [
        path.read_bytes() for part in ("corpus", "slow") for path in (folder / part).iterdir()
    ]
    inputs += target.seeds
    for data in inputs:
        broken_by(target.law, data)  # what is only made once is no input's time
    cpu_s = max(_cpu_s(target.law, data) for data in inputs)
    tracemalloc.start()
    memory_bytes = max(_memory_bytes(target.law, data) for data in inputs)
    print(json.dumps({"cpu_s": cpu_s, "memory_bytes": memory_bytes}))


def _cpu_s(law: Callable[[bytes], None], data: bytes) -> float:
    taken = []
    for _ in range(TIMES):
        began_s = time.thread_time()
        broken_by(law, data)
        taken.append(time.thread_time() - began_s)
    return min(taken)


def _memory_bytes(law: Callable[[bytes], None], data: bytes) -> int:
    before_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    broken_by(law, data)
    return tracemalloc.get_traced_memory()[1] - before_bytes


if __name__ == "__main__":
    main()
