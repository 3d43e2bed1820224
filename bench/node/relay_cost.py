"""What viewers cost a relay in CPU, beside nginx-rtmp."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from bench.node.relay_scene import RelayScene
from bench.processes import MeasuredChild, cpu_s

WATCH_S = 8.0
SETTLE_S = 2.0


class Cost(NamedTuple):
    """What one side's viewers cost."""

    cores: float
    gbit_a_second: float

    @property
    def cores_a_gbit(self) -> float:
        """By what the viewers received."""
        return self.cores / self.gbit_a_second


def cost(crowd: MeasuredChild, port: int, pid: int, viewers: int) -> Cost:
    """Of a relay, while its viewers watch."""
    crowd.ask(f"join {port} {viewers}")
    crowd.ask(f"watch {SETTLE_S}")
    before, begun_s = cpu_s(pid), time.monotonic()
    came = int(crowd.ask(f"watch {WATCH_S}"))
    took_s = time.monotonic() - begun_s
    spent_s = cpu_s(pid) - before
    crowd.ask("leave")
    return Cost(spent_s / took_s, came * 8 / took_s / 1e9)


class Compared(NamedTuple):
    """Our relay's cost and nginx-rtmp's, by round."""

    rounds: list[tuple[Cost, Cost]]

    @property
    def ratio(self) -> float:
        """The median of the rounds' own ratios, for the same bytes."""
        return statistics.median(us.cores_a_gbit / them.cores_a_gbit for us, them in self.rounds)

    def median(self, figure: Callable[[Cost], float]) -> tuple[float, float]:
        """Of us, of them."""
        ours, theirs = zip(*self.rounds, strict=True)
        return statistics.median(map(figure, ours)), statistics.median(map(figure, theirs))


def compared(scene: RelayScene, crowd: MeasuredChild, viewers: int, rounds: int) -> Compared:
    """In turn; who comes first changes, so that whatever drifts hits both."""
    found = []
    for number in range(rounds):
        sides = [(scene.node.rtmp_port, scene.node.relay_pid()), (scene.peer_port, scene.peer_pid)]
        order = sides if number % 2 else sides[::-1]
        costs = {port: cost(crowd, port, pid, viewers) for port, pid in order}
        us, them = (costs[port] for port, _ in sides)
        found.append((us, them))
        print(
            f"{viewers} viewers, round {number + 1} of {rounds}: {us.cores:.3f} of a core for "
            f"{us.gbit_a_second:.3f} Gbit/s, nginx-rtmp {them.cores:.3f} for "
            f"{them.gbit_a_second:.3f}",
            flush=True,
        )
    return Compared(found)
