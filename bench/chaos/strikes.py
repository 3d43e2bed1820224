"""What a part of the network is struck with: killed, frozen, cut off. Each ends before it returns.

A strike returns the moment at which its cause was gone, by the monotonic clock: for a kill, when
it fell.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence

from bench.chaos.struck_network import StruckNetwork

Strike = Callable[[StruckNetwork, Sequence[str], float], Awaitable[float]]
"""(network, parts that are struck at once, how long) -> when it was over."""


async def killed(network: StruckNetwork, parts: Sequence[str], _: float) -> float:
    """With -9, each with all that it has started."""
    over_s = time.monotonic()
    await asyncio.gather(*map(network.kill, parts))
    return over_s


async def frozen(network: StruckNetwork, parts: Sequence[str], seconds: float) -> float:
    """As machines that hang: connections stay, and nobody answers."""
    for part in parts:
        network.signal_all(part, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        for part in parts:
            network.signal_all(part, signal.SIGCONT)
    return time.monotonic()


async def cut_off(network: StruckNetwork, parts: Sequence[str], seconds: float) -> float:
    """No packet comes or goes, and nobody is told."""
    for part in parts:
        network.machines.cut(part)
    try:
        await asyncio.sleep(seconds)
    finally:
        for part in parts:
            network.machines.heal(part)
    return time.monotonic()


STRIKES: dict[str, Strike] = {"kill -9": killed, "SIGSTOP": frozen, "cut": cut_off}
