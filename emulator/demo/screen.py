"""Runs the demo until it is interrupted, or cannot go on."""

import asyncio
import contextlib
import sys
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from emulator.demo import table
from emulator.demo.keeper import Keeper
from emulator.demo.network import LocalNetwork, View, opened
from emulator.demo.options import Options
from emulator.processes.races import first_of
from emulator.processes.supervisor import Death
from emulator.unread import is_unread

LOOK_SECONDS = 1.0


def _print(line: str) -> None:
    print(line, flush=True)


async def demo(options: Options) -> None:
    """Starts everything and shows it until cancelled. Raises what keeps it from going on."""
    screen = Screen() if sys.stdout.isatty() else None
    on_death: Callable[[Death], None] = screen.show_death if screen else _print_death
    async with opened(options, _print, on_death) as network:
        await network.start()
        for hint in table.hints(network):
            _print(hint)
        await first_of(
            Keeper(network.supervisor).run(), screen.run(network) if screen else _lines(network)
        )


class Screen:
    """The live table on a terminal."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._view: View | None = None
        self._is_live = False

    def show_death(self, death: Death) -> None:
        """A death is shown at once, not after the next look; in lines before there is a table."""
        if not self._is_live:
            _print_death(death)
        self._changed.set()

    async def run(self, network: LocalNetwork) -> None:
        """Until cancelled."""
        self._is_live = True
        await first_of(self._look(network), self._draw(network, Console()))

    async def _draw(self, network: LocalNetwork, console: Console) -> None:
        size = console.size
        picture = table.fitted(network, self._view, console)
        with Live(picture, console=console, auto_refresh=False) as live:
            while True:
                await self._changed.wait()
                self._changed.clear()
                if console.size != size:
                    # What was drawn stands elsewhere now, and nobody knows where.
                    size = console.size
                    console.clear()
                live.update(table.fitted(network, self._view, console), refresh=True)

    async def _look(self, network: LocalNetwork) -> None:
        """A look may take long while parts are broken; drawing does not wait for it."""
        while True:
            self._view = await network.view()
            self._changed.set()
            await asyncio.sleep(LOOK_SECONDS)


async def _lines(network: LocalNetwork) -> None:
    """Plain lines, where stdout is a file or a pipe."""
    progress = table.Progress()
    view = await network.view()
    for name, value in table.addresses(network, view):
        _print(f"{name}: {value}")
    while True:
        for line in progress.lines(network, view):
            _print(line)
        await asyncio.sleep(LOOK_SECONDS)
        if is_unread():
            raise BrokenPipeError
        view = await network.view()


def _print_death(death: Death) -> None:
    # Nobody may read it any more: that is noticed elsewhere, and ends everything.
    with contextlib.suppress(BrokenPipeError):
        for line in table.death_lines(death):
            _print(line)
