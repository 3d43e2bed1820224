"""Ties a child process to the agent: whatever ends the agent, even kill -9, ends the child.

Without it a relay would outlive its agent, hold the port and serve on without anybody measuring it.
"""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def tether() -> Callable[[], None]:
    """A function for the child to run between fork and exec.

    The kernel binds the tie to the *thread* that forks, so processes must be started on the main
    thread, as asyncio does when its loop runs there.
    """
    # Looked up before the fork: the child of a process with threads should do next to nothing.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()
    kill = int(signal.SIGKILL)

    def run_in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, kill, 0, 0, 0)
        if os.getppid() != parent:  # the agent died before the tie was made
            os._exit(1)

    return run_in_child
