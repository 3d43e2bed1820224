"""The whole network with a crowd in it: real programs, simulated nodes, one relay for all of them.

The relay is a real node's, at every address of 127/8: so the prober really checks each member.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench.crowd.crowd_process import CrowdProcess, crowd_of
from bench.crowd.members import MEMBERS_MAX
from bench.crowd.simulated_node import CrowdSetting
from emulator.demo import cast
from emulator.demo.cast import Member, Pace, Staging
from emulator.demo.keeper import Keeper
from emulator.demo.network import LocalNetwork, made_scratch
from emulator.processes.ports import Ports
from emulator.processes.supervisor import Child, Death, Supervisor

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - of loopback: members are told apart by theirs
CROWD_PACE = Pace(sweep_s=20, check_s=20, checks_per_hour=60, epoch_s=120, grace_s=30, payout_s=10)
"""A third of a real minute, so that some epochs are settled while somebody waits."""
WISH = {
    "name": "A crowd's picture",
    "token_balance": "1000",
    "reward_per_node_hour": "0.01",
    "max_paid_nodes": 10_000,
}


@dataclass(frozen=True, slots=True)
class CrowdNetwork:
    """A running network and its crowd. Made by `crowd_network`."""

    network: LocalNetwork
    crowd: CrowdProcess
    relay: Member
    """The real node, whose relay serves for all."""

    @property
    def pace(self) -> Pace:
        """Its lengths."""
        return self.network.stage.pace

    @property
    def api_url(self) -> str:
        """Where anybody asks it."""
        return self.network.stage.api_url

    def child(self, name: str) -> Child:
        """The newest process of a part. KeyError if there is none."""
        found = [each for each in self.network.supervisor.children if each.name == name]
        if not found:
            raise KeyError(name)
        return found[-1]


@asynccontextmanager
async def crowd_network(
    folder: Path,
    members: int,
    say: Callable[[str], None],
    on_death: Callable[[Death], None],
    change: Callable[[Staging], Staging] = lambda stage: stage,
) -> AsyncIterator[CrowdNetwork]:
    """A started network with so many members, none of whom runs yet; leaves no process behind.
    What dies is started again, as the cloud does. `change` may stage it otherwise.

    Raises StartError, ApiError, PortTakenError, EmulatorError."""
    if members > MEMBERS_MAX:
        raise ValueError(f"at most {MEMBERS_MAX} members have addresses")
    async with AsyncExitStack() as stack:
        ports, scratch = Ports(), made_scratch()
        stack.callback(ports.close)
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        numbers = cast.ports_for(ports, _any_port())
        stage = change(Staging(folder, scratch, numbers, (), pace=CROWD_PACE))
        supervisor = await stack.enter_async_context(Supervisor(folder / "logs", on_death, scratch))
        stack.push_async_callback(_ended, asyncio.create_task(Keeper(supervisor).run()))
        network = LocalNetwork(stage, supervisor, say, WISH)
        stack.push_async_callback(network.close)
        await network.start()
        relay = Member("relay", "honest", ports.any(), ports.any())
        await _start_relay(network, relay)
        setting = CrowdSetting(stage.api_url, network.stream_id, ports.any(), relay.rtmp_port)
        crowd = await stack.enter_async_context(crowd_of(members, network.stream_id, setting))
        yield CrowdNetwork(network, crowd, relay)


async def _ended(keeping: asyncio.Task[None]) -> None:
    """Raises OverError where nothing could be kept."""
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


async def _start_relay(network: LocalNetwork, relay: Member) -> None:
    cast.give_key(network.stage, relay)
    command = cast.node(network.stage, relay, network.stream_id)
    # Named where nobody finds it: a relay that knows its place plays at no other.
    nowhere = f"http://crowd.invalid:{relay.stats_port}/stats.json"
    env = {**command.env, "BIND_ADDRESS": EVERY_ADDRESS, "PUBLIC_STATS_URL": nowhere}
    await network.supervisor.start(replace(command, env=env))


def _any_port() -> int:
    """Free, and not reserved: whoever takes it reserves it."""
    ports = Ports()
    with closing(ports):
        return ports.any()
