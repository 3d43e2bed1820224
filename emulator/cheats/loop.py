"""A node that serves a recording of the stream, over and over, and saves itself the download.

Run as `python -m emulator.cheats.loop`. Every packet it serves was once the ingest's; none is now.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from emulator.cheats.claims import REQUEST_SECONDS_MAX, CheatError, Claims, Setup, run

RECORDING_SECONDS = 20
RECORDING_SECONDS_MAX = RECORDING_SECONDS * 3
_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
_FFMPEG = ("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats")

# One process, so that it dies as a whole; publishing is for the loop itself.
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
            allow publish 127.0.0.1;
            deny publish all;
        }}
    }}
}}
"""


async def loop() -> None:
    """Records, then serves the loop and claims to be healthy. Raises CheatError."""
    setup = Setup.from_env(os.environ)
    with tempfile.TemporaryDirectory(
        prefix="loop-", dir=os.environ.get("WORK_DIR") or None
    ) as folder:
        recording = Path(folder) / "recording.flv"
        await _record(await _ingest_url(setup), recording)
        print("recorded; serving the loop", flush=True)
        await asyncio.gather(  # the first to fail ends the program
            _serve(setup, Path(folder)),
            _replay(setup, recording),
            Claims(setup, time.time()).run(),
        )


async def _ingest_url(setup: Setup) -> str:
    async with httpx.AsyncClient(timeout=REQUEST_SECONDS_MAX, trust_env=False) as http:
        try:
            answer = await http.get(f"{setup.coordinator_url}/streams/{setup.stream_id}")
            return str(answer.raise_for_status().json()["ingest_url"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise CheatError(f"the stream's address is not to be had: {error!r}") from error


async def _record(url: str, recording: Path) -> None:
    """Takes some of the live stream, like any viewer."""
    ffmpeg = await asyncio.create_subprocess_exec(
        *(*_FFMPEG, "-i", url, "-c", "copy", "-t", str(RECORDING_SECONDS), "-y", str(recording))
    )
    async with asyncio.timeout(RECORDING_SECONDS_MAX):
        if status := await ffmpeg.wait():
            raise CheatError(f"the stream could not be recorded: ffmpeg ended with {status}")


async def _serve(setup: Setup, folder: Path) -> None:
    """The RTMP server; only ever ends with an error."""
    conf = folder / "nginx.conf"
    conf.write_text(
        _NGINX_CONF.format(
            module=_MODULE, folder=folder, address=setup.bind_address, port=setup.rtmp_port
        )
    )
    environ = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"}
    nginx = ("nginx", "-p", f"{folder}/", "-c", str(conf), "-e", "stderr")
    await _for_ever(nginx, environ)


async def _replay(setup: Setup, recording: Path) -> None:
    """Publishes the recording to the server, at its own pace, without end."""
    await _listening(setup.rtmp_port)
    url = f"rtmp://127.0.0.1:{setup.rtmp_port}/live/{setup.stream_id}"
    replay = ("-re", "-stream_loop", "-1", "-i", str(recording), "-c", "copy", "-f", "flv", url)
    await _for_ever((*_FFMPEG, *replay), os.environ)


async def _listening(port: int) -> None:
    """Waits until the port accepts connections; the caller's server ends everything if it dies."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return


async def _for_ever(argv: tuple[str, ...], environ: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(*argv, env=environ)
    raise CheatError(f"{argv[0]} ended with {await process.wait()}")


if __name__ == "__main__":
    run(loop)
