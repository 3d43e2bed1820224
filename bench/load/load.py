"""`make load`: the whole network with thousands of simulated nodes, and what bends.

For each number of nodes a network of its own is started: the Firestore emulator, the functions, an
ingest, a publisher and one real node, whose relay serves for all. Then nodes join, half of them
leave and return three times, the api is killed, every public route is asked, and all is audited.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import httpx

from bench.crowd.crowd_network import CrowdNetwork, crowd_network
from bench.load.crowd_life import RESTARTS, CallCounts, CrowdLife
from bench.load.load_figures import LoadOutcome, figures_of
from bench.load.public_answers import AskedFor, answer_costs, public_answers
from bench.load.resident_memory import MemoryWatch
from bench.processes import tree_cpu_s
from bench.report import BUILD, ROOT, Figure, NotMeasurableError, hand_in, say
from emulator.demo.cast import Staging
from emulator.demo.network import StartError
from emulator.demo.public_api import ApiError
from emulator.unread import quiet_when_unread

SIZES = (500, 2_000, 5_000)
STEADY_SWEEPS = 3
CHECKS_A_SECOND = 5
"""What a prober makes beside all others on this machine. Four an hour are the least: the usual."""
CHECKS_PER_HOUR_MIN = 4
AUDIT_S_MAX = 600.0
EPOCHS_AUDITED = 2
ASK_S_MAX = 60.0


def main() -> None:
    """Measures, prints, and keeps the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.load.load", description=__doc__)
    parser.add_argument("--nodes", default=",".join(map(str, SIZES)), help="such as 500,2000")
    sizes = [int(size) for size in parser.parse_args().nodes.split(",")]
    figures: list[Figure] = []
    try:
        for size in sizes:
            figures += _measured(size)
    finally:  # a size that could not be measured takes nothing from those before it
        if figures:
            hand_in("load", figures)


def _measured(size: int) -> list[Figure]:
    try:
        return figures_of(asyncio.run(_lived(size)))
    except (StartError, ChildProcessError, ApiError, httpx.HTTPError) as error:
        raise NotMeasurableError(f"{size:,} nodes could not be measured: {error}") from error


async def _lived(size: int) -> LoadOutcome:
    """One network's whole life."""
    say(f"{size:,} nodes: the network starts, load {os.getloadavg()[0]:.1f}")
    began_s = time.time()
    async with (
        crowd_network(
            BUILD / "load", size, say, lambda death: say(str(death)), _checked_less(size)
        ) as net,
        # A connection that is kept would end when the api is killed, and now and then by itself.
        httpx.AsyncClient(
            base_url=net.api_url,
            timeout=ASK_S_MAX,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        ) as client,
    ):
        return await _outcome(CrowdLife(net, range(size), client), began_s)


async def _outcome(life: CrowdLife, began_s: float) -> LoadOutcome:
    """All that it came to since that instant."""
    net, memory = life.net, MemoryWatch(life.pids)
    watching = asyncio.create_task(memory.run())
    steady = await _come_and_go(life)
    settled, due = await _settled(life)
    asked = await _asked(life)
    answers = await public_answers(net.api_url, asked)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    history = await life.history(int((time.time() - began_s) // net.pace.sweep_s))
    wrong = history.wrongly_down(await net.crowd.runs(life.members), net.pace.sweep_s)
    audit = await _audited(life, settled)
    await net.crowd.die(life.members, 0.0)
    spent = (_spent_by(net, "api"), _spent_by(net, "firestore"))
    return LoadOutcome(
        size=len(life.members),
        life=life,
        steady=steady,
        memory_mb=memory.worst_mb,
        answers=answers,
        costs=await answer_costs(net.api_url, asked, *spent),
        polls=history.polls,
        wrongly_down=wrong,
        epochs_due=due,
        unsettled=due - len(settled),
        audit=audit,
    )


def _checked_less(size: int) -> Callable[[Staging], Staging]:
    """As many checks an hour and node as a prober can make: late ones would measure that alone."""
    fitting = CHECKS_A_SECOND * 3_600 // size

    def changed(stage: Staging) -> Staging:
        most = stage.pace.checks_per_hour
        an_hour = min(most, max(CHECKS_PER_HOUR_MIN, fitting))
        return replace(stage, pace=replace(stage.pace, checks_per_hour=an_hour))

    return changed


def _spent_by(net: CrowdNetwork, part: str) -> Callable[[], float]:
    return lambda: tree_cpu_s(net.child(part).pid)


async def _come_and_go(life: CrowdLife) -> CallCounts:
    """What heartbeats came to between the joins and the restarts."""
    await life.join()
    await life.sweeps_pass(STEADY_SWEEPS)
    steady = await life.told()
    for number in range(RESTARTS):
        await life.restart(kills=number == 1)
    life.rest = await life.told()
    return steady


async def _settled(life: CrowdLife) -> tuple[list[int], int]:
    """(epochs that are settled, how many ought to be), once they could be."""
    pace = life.net.pace
    say("waiting until the epoch that ends next is settled")
    epoch = int(time.time() // pace.epoch_s)
    until_s = (epoch + 1) * pace.epoch_s + pace.grace_s + 3 * pace.payout_s
    found: list[int] = []
    path = f"/streams/{life.net.network.stream_id}/delivery?page_size=200"
    while time.time() < until_s + pace.epoch_s / 2:
        answer = (await life.client.get(path)).raise_for_status()
        found = [hour["epoch"] for hour in answer.json()["hours"]]
        if epoch in found:
            break
        await asyncio.sleep(pace.payout_s / 2)
    first = min(found, default=epoch)
    return sorted(set(found) & set(range(first, epoch + 1))), epoch + 1 - first


async def _asked(life: CrowdLife) -> AskedFor:
    """About the network as it is now."""
    pace, now_s = life.net.pace, time.time()
    history = await life.history(3)
    roster = history.newest
    name = life.net.crowd.node_id(0)
    epoch = int(now_s // pace.epoch_s) - 2
    tick, draw = int(now_s // pace.sweep_s), int(now_s // pace.check_s)
    return AskedFor(life.net.network.stream_id, name, epoch, roster.id, tick, draw)


async def _audited(life: CrowdLife, settled: Sequence[int]) -> int:
    """The worst status of `make audit` for the last epochs: 0 is equal.

    `make verify` reads each node's receipt too. An address may ask forty times a second, so epochs
    of two minutes would be settled meanwhile."""
    told = ("--stream", life.net.network.stream_id, "--api", life.net.api_url)
    say(f"the last {EPOCHS_AUDITED} epochs are audited")
    statuses = [
        await _verified("statement", "--epoch", str(epoch), *told)
        for epoch in settled[-EPOCHS_AUDITED:]
    ]
    return max(statuses, default=2)


async def _verified(*told: str) -> int:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.verify", *told),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(AUDIT_S_MAX):
        output, _ = await process.communicate()
    lines = output.decode(errors="replace").splitlines()
    say("\n".join(lines[-5:]))
    return process.returncode or 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
