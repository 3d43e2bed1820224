"""A crowd as a process of its own: `python -m bench.crowd.program SETUP` obeys lines of JSON.

SETUP is JSON too: the fields of CrowdSetting, a `seed` and how many `members` there are. It prints
`ready`. Then each line names what to `do`, and is answered with a line:
`start`, `leave` and `die` take the members `from` one `until` another, spread over so many
`seconds`; `tell` says what calls came to, and how members stand; `when` says when each member of a
range started, was taken in and ended. It ends with its input.
"""

import asyncio
import json
import logging
import sys
from collections import Counter
from dataclasses import asdict
from typing import Any

import uvloop

from bench.crowd.claimed_stats import serve_stats
from bench.crowd.members import CrowdMember
from bench.crowd.simulated_node import CrowdSetting, SimulatedNode
from bench.crowd.tally import CallTally
from bench.processes import allow_files

FILES_SPARE = 1_024
AT_ONCE_MAX = 200
"""Goodbyes: each is one attempt of a second and a half, as the agent has it."""


class CrowdProgram:
    """All members, by number and by address."""

    def __init__(self, setup: dict[str, Any]) -> None:
        seed, count = str(setup.pop("seed")), int(setup.pop("members"))
        self.tally, self.setting = CallTally(), CrowdSetting(**setup)
        members = (CrowdMember(seed, number) for number in range(count))
        self._nodes = [SimulatedNode(each, self.setting, self.tally) for each in members]
        self._by_host = {node.member.host: node for node in self._nodes}
        self._going = asyncio.Semaphore(AT_ONCE_MAX)

    def at(self, host: str) -> SimulatedNode | None:
        """Who runs there."""
        node = self._by_host.get(host)
        return node if node is not None and node.is_running else None

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """The answer to one line."""
        match order:
            case {"do": "tell"}:
                return {**self.tally.told(), "standings": self._standings()}
            case {"do": "when", "from": first, "until": end}:
                return {"nodes": [_when(node) for node in self._nodes[first:end]]}
            case {"do": verb, "from": first, "until": end, "seconds": seconds}:
                begun_s = asyncio.get_running_loop().time()
                await self._spread(str(verb), self._nodes[first:end], float(seconds))
                return {"seconds": asyncio.get_running_loop().time() - begun_s}
        raise ValueError(f"not known: {order}")

    async def _spread(self, verb: str, nodes: list[SimulatedNode], seconds: float) -> None:
        """Has each of them do it, one after the other, evenly in that time."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        async with asyncio.TaskGroup() as doing:
            for number, node in enumerate(nodes):
                await asyncio.sleep(begun_s + seconds * number / len(nodes) - loop.time())
                if verb == "start":
                    node.start()
                else:
                    doing.create_task(self._gone(verb, node))

    async def _gone(self, verb: str, node: SimulatedNode) -> None:
        async with self._going:
            await (node.leave() if verb == "leave" else node.die())

    def _standings(self) -> dict[str, int]:
        """How many were told each status and reason; of those that run."""
        running = (node for node in self._nodes if node.is_running)
        return dict(Counter(" ".join(node.standing()).strip() or "unheard" for node in running))


def _when(node: SimulatedNode) -> dict[str, Any]:
    return {"node_id": node.member.node_id, "runs": [asdict(run) for run in node.runs]}


async def _run(setup: dict[str, Any]) -> None:
    logging.disable(logging.CRITICAL)  # five thousand agents would fill a log in minutes
    allow_files(2 * int(setup["members"]) + FILES_SPARE)
    crowd = CrowdProgram(setup)
    server = await serve_stats(crowd.at, crowd.setting.stats_port)
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(json.dumps({"ready": True}), flush=True)
    while line := await lines.readline():
        print(json.dumps(await crowd.obey(json.loads(line))), flush=True)
    server.close()


if __name__ == "__main__":
    uvloop.run(_run(json.loads(sys.argv[1])))
