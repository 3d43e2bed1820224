"""Real publishers at an ingest of restream: what they send comes out of a node, byte for byte."""

import asyncio
import os
import sys
from collections.abc import Iterator

import pytest

from tests.e2e.coordinator_stand_in import STREAM_KEY
from tests.e2e.heard import bodies, codecs, hear, hearing, is_heard_in
from tests.e2e.watched import ROOT, Watched, running
from tests.integration.relays import Relays, relays_in

KEYED = f"?key={STREAM_KEY}"
PATIENCE_S = 60.0
FRAMES = 100
"""So many are compared: nearly two seconds of pictures and sounds."""
SOURCE = "video/x-raw,width=320,height=180,framerate=15/1"
H264, AAC = "avc1", "mp4a"


def _ffmpeg(url: str) -> list[str]:
    return [
        *(
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=320x180:r=15",
        ),
        *("-f", "lavfi", "-i", "sine", "-c:v", "libx264", "-preset", "ultrafast", "-g", "15"),
        *("-pix_fmt", "yuv420p", "-threads", "1", "-c:a", "aac", "-f", "flv", url),
    ]


def _gstreamer(*sink: str) -> list[str]:
    encode = ("x264enc", "tune=zerolatency", "speed-preset=ultrafast", "key-int-max=15")
    return [
        *("gst-launch-1.0", "-q", "videotestsrc", "is-live=true", "!", SOURCE, "!", *encode, "!"),
        *("flvmux", "streamable=true", "name=mux", "!", *sink),
        *("audiotestsrc", "is-live=true", "!", "voaacenc", "!", "aacparse", "!", "mux."),
    ]


def _pyav(url: str, video: str, audio: str) -> list[str]:
    return [sys.executable, "-m", "tests.e2e.enhanced_publisher", url, video, audio]


PUBLISHERS = {
    "ffmpeg": (_ffmpeg, {H264, AAC}),
    "gstreamer-rtmp2sink": (lambda url: _gstreamer("rtmp2sink", f"location={url}"), {H264, AAC}),
    "gstreamer-rtmpsink": (
        lambda url: _gstreamer("rtmpsink", f"location={url} live=1"),
        {H264, AAC},
    ),
    "hevc": (lambda url: _pyav(url, "libx265", "aac"), {"hvc1", AAC}),
    "av1-opus": (lambda url: _pyav(url, "libsvtav1", "libopus"), {"av01", "Opus"}),
    "vp9-opus": (lambda url: _pyav(url, "libvpx-vp9", "libopus"), {"vp09", "Opus"}),
}


@pytest.fixture(scope="module")
def relays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relays]:
    """Publishers come to it one after the other."""
    with relays_in(tmp_path_factory.mktemp("relays")) as relays:
        yield relays


async def _live(relays: Relays, expected: set[str], publisher: Watched) -> None:
    """Until the node serves what this publisher sends."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            assert publisher.process.poll() is None, publisher.output
            try:
                if codecs(await hear(relays.address("node"), 0.5)) == expected:
                    return
            except EOFError:  # the stream is not there yet
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("name", PUBLISHERS)
def test_what_it_sends_comes_out_of_a_node(name: str, relays: Relays) -> None:
    command, expected = PUBLISHERS[name]
    url = relays.address("ingest").url + KEYED

    async def is_the_same() -> bool:
        await _live(relays, expected, publisher)
        ends = relays.address("ingest"), relays.address("node")
        async with hearing(ends[0]) as at_ingest, hearing(ends[1]) as at_node:
            async with asyncio.timeout(PATIENCE_S):
                while len(bodies(at_node)) < FRAMES:  # noqa: ASYNC110 - media set no event
                    await asyncio.sleep(0.1)
            return await is_heard_in(bodies(at_node), at_ingest)

    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with running(Watched(command(url), environment)) as publisher:
        assert asyncio.run(is_the_same())
    assert relays.crashes() == []
