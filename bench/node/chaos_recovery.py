"""When nodes are well again after what `make chaos-node` did to them."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bench.node.chaos_scene import GIVE_UP_S, Scene
from bench.node.viewers import until_media
from bench.report import NotMeasurableError
from tests.e2e.agents import AgentProcess

Recovery = Callable[[Scene, AgentProcess, float], Awaitable[float]]
"""(scene, node, monotonic second at which the cause was gone) -> seconds it took."""


async def recoveries(scene: Scene, recovered: Recovery) -> list[float]:
    """Seconds that each node took, from now."""
    begun_s = time.monotonic()
    return await asyncio.gather(*(recovered(scene, node, begun_s) for node in scene.nodes))


async def plays(_: Scene, node: AgentProcess, begun_s: float) -> float:
    """A viewer has media."""
    await until_media(node.rtmp_port, GIVE_UP_S)
    return time.monotonic() - begun_s


def hears_again(scene: Scene) -> Recovery:
    """The coordinator's answer is there again; ask for this before it is taken away."""
    before = {id(node): len(node.events("coordinator_back")) for node in scene.nodes}

    async def recovered(_: Scene, node: AgentProcess, begun_s: float) -> float:
        while len(node.events("coordinator_back")) <= before[id(node)]:
            if time.monotonic() - begun_s > GIVE_UP_S:
                told = f"a node never heard the coordinator again\n{node.output}"
                raise NotMeasurableError(told)
            await asyncio.sleep(0.05)
        return time.monotonic() - begun_s

    return recovered
