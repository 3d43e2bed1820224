"""`python -m emulator demo | demo-once | setup [--for-tests] | need TOOL…`: the network here.

PORT, NODES and CHEATS choose the api's port and the cast.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from emulator.demo.keeper import OverError
from emulator.demo.network import StartError
from emulator.demo.once import demo_once
from emulator.demo.options import Options, OptionsError
from emulator.demo.public_api import ApiError
from emulator.demo.screen import demo
from emulator.firestore_emulator import EmulatorError
from emulator.firestore_jar import JarError
from emulator.machine import NEEDS, OUTSIDE, TEST_NEEDS, MachineError, Tool, complete, demand
from emulator.packages import PackagesError
from emulator.processes.ports import PortTakenError
from emulator.unread import quiet_when_unread

USAGE = (
    "usage: python -m emulator demo | demo-once | setup   "
    "(PORT=8080 NODES=3 CHEATS=dead,loop ENGINE=restream)"
)
INTERRUPTED = 130
_EXPECTED = (
    OptionsError,
    PortTakenError,
    EmulatorError,
    StartError,
    OverError,
    ApiError,
    MachineError,
    PackagesError,
    JarError,
)


def main() -> int:
    """Returns the exit code: 0 good, 1 not, 2 wrong usage, 130 interrupted too early,
    141 unread too early."""
    match sys.argv[1:]:
        case ["setup"]:
            return _explained(lambda: _setup(NEEDS))
        case ["setup", "--for-tests"]:
            return _explained(lambda: _setup(TEST_NEEDS))
        case ["need", *names] if names and set(names) <= OUTSIDE.keys():
            return _explained(lambda: _need(names))
        case ["demo"]:
            # Being interrupted is how a demo ends well.
            # And so is a reader who has seen enough (`make demo | head`).
            return quiet_when_unread(
                lambda: _explained(lambda: asyncio.run(_interruptible(_demo())), interrupted=0),
                code=0,
            )
        case ["demo-once"]:
            return _explained(lambda: asyncio.run(_interruptible(_demo_once())))
        case _:
            print(USAGE, file=sys.stderr)
            return 2


def _explained(work: Callable[[], int], interrupted: int = INTERRUPTED) -> int:
    """Runs it; what can be expected to go wrong is said in a sentence, not in a traceback."""
    try:
        return work()
    except (asyncio.CancelledError, KeyboardInterrupt):
        return interrupted
    except _EXPECTED as error:
        print(error, file=sys.stderr)
        return 1
    except TimeoutError:
        print("the network did not start in time", file=sys.stderr)
        return 1


async def _interruptible(work: Coroutine[Any, Any, int]) -> int:
    """Cancels it at the first signal; more signals do not disturb the cleaning up."""
    task = asyncio.ensure_future(work)
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            task.cancel()
            with contextlib.suppress(OSError):  # the terminal may be what has gone
                print("\nstopping everything", file=sys.stderr, flush=True)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return await task


def _setup(needs: Sequence[Tool]) -> int:
    complete(needs)
    return 0


def _need(names: Sequence[str]) -> int:
    demand(names)
    return 0


async def _demo() -> int:
    await demo(Options.from_env(os.environ))
    return 0


async def _demo_once() -> int:
    return await demo_once(Options.from_env(os.environ))


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
