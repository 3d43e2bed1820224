"""Another clock for a function that has this folder on PYTHONPATH: Python imports it first.

SHIFTED_CLOCK_FILE holds how many seconds it is ahead, and is read each time. Only the one module
of the functions that reads the machine's clock has it. gRPC adds time-outs to Python's clock and
waits by the machine's own, so it would wait for ever, or not at all. libfaketime shifts both, but
CPython's `time.sleep` fails in it, and gunicorn sleeps.
"""

import contextlib
import os
import sys
import time

READER = "coordinator.adapters.clock"
_right, _file = time.time, os.environ.get("SHIFTED_CLOCK_FILE", "")


def _shifted() -> float:
    if sys._getframe(1).f_globals.get("__name__") != READER:
        return _right()
    with contextlib.suppress(OSError, ValueError), open(_file) as file:
        return _right() + float(file.read())
    return _right()


if _file:
    time.time = _shifted
