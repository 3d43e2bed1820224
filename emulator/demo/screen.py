"""Runs the demo until it is interrupted."""

import asyncio
import sys
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from emulator.demo import table
from emulator.demo.network import LocalNetwork, View, opened
from emulator.demo.options import Options
from emulator.processes.supervisor import Death

LOOK_SECONDS = 1.0


def _print(line: str) -> None:
    print(line, flush=True)


async def demo(options: Options) -> None:
    """Starts everything and shows it until cancelled. Raises what keeps it from starting."""
    screen = Screen() if sys.stdout.isatty() else None
    on_death: Callable[[Death], None] = screen.show_death if screen else _print_death
    async with opened(options, _print, on_death) as network:
        await network.start()
        if screen:
            await screen.run(network)
        else:
            await _lines(network)


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
        with Live(
            table.render(network, self._view),
            console=Console(),
            auto_refresh=False,
            vertical_overflow="visible",
        ) as live:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._look(network))
                while True:
                    await self._changed.wait()
                    self._changed.clear()
                    live.update(table.render(network, self._view), refresh=True)

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
        view = await network.view()


def _print_death(death: Death) -> None:
    for line in table.death_lines(death):
        _print(line)
