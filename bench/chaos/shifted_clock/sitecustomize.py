"""Another clock for programs that have this folder on PYTHONPATH: Python imports it first.

SHIFTED_CLOCK_FILE holds how many seconds it is ahead, and is read each time. libfaketime would do
that for any program, but CPython's `time.sleep` fails in it, and gunicorn sleeps.
"""

import contextlib
import os
import time

_right, _file = time.time, os.environ.get("SHIFTED_CLOCK_FILE", "")


def _shifted() -> float:
    with contextlib.suppress(OSError, ValueError), open(_file) as file:
        return _right() + float(file.read())
    return _right()


if _file:
    time.time = _shifted
