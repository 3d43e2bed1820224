"""`python3 -m agent.relay.restream CONFIGURATION`: relays until it is told to stop."""

import asyncio
import contextlib
import os
import resource
import signal
import sys
import time
from pathlib import Path

import uvloop

from agent.relay.restream.configuration import Configuration
from agent.relay.restream.relay import Relay

_STDERR = 2


def _log(line: str) -> None:
    """A line that finds no room is lost: strangers cause lines, and an agent may not read them."""
    with contextlib.suppress(BlockingIOError):
        os.write(_STDERR, f"{line}\n".encode(errors="replace"))


async def _run(configuration: Configuration) -> None:
    relay = Relay(configuration, time.monotonic, _log)
    running = asyncio.ensure_future(relay.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    loop.add_signal_handler(signal.SIGUSR1, relay.hurry)
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _take_all_descriptors() -> None:
    """A viewer is one, and many systems begin with a limit of 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """Read the configuration, and run."""
    _take_all_descriptors()
    os.set_blocking(_STDERR, False)
    uvloop.run(_run(Configuration.read(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
