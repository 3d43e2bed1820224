"""The parts of a campaign, in order: each strikes, and notes what came of it."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from itertools import combinations

from bench.chaos import address_floods as floods
from bench.chaos.address_floods import Flooded
from bench.chaos.kept_documents import restart_documents
from bench.chaos.odd_triggers import duplicated, late
from bench.chaos.strike_series import Campaign, number
from bench.chaos.strikes import STRIKES
from bench.chaos.struck_network import DISK
from bench.chaos.twins import twins
from bench.report import ROOT, Figure, NotMeasurableError
from emulator.demo.cast import FUNCTIONS
from rtmp.addresses import RtmpAddress
from tests.e2e.agents import WrongClock

LASTING = "firestore"
"""Its documents are lost with it here, and not in the cloud: it is frozen and cut off, and killed
only after an export."""
WRONG_BY_S = 3_600
SHIFTED = ROOT / "bench" / "chaos" / "shifted_clock"
CLOCKS = (*FUNCTIONS, "ingest", "node-1")
REFUSING = FUNCTIONS[1:]
"""Who does nothing while its clock is that far off."""
Part = Callable[[Campaign], Awaitable[None]]


def chosen() -> Mapping[str, Part]:
    """All parts, or those that ONLY names. NotMeasurableError."""
    names = [name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()]
    if unknown := set(names) - PARTS.keys():
        raise NotMeasurableError(f"ONLY names {sorted(unknown)}: choose from {list(PARTS)}")
    return {name: part for name, part in PARTS.items() if not names or name in names}


def _singles(kind: str) -> Part:
    async def struck(campaign: Campaign) -> None:
        for name in campaign.targets:
            if name == LASTING and kind == "kill -9":
                continue
            recovery = await campaign.strike(kind, (name,), campaign.seconds[kind])
            campaign.note(f"{kind} of {name}", recovery, is_goal=kind == "kill -9")

    return struck


async def _pairs(campaign: Campaign) -> None:
    drawn, hold_s = random.Random(number("SEED", 1)), number("HOLD", 5)
    pairs = list(combinations(campaign.targets, 2))
    for pair in drawn.sample(pairs, min(len(pairs), number("PAIRS", 20))):
        kinds = [kind for kind in STRIKES if kind != "kill -9" or LASTING not in pair]
        kind = drawn.choice(kinds)
        campaign.note(
            f"{kind} of {pair[0]} and {pair[1]}", await campaign.strike(kind, pair, hold_s)
        )


async def _documents(campaign: Campaign) -> None:
    await restart_documents(campaign.network)
    recovery = await campaign.recovered("firestore restarted from its export")
    campaign.note("firestore restarted from its export", recovery)


async def _clocks(campaign: Campaign) -> None:
    """Each is started with a clock of its own that is right, jumps, and is put right again."""
    network, hold_s = campaign.network, number("HOLD", 5)
    for name in CLOCKS:
        clock = WrongClock(DISK / f"{name}.clock", 0)
        network.struck.add(name)
        await network.run_with(name, **_settings(name, clock))
        await campaign.recovered(f"{name} with a clock of its own")
        for off_s in (WRONG_BY_S, -WRONG_BY_S):
            told = f"clock of {name} {'ahead' if off_s > 0 else 'behind'} by an hour"
            clock.put_off(off_s)
            await asyncio.sleep(hold_s)
            if name not in REFUSING:
                campaign.note(f"{told}: meanwhile", await campaign.recovered(f"{told}: meanwhile"))
            clock.put_off(0)
            campaign.note(told, await campaign.recovered(told))
        await network.run_with(name)
        network.struck.discard(name)


def _settings(name: str, clock: WrongClock) -> dict[str, str]:
    if name not in FUNCTIONS:
        return clock.settings
    path = os.pathsep.join([str(SHIFTED), str(ROOT / "functions"), str(ROOT)])
    return {"SHIFTED_CLOCK_FILE": clock.settings["FAKETIME_TIMESTAMP_FILE"], "PYTHONPATH": path}


async def _disk(campaign: Campaign) -> None:
    """The disk of everybody's keys and temporary files is full, and a relay has to start on it."""
    network, filler = campaign.network, DISK / "filler"
    network.struck.add("node-1")
    await asyncio.to_thread(_fill, filler)
    network.kill_descendants("node-1")
    await asyncio.sleep(number("HOLD", 5))
    filler.unlink()
    recovery = await campaign.recovered("disk full, a relay killed meanwhile")
    network.struck.discard("node-1")
    campaign.note("disk full, a relay killed meanwhile", recovery)


def _fill(file: os.PathLike[str]) -> None:
    with open(file, "wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4_096)):
                pass
        except OSError:
            return


async def _triggers(campaign: Campaign) -> None:
    for name, deliver in (("five times at once", duplicated), ("late", late)):
        answers = await deliver(campaign.network)
        campaign.figures.append(
            Figure(f"triggers {name}: answered by 5xx", answers[5], "", "", f"of {answers.total()}")
        )
        campaign.note(f"triggers {name}", await campaign.recovered(f"triggers {name}: {answers}"))


async def _instances(campaign: Campaign) -> None:
    async with twins(campaign.network):
        await asyncio.sleep(campaign.seconds["SIGSTOP"])
        recovery = await campaign.recovered("two instances of each function")
    campaign.note("two instances of each function: meanwhile", recovery)
    campaign.note("two instances of each function", await campaign.recovered("one instance again"))


async def _floods(campaign: Campaign) -> None:
    network = campaign.network
    api = (network.stage.host_of("api"), network.stage.ports["api"])
    node = network.honest[0]
    place = RtmpAddress(
        network.stage.host_of(node), network.rtmp_port(node), "live", network.stream_id
    )
    for name, flood in (
        ("api", partial(floods.of_api, api)),
        ("relay", partial(floods.of_relay, place)),
    ):
        told = await flood()
        recovery = await campaign.recovered(f"flood on {name}: {told.statuses}")
        campaign.figures += _flood_figures(f"flood on {name}", told)
        campaign.note(f"flood on {name}", recovery)


def _flood_figures(name: str, told: Flooded) -> list[Figure]:
    waits = sorted(told.waits_s) or [0.0]
    return [
        Figure(f"{name}: requests a second", round(told.sent / floods.LASTS_S), "/s"),
        Figure(f"{name}: shed", round(100 * told.shed / max(1, told.sent), 1), "%"),
        Figure(f"{name}: neither served nor shed", told.wrong, "", "<= 0"),
        Figure(f"{name}: others who were not served", told.failed, "", "<= 0"),
        Figure(f"{name}: others' longest wait", round(waits[-1] * 1e3), "ms"),
    ]


PARTS: dict[str, Part] = {
    "kill": _singles("kill -9"),
    "cut": _singles("cut"),
    "freeze": _singles("SIGSTOP"),
    "pairs": _pairs,
    "documents": _documents,
    "triggers": _triggers,
    "instances": _instances,
    "floods": _floods,
    "disk": _disk,
    "clocks": _clocks,
}
