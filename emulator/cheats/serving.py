"""The parts that most cheats are made of: an RTMP server, what is published to it, addresses.

The server is nginx with its RTMP module, as an honest relay's may be; ffmpeg publishes to it.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from emulator.cheats.false_claims import REQUEST_SECONDS_MAX, CheatError, FalseClaims, Setup

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
FFMPEG = ("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats")
LISTENING_SECONDS_MAX = 20.0

# One process, so that it dies as a whole; publishing is for the cheat itself.
_NGINX_CONF = """\
load_module {module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
rtmp {{
    access_log off;
    server {{
        listen {address}:{port};
        application live {{
            live on;
            idle_streams off;
            allow publish 127.0.0.1;
            deny publish all;
        }}
    }}
}}
"""


async def public(setup: Setup, path: str) -> Any:
    """What the coordinator tells everybody at `path`. Raises CheatError."""
    async with httpx.AsyncClient(timeout=REQUEST_SECONDS_MAX, trust_env=False) as http:
        try:
            answer = await http.get(f"{setup.coordinator_url}{path}")
            return answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise CheatError(f"{path} is not to be had: {error!r}") from error


async def ingest_url(setup: Setup) -> str:
    """Where the stream is pulled from, `rtmp://host:port/live/name`. Raises CheatError."""
    try:
        return str((await public(setup, f"/streams/{setup.stream_id}"))["ingest_url"])
    except (KeyError, TypeError) as error:
        raise CheatError("the stream has no ingest_url") from error


def address_of(url: str) -> tuple[str, int]:
    """Host and port of an RTMP URL."""
    parsed = httpx.URL(url)
    return parsed.host, parsed.port or 1935


@asynccontextmanager
async def scratch(setup: Setup) -> AsyncIterator[Path]:
    """A folder for one cheat's files, removed at the end."""
    with tempfile.TemporaryDirectory(prefix=f"cheat-{setup.rtmp_port}-") as folder:
        yield Path(folder)


async def pretend(setup: Setup, feed: Sequence[str]) -> None:
    """Serves what ffmpeg with the arguments `feed` makes, and claims to be healthy.

    Until killed; the first part to end ends it all with CheatError."""
    async with scratch(setup) as folder:
        await asyncio.gather(
            serve(setup, folder), publish(setup, feed), FalseClaims(setup, time.time()).run()
        )


async def serve(setup: Setup, folder: Path) -> None:
    """The RTMP server; only ever ends with CheatError."""
    conf = folder / "nginx.conf"
    conf.write_text(
        _NGINX_CONF.format(
            module=MODULE, folder=folder, address=setup.bind_address, port=setup.rtmp_port
        )
    )
    environ = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"}
    await _for_ever(("nginx", "-p", f"{folder}/", "-c", str(conf), "-e", "stderr"), environ)


async def publish(setup: Setup, feed: Sequence[str]) -> None:
    """Publishes to the cheat's own server for ever; only ever ends with CheatError."""
    url = await own_url(setup)
    await _for_ever((*FFMPEG, *feed, "-f", "flv", url), os.environ)


async def own_url(setup: Setup) -> str:
    """Where the cheat publishes to itself, as soon as something listens there."""
    async with asyncio.timeout(LISTENING_SECONDS_MAX):
        while not await _listens(setup.rtmp_port):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
    return f"rtmp://127.0.0.1:{setup.rtmp_port}/live/{setup.stream_id}"


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _for_ever(argv: tuple[str, ...], environ: Mapping[str, str]) -> None:
    async with child(*argv, env=environ) as process:
        raise CheatError(f"{argv[0]} ended with {await process.wait()}")


@asynccontextmanager
async def child(*argv: str, **options: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that ends with the block; `options` as for asyncio's subprocesses."""
    process = await asyncio.create_subprocess_exec(*argv, **options)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
