"""Real players at a node of restream: each finds the picture and the sound, byte for byte."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.coordinator_stand_in import STREAM_ID
from tests.e2e.ffmpeg import probe, publisher
from tests.e2e.heard import bodies, hearing, is_heard_in, of_file
from tests.e2e.watched import Watched, running, wait_for
from tests.integration.relays import Relays, relays_in

PLAY_S_MAX = 90
RECORDED_BYTES_MIN = 150_000
"""Of a recorder that goes on: some seconds."""
HEADLESS = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "HOME": "/tmp"}


@pytest.fixture(scope="module")
def relays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relays]:
    """ffmpeg publishes all the time."""
    with (
        relays_in(tmp_path_factory.mktemp("relays")) as relays,
        running(publisher(relays.ingest.rtmp_port)),
    ):
        relays.node.wait_state("live")
        yield relays
        assert relays.crashes() == []


@pytest.fixture
def url(relays: Relays) -> str:
    """The stream at the node."""
    return relays.address("node").url


def run(command: Sequence[str], expected: Sequence[int] = (0,)) -> str:
    """What a player says, who has to end by itself."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, **HEADLESS},
        timeout=PLAY_S_MAX,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode in expected, said
    return said


def _has_said(player: Watched, text: str) -> bool:
    return text in player.output


def test_ffprobe(relays: Relays) -> None:
    found = probe(relays.node.rtmp_port)
    assert found.keys() == {"h264", "aac"}
    assert (found["h264"]["width"], found["h264"]["height"]) == (640, 360)
    assert int(found["h264"]["nb_read_packets"]) > 30


def test_ffplay(url: str) -> None:
    """It goes on until it is stopped; the last line counts both clocks."""
    command = ["ffplay", "-v", "verbose", "-stats", url]
    with running(Watched(command, {**os.environ, **HEADLESS})) as player:
        for said in ("Video: h264", "Audio: aac", "A-V:"):
            wait_for(said, partial(_has_said, player, said), lambda: player.output)


def test_mpv(url: str) -> None:
    said = run(["mpv", "--no-config", "--vo=null", "--ao=null", "--length=2", url])
    assert "VO: [null] 640x360" in said
    assert "AO: [null] 44100Hz" in said


def test_vlc(url: str, tmp_path: Path) -> None:
    """It does not run as root; what it writes is what it got."""
    tmp_path.chmod(0o777)
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    file = tmp_path / "heard.ts"
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    keep = f"#std{{access=file,mux=ts,dst={file}}}"
    vlc = ["cvlc", "-q", "--no-lua", "--sout", keep, "--run-time=3", url, "vlc://quit"]
    run([*(nobody if os.geteuid() == 0 else []), *vlc])
    said = run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", str(file)])
    assert {"codec_name=h264", "codec_name=aac"} <= set(said.split())


RECORDERS: dict[str, Callable[[str, Path], list[str]]] = {
    "gstreamer-rtmpsrc": lambda url, file: [
        *("gst-launch-1.0", "-q", "rtmpsrc", f"location={url} live=1", "num-buffers=150"),
        *("!", "filesink", f"location={file}"),
    ],
    "gstreamer-rtmp2src": lambda url, file: [
        *("gst-launch-1.0", "-q", "rtmp2src", f"location={url}", "num-buffers=150"),
        *("!", "filesink", f"location={file}"),
    ],
}


def _rtmpdump(url: str, file: Path) -> None:
    """It takes a time to stop at from the stream's own beginning, so it is stopped by its size."""
    with running(Watched(["rtmpdump", "-q", "-v", "-r", url, "-o", str(file)])) as dump:
        wait_for("a recording", partial(_is_recorded, file), lambda: dump.output)


def _is_recorded(file: Path) -> bool:
    return file.exists() and file.stat().st_size >= RECORDED_BYTES_MIN


@pytest.mark.parametrize("name", [*RECORDERS, "rtmpdump"])
def test_what_it_writes_is_what_the_ingest_serves(
    name: str, url: str, relays: Relays, tmp_path: Path
) -> None:
    """Byte for byte, and without a gap."""
    file = tmp_path / "heard.flv"

    async def is_the_same() -> bool:
        async with hearing(relays.address("ingest")) as at_ingest:
            if name == "rtmpdump":
                await asyncio.to_thread(_rtmpdump, url, file)
            else:
                await asyncio.to_thread(run, RECORDERS[name](url, file))
            part = bodies(of_file(file))
            assert len(part) > 60
            return await is_heard_in(part, at_ingest)

    assert asyncio.run(is_the_same())


def test_the_node_verifies_what_it_relays(relays: Relays) -> None:
    """While all of these play: by the key that the ingest told when the publisher came."""
    marks = relays.node.stats()["stream"]["marks"]
    assert marks == {"state": "verified", "left": {}}
    assert relays.ingest.stats()["stream"]["marks"] is None


def test_the_stream_has_its_name(relays: Relays) -> None:
    """A player of another name is told that there is none."""
    said = run(["ffprobe", "-v", "error", relays.address("node", f"{STREAM_ID}x").url], (1,))
    assert "No such stream is relayed here" in said
