"""The Firestore emulator ends, and comes back with what it held.

Nobody reaches it meanwhile: in the cloud, what was acknowledged is kept.
"""

import asyncio
import shutil
import sys
import time
from pathlib import Path

from bench.chaos.struck_network import FOLDER, LOOK_S, START_SECONDS_MAX, StruckNetwork
from bench.report import ROOT, NotMeasurableError
from emulator.demo import cast

NAME = "firestore"


async def restart_documents(network: StruckNetwork) -> None:
    """Cut off, exported, killed, started, imported, and reached again. NotMeasurableError."""
    folder = FOLDER / "export"
    network.absent.add(NAME)
    network.struck.add(NAME)
    network.machines.cut(NAME)
    try:
        if not await _state(network, "export", folder):
            raise NotMeasurableError("the Firestore emulator exports nothing")
        await network.kill(NAME)
        await network.start_again(NAME)
        await _imported(network, folder)
    finally:
        network.machines.heal(NAME)
        network.absent.discard(NAME)
        network.struck.discard(NAME)
        shutil.rmtree(folder, ignore_errors=True)


async def _imported(network: StruckNetwork, folder: Path) -> None:
    until_s = time.monotonic() + START_SECONDS_MAX
    while not await _state(network, "import", folder):
        if time.monotonic() > until_s:
            raise NotMeasurableError("the Firestore emulator does not take its export back")
        await asyncio.sleep(LOOK_S)


async def _state(network: StruckNetwork, verb: str, folder: Path) -> bool:
    """`emulator.state` on the emulator's own machine."""
    process = await asyncio.create_subprocess_exec(
        *network.machines.wrapper(NAME),
        *(sys.executable, "-m", "emulator.state", verb, str(folder)),
        *("--host", network.stage.firestore_host, "--project", cast.PROJECT),
        cwd=ROOT,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait() == 0
