"""The engine restream as a process of its own, whose surroundings fail it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent.relay.engines.local_page import LocalPage
from agent.relay.restream.configuration import Configuration
from agent.relay.restream.listening import OWN_DESCRIPTORS
from rtmp.handshake import PART_BYTES
from tests.doubles.tcp_server import tcp_server
from tests.e2e.watched import HOST, is_listening, wait_for
from tests.ports import free_port
from tests.project import ROOT
from tests.rtmp_client import GREETING, Client, publish

PATIENCE_S = 40.0
DESCRIPTORS = 160
PLACES = DESCRIPTORS - OWN_DESCRIPTORS


@dataclass(frozen=True, slots=True)
class Process:
    """One relay, and its port."""

    child: subprocess.Popen[bytes]
    configuration: Configuration

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.configuration.rtmp_port

    async def answers(self) -> bool:
        """Whether it tells its statistics."""
        path = self.configuration.statistics
        page = LocalPage("the page", "/", lambda: asyncio.open_unix_connection(path))
        return bool(await page.read())


@contextmanager
def relay(folder: Path, hooks_port: int = 1, descriptors: int = 1024) -> Iterator[Process]:
    """An ingest that listens. Nobody reads what it writes."""
    configuration = Configuration(
        bind_address=HOST,
        rtmp_port=free_port(),
        stream_id="",
        upstream_url="",
        upstream_ip="",
        hooks=f"http://{HOST}:{hooks_port}",
        statistics=str(folder / "statistics.sock"),
        flush_ms=45,
    )
    file = folder / "restream.json"
    file.write_text(configuration.to_json())
    limited = ["prlimit", f"--nofile={descriptors}"]
    child = subprocess.Popen(
        [*limited, sys.executable, "-m", "agent.relay.restream", str(file)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'node_image'}:{ROOT}"},
        stderr=subprocess.PIPE,
    )
    try:
        wait_for("a relay", partial(is_listening, configuration.rtmp_port), lambda: str(child.args))
        yield Process(child, configuration)
    finally:
        child.kill()
        child.communicate()


@asynccontextmanager
async def greeted(port: int, source: str) -> AsyncIterator[Client]:
    """A connection from another address of this machine. EOFError if it is turned away."""
    client = Client(*await asyncio.open_connection(HOST, port, local_addr=(source, 0)))
    async with client:
        client.writer.write(GREETING)
        await client.reader.readexactly(len(GREETING))
        yield client


async def is_open(port: int) -> bool:
    """To one more."""
    try:
        async with greeted(port, "127.0.99.1"):
            return True
    except (OSError, EOFError):
        return False


async def test_a_relay_whose_lines_nobody_reads_goes_on(tmp_path: Path) -> None:
    """Its agent may be stopped, and its container's log be full: a stranger can fill the pipe."""
    with relay(tmp_path) as one:
        end = os.open(f"/proc/{one.child.pid}/fd/2", os.O_WRONLY | os.O_NONBLOCK)
        with os.fdopen(end, "wb", buffering=0) as pipe:
            while pipe.write(bytes(4_096)) is not None:
                pass
        async with greeted(one.port, HOST) as stranger:
            stranger.writer.write(b"\xff" * PART_BYTES)
            await stranger.until_closed()  # the first of a kind is a line
        assert await one.answers()


async def test_a_relay_without_descriptors_is_open_again_when_it_has_some(tmp_path: Path) -> None:
    """Its places are taken by publishers whose questions its agent does not answer."""

    async def hold(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(1_024):
            pass

    async with tcp_server(hold) as port:
        with relay(tmp_path, port, DESCRIPTORS) as one:
            async with AsyncExitStack() as stack:
                for number in range(PLACES):
                    source = f"127.0.{1 + number // 8}.1"
                    stranger = await stack.enter_async_context(greeted(one.port, source))
                    stranger.ask(publish(f"s{number}"))
                assert not await is_open(one.port)
                await stack.pop_all().aclose()
                async with asyncio.timeout(PATIENCE_S):
                    while not await is_open(one.port):  # noqa: ASYNC110 -- nobody tells a stranger
                        await asyncio.sleep(0.1)
            assert await one.answers()
