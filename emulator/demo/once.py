"""Runs the demo until one whole epoch is settled, judges it, and says so in JSON."""

import asyncio
import json
import sys
import time

from emulator.demo import table
from emulator.demo.network import DEPOSIT, LocalNetwork, View, opened
from emulator.demo.options import Options
from emulator.demo.public_api import ApiError, micros_of
from emulator.demo.verdict import Result, missing, report, warm_up_reason, whole_epoch
from emulator.processes.supervisor import Death

SECONDS_MAX = 172.0
"""For the run itself; stopping it takes a few more, and 180 s are the limit for both."""
LOOK_SECONDS = 1.0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def demo_once(options: Options) -> int:
    """Returns the exit code; the last line on stdout is the report."""
    started_s = time.monotonic()
    async with opened(options, _say, _say_death) as network:
        async with asyncio.timeout(SECONDS_MAX):
            await network.start()
        watch = Watch(network)
        epoch = await watch.until_settled(started_s + SECONDS_MAX)
        result = await watch.result()
        seconds = time.monotonic() - started_s
        gaps = [f"{death}" for death in network.deaths]
        gaps += missing(result, epoch)
        if gaps:
            _say_children(network)
    for gap in gaps:
        _say(f"missing: {gap}")
    print(json.dumps(report(result, epoch, seconds)), flush=True)
    return 1 if gaps else 0


class Watch:
    """Follows a running network towards its first whole epoch."""

    def __init__(self, network: LocalNetwork) -> None:
        self._network = network
        self._progress = table.Progress()
        self._warm_ups: set[int] = set()

    async def until_settled(self, deadline_s: float) -> int | None:
        """The epoch; None once the time is over (monotonic) or a part has died."""
        ticks = self._network.stage.pace.ticks_per_epoch
        honest = [one.node_id for one in self._network.members if one.kind == "honest"]
        while time.monotonic() < deadline_s and not self._network.deaths:
            await self._look()
            try:
                statements = await self._network.api.statements(self._network.stream_id)
            except ApiError as error:
                _say(str(error))
                statements = []
            for statement in statements:
                why = warm_up_reason(statement, honest, ticks)
                if why and statement.epoch not in self._warm_ups:
                    self._warm_ups.add(statement.epoch)
                    _say(f"epoch {statement.epoch} is settled, but was a warm-up: {why}")
            if found := whole_epoch(statements, honest, ticks):
                return found.epoch
            await asyncio.sleep(LOOK_SECONDS)
        return None

    async def result(self) -> Result:
        """Everything as it stands. Raises ApiError."""
        stream, statements = await self._network.books()
        view = await self._look()
        return Result(
            deposited_micros=micros_of(DEPOSIT),
            stream=stream,
            statements=statements,
            nodes=view.nodes,
            members=self._network.members,
        )

    async def _look(self) -> View:
        view = await self._network.view()
        for line in self._progress.lines(self._network, view):
            _say(line)
        return view


def _say_death(death: Death) -> None:
    for line in table.death_lines(death):
        _say(line)


def _say_children(network: LocalNetwork) -> None:
    """What every child said last, for whoever has to find the fault."""
    for child in network.supervisor.children:
        for line in child.output.tail():
            _say(f"  {child.name}| {line}")
