"""A second instance of each function, called as the first is, as in a cloud that scales."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator

from bench.chaos.struck_network import StruckNetwork
from emulator.demo import cast

SUFFIX = "-twin"


@contextlib.asynccontextmanager
async def twins(network: StruckNetwork) -> AsyncIterator[None]:
    """Of api, collector, prober and payout, with a scheduler that calls these.

    NotMeasurableError if one does not come."""
    names = [*cast.FUNCTIONS, "scheduler"]
    hosts = dict(network.stage.hosts)
    hosts |= {name: network.machines.add(f"{name}{SUFFIX}") for name in names}
    stage = dataclasses.replace(network.stage, hosts=hosts)
    try:
        for name in cast.FUNCTIONS:
            await network.run_twin(cast.function(stage, name), SUFFIX, stage.ports[name])
        await network.run_twin(cast.scheduler(stage), SUFFIX)
        yield
    finally:
        for name in names:
            await network.end(f"{name}{SUFFIX}")
