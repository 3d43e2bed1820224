"""The scheduler's program against a real HTTP server."""

import asyncio
import contextlib
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime

from emulator.demo.options import ROOT

WAIT_SECONDS_MAX = 30.0
FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno"
SUCCESS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Target:
    """Notes every call; answers /fails with 500, /hangs never, and the rest with 200."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.changed = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *rest = head.strip().split("\r\n")
            self.calls[first.rpartition(" ")[0]] += 1
            pairs = (line.split(": ", 1) for line in rest)
            self.headers.append({name.lower(): value for name, value in pairs})
            self.changed.set()
            if "/hangs" in first:
                await reader.read()  # until the caller gives up
                return
            writer.write(FAILURE if "/fails" in first else SUCCESS)
            await writer.drain()

    async def until_called(self, what: str, times: int, output: bytearray) -> None:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while self.calls[what] < times:
                self.changed.clear()
                await self.changed.wait()
                assert not output.startswith(b"Traceback"), output.decode()


@contextlib.asynccontextmanager
async def _scheduler(*jobs: str) -> AsyncIterator[bytearray]:
    """Runs it; yields its output, complete once the block is left."""
    words = [word for job in jobs for word in ("--job", job)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "emulator.scheduler", *words),
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", os.defpath)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = bytearray()
    try:
        yield output
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has ended: its output will say why
            process.terminate()
        output += (await asyncio.wait_for(process.communicate(), WAIT_SECONDS_MAX))[0]
    assert process.returncode == 0, output.decode()


async def test_it_posts_with_cloud_schedulers_headers_at_whole_instants() -> None:
    target = Target()
    async with await asyncio.start_server(target.answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/?shard=0"
        async with _scheduler(f"collector,{url},1") as output:
            await target.until_called("POST /?shard=0", 2, output)
    first, second = (call["x-cloudscheduler-scheduletime"] for call in target.headers[:2])
    assert target.headers[0]["x-cloudscheduler"] == "true"
    assert target.headers[0]["x-cloudscheduler-jobname"] == "collector"
    passed = datetime.fromisoformat(second) - datetime.fromisoformat(first)
    assert passed.total_seconds() >= 1
    assert passed.total_seconds() % 1 == 0
    assert datetime.fromisoformat(first).microsecond == 0


async def test_failing_hanging_and_dead_targets_keep_nobody_else_from_being_called() -> None:
    target = Target()
    async with await asyncio.start_server(target.answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        jobs = (f"bad,{url}/fails,1", f"slow,{url}/hangs,1", f"good,{url}/good,1")
        async with _scheduler(*jobs, "gone,http://127.0.0.1:1/,1") as output:
            await target.until_called("POST /good", 3, output)
            await target.until_called("POST /hangs", 2, output)
            await target.until_called("POST /fails", 2, output)
    assert b"bad failed: answered 500: no" in output
    assert b"gone failed: ConnectError" in output
    assert b"good" not in output
