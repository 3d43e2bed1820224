"""Outlives the supervisor and ends what it left: for the case that it is killed with SIGKILL.

The kernel ends direct children then (PR_SET_PDEATHSIG), but not theirs. This process holds the
reading end of a pipe; when the writing end closes, every process with the mark (the first
argument) is killed, and the folder for temporary files (the second, if any) is removed.
"""

import shutil
import signal
import sys

from emulator.processes.proctable import kill_marked


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    kill_marked(sys.argv[1])
    for scratch in sys.argv[2:]:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
