"""What dies is started again, in the end less and less often; without the documents it is over."""

import asyncio
import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from emulator.demo.keeper import Keeper, OverError
from emulator.processes.proctable import pids
from emulator.processes.supervisor import Child, Command, Supervisor

ENV = {"PATH": os.environ.get("PATH", os.defpath)}
WAIT_SECONDS_MAX = 30.0
PAUSE_S_MIN = 0.3


def _sh(name: str, script: str) -> Command:
    return Command(name, ("sh", "-c", script), ENV)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not condition():  # noqa: ASYNC110 - what the kernel does sets no event
            await asyncio.sleep(0.02)


async def _children(supervisor: Supervisor, count: int) -> list[Child]:
    await _until(lambda: len(supervisor.children) >= count)
    return supervisor.children


async def test_a_killed_child_is_started_again_and_the_others_run_on(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        keeping = asyncio.create_task(Keeper(supervisor, PAUSE_S_MIN).run())
        victim = await supervisor.start(_sh("victim", "echo here; exec sleep 97"))
        other = await supervisor.start(_sh("other", "exec sleep 97"))
        await _until(lambda: (tmp_path / "victim.log").read_text() == "here\n")
        os.kill(victim.pid, signal.SIGKILL)
        again = (await _children(supervisor, 3))[-1]
        assert (again.name, again.command) == ("victim", victim.command)
        assert again.pid != victim.pid
        assert other.death is None
        await _until(lambda: (tmp_path / "victim.log").read_text() == "here\nhere\n")
        keeping.cancel()


async def test_who_dies_again_and_again_is_started_after_longer_and_longer_pauses(
    tmp_path: Path,
) -> None:
    async with Supervisor(tmp_path) as supervisor:
        keeping = asyncio.create_task(Keeper(supervisor, PAUSE_S_MIN).run())
        await supervisor.start(_sh("victim", "exit 3"))
        born_s = [child.born_s for child in await _children(supervisor, 3)]
        keeping.cancel()
    first_s, second_s = (later - sooner for sooner, later in pairwise(born_s))
    assert first_s >= PAUSE_S_MIN
    assert second_s >= 2 * PAUSE_S_MIN


async def test_without_the_emulator_the_demo_is_over_in_one_sentence(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        keeping = asyncio.create_task(Keeper(supervisor).run())
        firestore = await supervisor.start(_sh("firestore", "exec sleep 97"))
        os.kill(firestore.pid, signal.SIGKILL)
        with pytest.raises(OverError, match=r"killed by SIGKILL\. It holds everything in memory"):
            await asyncio.wait_for(keeping, WAIT_SECONDS_MAX)


async def test_a_killed_guard_is_replaced(tmp_path: Path) -> None:
    """A new one holds the new end of the pipe: stopping ends it, and quickly."""
    async with Supervisor(tmp_path) as supervisor:
        before = supervisor.guard_pid
        os.kill(before, signal.SIGKILL)
        await _until(lambda: supervisor.guard_pid != before)
        assert [death.name for death in supervisor.deaths] == ["guard"]
        after = supervisor.guard_pid
    assert after not in pids()
