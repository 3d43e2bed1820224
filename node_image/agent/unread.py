"""How the agent's commands end when nobody reads their output (`doctor | head`).

The emulator has the same lines for all other programs: a test holds them equal.
"""

import os
import select
import sys
from collections.abc import Callable

UNREAD = 141
"""The exit code of whoever SIGPIPE ended, as shells know it. The signal itself is of no use: it
would also end a program whose peer hangs up."""


def quiet_when_unread(main: Callable[[], int | None], code: int = UNREAD) -> int:
    """The exit code of `main`; `code`, without a trace, once what it printed has no reader."""
    try:
        try:
            return main() or 0
        finally:
            sys.stdout.flush()  # what was kept back until the end can fail as well
    except BrokenPipeError:
        if not is_unread():
            raise  # it was another pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code


def is_unread() -> bool:
    """Whether our output is a pipe whose reader has gone."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))
