"""`make bench-image`: how big the node image is, how soon it runs, and how soon it is checked.

NODES containers are started one after another, each with a volume of its own (a first start) and
the rights of docs/operator.md, into a whole network at its real pace: a sweep and a draw a minute,
four checks an hour. A clock runs from `docker run` until the image's own health check is passed,
and until the public api shows the node's first passed check.
"""

import asyncio
import os
import re
import secrets
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median

import httpx

from bench.report import ROOT, Figure, NotMeasurableError, hand_in
from emulator.demo.cast import Pace
from emulator.demo.network import LocalNetwork, opened
from emulator.demo.options import Options
from emulator.processes.supervisor import Death
from emulator.unread import quiet_when_unread
from tests.e2e.watched import wait_for
from tests.image.containers import IMAGE, ContainerAgent, build, inspect, remove_volume

NODES = int(os.environ.get("NODES", "5"))
PORT = int(os.environ.get("PORT", "8080"))
REAL_PACE = Pace(60, 60, checks_per_hour=4, epoch_s=3600, grace_s=120, holding_epochs=24)
CHECKED_S_MAX = 900.0
LOOK_S = 0.02
ASK_EVERY_S = 1.0
FOLDER = ROOT / "build" / "bench-image"


@dataclass
class Started:
    """A container, and how long it took."""

    agent: ContainerAgent
    begun_s: float
    healthy_s: float
    checked_s: float | None = None


def main() -> None:
    """Measure and print. NotMeasurableError if something never came."""
    build(IMAGE)
    with ExitStack() as stack:
        try:
            started = asyncio.run(_measured(stack))
        except AssertionError as e:
            raise NotMeasurableError(f"not measured: {e}") from e
    healthy = [node.healthy_s for node in started]
    checked = [node.checked_s / 60 for node in started if node.checked_s is not None]
    figures = [
        Figure("image unpacked", inspect(IMAGE)["Size"] / 1e6, "MB", "<= 130"),
        Figure("commands to a running node, once there is an image", _commands(), "", "<= 1"),
        Figure(f"run to healthy: median of {NODES}", round(median(healthy), 2), "s", "<= 3"),
        Figure("run to healthy: slowest", round(max(healthy), 2), "s", "<= 3"),
        Figure("run to first passed check: median", round(median(checked), 1), "min", "<= 5"),
        Figure("run to first passed check: slowest", round(max(checked), 1), "min", "<= 5"),
    ]
    hand_in("bench-image", figures)


def _commands() -> int:
    """How many the operator's page asks for to start a node."""
    page = (ROOT / "docs" / "operator.md").read_text()
    block = re.search(r"^## 3\. .*?^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    if block is None:
        raise NotMeasurableError("docs/operator.md has no command under step 3")
    return len(re.findall(r"^\S", block[1], re.MULTILINE))


async def _measured(stack: ExitStack) -> list[Started]:
    options = Options(port=PORT, nodes=0, cheats=(), controls=False, folder=FOLDER)
    async with opened(options, _say, _say_death) as network:
        network.stage = replace(network.stage, pace=REAL_PACE)
        await network.start()
        started = [await asyncio.to_thread(_start, stack, network) for _ in range(NODES)]
        await _until_checked(network, started)
        return started


def _start(stack: ExitStack, network: LocalNetwork) -> Started:
    volume = f"restream-bench-{secrets.token_hex(4)}"
    stack.callback(remove_volume, volume)
    begun_s = time.monotonic()
    agent = ContainerAgent(volume, network.stage.api_url, STREAM_ID="auto")
    stack.callback(agent.stop)
    wait_for("health", lambda: agent.get("/healthz")[0] == 200, lambda: agent.output)
    return Started(agent, begun_s, time.monotonic() - begun_s)


async def _until_checked(network: LocalNetwork, started: list[Started]) -> None:
    """Ask as anybody may, until each node has passed a check."""
    ids = [str((await asyncio.to_thread(node.agent.stats))["node_id"]) for node in started]
    deadline_s = time.monotonic() + CHECKED_S_MAX
    async with httpx.AsyncClient(base_url=network.stage.api_url, trust_env=False) as client:
        while waiting := [n for n in range(NODES) if started[n].checked_s is None]:
            if time.monotonic() > deadline_s:
                late = f"{len(waiting)} nodes were not checked in {CHECKED_S_MAX:g} s"
                raise NotMeasurableError(late)
            for n in waiting:
                answer = await client.get(f"/nodes/{ids[n]}/checks", timeout=5.0)
                checks = answer.json().get("checks", [])
                if any(check["verdict"] in ("pass", "degraded") for check in checks):
                    started[n].checked_s = time.monotonic() - started[n].begun_s
                    _say(f"node {n + 1} of {NODES}: {started[n].checked_s:.0f} s")
            await asyncio.sleep(ASK_EVERY_S)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _say_death(death: Death) -> None:
    _say(str(death))


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
