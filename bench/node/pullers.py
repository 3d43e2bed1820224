"""Pullers of one ingest in a process of their own: `python -m bench.node.pullers PORT COUNT`.

They are our nodes' own (`agent.relay.restream.upstream`), with their pauses and their chance. It
says `here` when media came to all. After each line of its input it forgets what it saw; once all
have media again it says when each connection was made and when the last media came, in JSON, by
the clock that all processes of a machine share.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import uvloop

from agent.relay.restream.upstream import Sink, Source, Upstream
from bench.node.viewers import url_at
from bench.processes import allow_files
from bench.report import NotMeasurableError
from rtmp.messages import Message
from tests.e2e.watched import HOST

FILES_BESIDE = 64
LOOK_EVERY_S = 0.02
GIVE_UP_S = 90.0


@dataclass
class Tries:
    """What happened since it was last forgotten."""

    connected_s: list[float] = field(default_factory=list)
    media_s: dict[int, float] = field(default_factory=dict)
    """Of each puller, its first."""


def puller(number: int, port: int, tries: Callable[[], Tries]) -> Upstream:
    """One node's source. What it pulls is counted, and dropped."""

    async def begin() -> None:
        tries().connected_s.append(time.monotonic())

    def take(_: Message) -> None:
        tries().media_s.setdefault(number, time.monotonic())

    sink = Sink(begin, take, note=lambda _: None, log=lambda _: None)
    return Upstream(Source(url_at(port), HOST), sink, random.random())


async def pull(port: int, count: int) -> None:
    """Until the input ends."""
    tries = Tries()
    pullers = [puller(number, port, lambda: tries) for number in range(count)]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.run()) for each in pullers]
        await _until_media(tries, count)
        print("here", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            tries = Tries()
            await _until_media(tries, count)
            told = {"connected_s": tries.connected_s, "media_s": sorted(tries.media_s.values())}
            print(json.dumps(told), flush=True)
        for task in running:
            task.cancel()


async def _until_media(tries: Tries, count: int) -> None:
    until_s = time.monotonic() + GIVE_UP_S
    while len(tries.media_s) < count:
        if time.monotonic() > until_s:
            raise NotMeasurableError(f"media came to {len(tries.media_s)} of {count} pullers")
        await asyncio.sleep(LOOK_EVERY_S)


def main() -> None:
    """Pull as told."""
    port, count = map(int, sys.argv[1:])
    allow_files(count + FILES_BESIDE)
    # A node's own loop: with another this process has no time left, and connects in bursts.
    uvloop.run(pull(port, count))


if __name__ == "__main__":
    main()
