"""A crowd, for the program that lets it come and go."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from bench.crowd.members import CrowdMember
from bench.crowd.simulated_node import CrowdSetting, NodeRun
from bench.report import ROOT, NotMeasurableError

ANSWER_BYTES_MAX = 16_777_216
END_S_MAX = 5.0


class CrowdProcess:
    """Members by number, from 0 on. Made by `crowd_of`."""

    def __init__(self, process: asyncio.subprocess.Process, seed: str) -> None:
        self._process, self._seed = process, seed
        self._lock = asyncio.Lock()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def node_id(self, number: int) -> str:
        """Of one member."""
        return CrowdMember(self._seed, number).node_id

    async def start(self, members: range, seconds: float) -> None:
        """They start, spread over so many seconds; returns when the last one has."""
        await self._do("start", members, seconds)

    async def leave(self, members: range, seconds: float) -> None:
        """They say goodbye and are gone; returns when the last one has."""
        await self._do("leave", members, seconds)

    async def die(self, members: range, seconds: float) -> None:
        """They are gone without a word."""
        await self._do("die", members, seconds)

    async def tell(self) -> dict[str, Any]:
        """What calls came to since the last time, and how members stand."""
        return await self.ask({"do": "tell"})

    async def runs(self, members: range) -> dict[str, list[NodeRun]]:
        """By node id: from when to when it ran, oldest first."""
        told = await self.ask({"do": "when", "from": members.start, "until": members.stop})
        return {each["node_id"]: [NodeRun(**run) for run in each["runs"]] for each in told["nodes"]}

    async def _do(self, verb: str, members: range, seconds: float) -> None:
        order = {"do": verb, "from": members.start, "until": members.stop, "seconds": seconds}
        await self.ask(order)

    async def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """The answer to an order; NotMeasurableError if the process has ended."""
        async with self._lock:
            pipe = self._process.stdin
            if pipe is not None and order:
                pipe.write(json.dumps(order).encode() + b"\n")
            answered = self._process.stdout
            line = await answered.readline() if answered else b""
        if not line:
            raise NotMeasurableError("the crowd of simulated nodes has ended: its error is above")
        return dict(json.loads(line))


@asynccontextmanager
async def crowd_of(members: int, seed: str, setting: CrowdSetting) -> AsyncIterator[CrowdProcess]:
    """A process with so many members, none of which runs yet; it ends with the block, or with us:
    its input is a pipe of ours."""
    setup = json.dumps({**asdict(setting), "seed": seed, "members": members})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.crowd.program", setup),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        limit=ANSWER_BYTES_MAX,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'node_image'}{os.pathsep}{ROOT}"},
    )
    crowd = CrowdProcess(process, seed)
    try:
        await crowd.ask({})
        yield crowd
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(END_S_MAX):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
