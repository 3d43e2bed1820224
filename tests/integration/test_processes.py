"""The supervisor with real children: deaths are told, and nothing outlives it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from emulator.demo.options import ROOT
from emulator.processes.proctable import marked
from emulator.processes.supervisor import Child, Command, Death, Supervisor

ENV = {"PATH": os.environ.get("PATH", os.defpath)}
WAIT_SECONDS_MAX = 20.0


def _sh(name: str, script: str, layer: int = 0) -> Command:
    return Command(name, ("sh", "-c", script), ENV, layer=layer)


async def _until(condition: Callable[[], bool], says: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline_s, says()
        await asyncio.sleep(0.02)


def _has_spoken(child: Child) -> bool:
    return bool(child.output.tail())


def _is_gone(pid: int) -> bool:
    """True for zombies too: somebody else may be slow to collect them."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_a_child_that_ends_is_told_at_once_with_its_last_output(tmp_path: Path) -> None:
    deaths: list[Death] = []
    async with Supervisor(tmp_path, deaths.append) as supervisor:
        child = await supervisor.start(_sh("a", "echo one; echo two >&2; exit 3"))
        await _until(lambda: bool(deaths), child.output.tail)
        assert (deaths[0].name, deaths[0].returncode) == ("a", 3)
        assert deaths[0].output == ("one", "two")
        assert supervisor.deaths == deaths
    assert (tmp_path / "a.log").read_text() == "one\ntwo\n"


async def test_one_death_leaves_the_others_running(tmp_path: Path) -> None:
    deaths: list[Death] = []
    async with Supervisor(tmp_path, deaths.append) as supervisor:
        first = await supervisor.start(_sh("first", "sleep 97"))
        second = await supervisor.start(_sh("second", "sleep 97"))
        os.kill(first.pid, signal.SIGKILL)
        await _until(lambda: bool(deaths), first.output.tail)
        assert str(deaths[0]) == f"first (pid {first.pid}) was killed by SIGKILL"
        assert not _is_gone(second.pid)
    assert [death.name for death in deaths] == ["first"]
    assert _is_gone(second.pid)


async def test_what_a_dead_child_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        child = await supervisor.start(_sh("a", "setsid sleep 97 & echo $!; exec sleep 89"))
        await _until(lambda: bool(child.output.tail()), child.output.tail)
        hidden = int(child.output.tail()[0])
        os.kill(child.pid, signal.SIGKILL)
        await _until(lambda: bool(supervisor.deaths) and _is_gone(hidden), child.output.tail)


async def test_stopping_ends_the_stubborn_and_the_hidden(tmp_path: Path) -> None:
    stubborn = "trap '' TERM; setsid sh -c \"trap '' TERM; sleep 97\" & echo $!; sleep 97; sleep 97"
    async with Supervisor(tmp_path) as supervisor:
        child = await supervisor.start(_sh("a", stubborn))
        await _until(lambda: bool(child.output.tail()), child.output.tail)
        token = child.mark.partition("/")[0]
        # It prints before its last child is there.
        await _until(lambda: len(marked(token)) >= 3, lambda: marked(token))
    assert marked(token) == []
    assert supervisor.deaths == []


async def test_higher_layers_are_stopped_before_the_ones_they_lean_on(tmp_path: Path) -> None:
    polite = "trap 'date +%s%N; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
    async with Supervisor(tmp_path) as supervisor:
        children = [await supervisor.start(_sh(f"layer-{i}", polite, i)) for i in (2, 0, 1)]
        for child in children:
            await _until(partial(_has_spoken, child), child.output.tail)
    ended = {child.name: int(child.output.tail()[-1]) for child in children}
    assert sorted(ended, key=lambda name: ended[name]) == ["layer-2", "layer-1", "layer-0"]


async def test_a_program_that_is_not_there_is_an_error_and_nothing_stays(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(FileNotFoundError):
            await supervisor.start(Command("a", ("no-such-program-2357",), ENV))
        assert supervisor.children == []


async def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path\n"
        "from emulator.processes.supervisor import Command, Supervisor\n"
        "async def main():\n"
        "    supervisor = await Supervisor(Path(sys.argv[1])).__aenter__()\n"
        "    hidden = 'setsid sleep 97 & sleep 97'\n"
        "    child = await supervisor.start(Command('a', ('sh', '-c', hidden), {}))\n"
        "    print(child.mark.partition('/')[0], flush=True)\n"
        "    await asyncio.sleep(97)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(tmp_path)),
        env={**ENV, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    token = (await process.stdout.readline()).decode().strip()
    await _until(lambda: len(marked(token)) == 3, lambda: marked(token))
    process.kill()
    await process.wait()
    await _until(lambda: marked(token) == [], lambda: marked(token))
