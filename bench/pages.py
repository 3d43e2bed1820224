"""The dashboard over a thousand nodes: how long it takes, how large it is, what it reads.

The world is `bench.simulations.simulated_day`'s, an hour old, so that every document that a page
is made of was written by its own writer. It is served over HTTP from a child process on a core of
its own.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import uvloop

from api.wiring import build_on
from bench.http_load import write_requests
from bench.peers.nagios import status_page
from bench.processes import two_cores, wait_for
from bench.report import ROOT, Figure, NotMeasurableError
from bench.simulations.simulated_day import World
from coordinator.adapters.clock import Clock
from coordinator.adapters.settings import ApiSettings

NODES = 1_000
MINUTES = 66
"""With one settlement and one roll-up behind it."""
VIEWS = 30
PAGE_SECONDS = 10.0
LIMIT_BYTES = 100_000


def page_figures(folder: Path) -> list[Figure]:
    """The rows; builds the world once, and counts and serves out of it."""
    world = World(NODES, 1)
    uvloop.run(_live(world))
    first = asyncio.run(_first_reads(world))
    print("reads of a first view:", ", ".join(f"{path} {n}" for path, n in first.items()))
    dearest = max(first.values())
    each = asyncio.run(_reads(world))
    p95_s, size, count = _served(world, folder)
    time_told, size_told = _peer(folder / "nagios")
    what = f"dashboard of {NODES:,} nodes, p95 of {count}"
    return [
        Figure(what, p95_s * 1000, "ms", "<= 50", time_told),
        Figure("the same: size", size / 1000, "kB", "<= 100", size_told),
        Figure("reads of a page view, one view after each sweep", each, "", "<= 2"),
        Figure("reads of a first view of a new instance, any page", dearest, "", "<= 2"),
    ]


def _peer(folder: Path) -> tuple[str, str]:
    """What the peer's page came to: (time, size) in words."""
    try:
        page = status_page(NODES, folder)
    except NotMeasurableError as error:
        print(error, flush=True)
        return "not measured", "not measured"
    return f"Nagios 4: {page.p95_s * 1000:.1f} ms", f"Nagios 4: {page.bytes / 1000:.1f} kB"


async def _live(world: World) -> None:
    await world.open()
    for _ in range(MINUTES):
        await world.minute([], [])


def _settings() -> ApiSettings:
    return ApiSettings.from_env(
        {
            "GOOGLE_CLOUD_PROJECT": "bench",
            "INGEST_URL": "rtmp://127.0.0.1:1935/live",
            "INGEST_KEY_HASH": "0" * 64,
            "REQUESTS_PER_SECOND": "100000",
        }
    )


async def _first_reads(world: World) -> dict[str, int]:
    """Documents of the first view of each page, each on an instance that has read nothing yet."""
    node, stream = world.nodes[7].node_id, world.nodes[7].stream_id
    pages = (
        "/",
        f"/n/{node}",
        f"/s/{stream}",
        "/about",
        "/docs",
        "/feed.atom",
        f"/n/{node}/feed.atom",
        f"/nodes/{node}/badge.svg",
        f"/streams/{stream}/badge.svg",
        f"/streams/{stream}/playlist.m3u",
    )
    found = {}
    for path in pages:
        async with _client(world) as client:
            found[path] = await _view(world, client, path)
    return found


def _client(world: World) -> httpx.AsyncClient:
    """Of a new instance on the world's stores."""
    app = build_on(world.measured, world.money, _settings(), lambda: world.now_s)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bench")


async def _view(world: World, client: httpx.AsyncClient, path: str) -> int:
    before, _ = world.operations()
    (await client.get(path)).raise_for_status()
    return world.operations()[0] - before


async def _reads(world: World) -> float:
    """Documents of each view after the first: one after every sweep, so that nothing that was
    read can be shown again."""
    async with _client(world) as client:
        await _view(world, client, "/")
        later = []
        for _ in range(VIEWS):
            start_s = world.now_s
            await world.minute([], [])
            world.now_s = start_s + 45.0  # the sweep of the minute is written by then
            later.append(await _view(world, client, "/"))
            world.now_s = start_s + 60.0
    return sum(later) / len(later)


def _served(world: World, folder: Path) -> tuple[float, int, int]:
    """(p95 seconds, bytes, how many) of the page over HTTP, one at a time."""
    client_core, server_core = two_cores()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        begun, at_s = time.time(), world.now_s
        pid = os.fork()
        if not pid:
            os.sched_setaffinity(0, {server_core})
            _serve(world, listener, lambda: at_s + time.time() - begun)
        try:
            size = _page_bytes(port)
            told = _asked(port, folder, client_core)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    if told["statuses"].keys() != {"200"}:
        raise NotMeasurableError(f"answers other than 200: {told['statuses']}")
    return float(told["p95_s"]), size, int(told["statuses"]["200"])


def _serve(world: World, listener: socket.socket, clock: Clock) -> None:
    """In the child, until it is killed: with the settings of functions-framework's own server."""
    app = build_on(world.measured, world.money, _settings(), clock)
    config = uvicorn.Config(app, log_level="error", lifespan="off", loop="uvloop", http="httptools")
    uvicorn.Server(config).run([listener])
    os._exit(1)


def _page_bytes(port: int) -> int:
    def serves() -> bool:
        with socket.socket() as caller:
            return not caller.connect_ex(("127.0.0.1", port))

    wait_for(serves, "the page's server")
    answer = httpx.get(f"http://127.0.0.1:{port}/", timeout=30, trust_env=False)
    return len(answer.raise_for_status().content)


def _asked(port: int, folder: Path, core: int) -> dict[str, Any]:
    requests = folder / "page"
    request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n"
    write_requests(requests, [request])
    argv = ("taskset", "-c", str(core), sys.executable, "-m", "bench.http_load")
    more = (str(port), str(requests), str(PAGE_SECONDS), "1")
    done = subprocess.run(
        [*argv, *more], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return dict(json.loads(done.stdout))
