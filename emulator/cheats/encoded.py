"""A node that pulls the stream and serves less of it, or something made from it.

Run as `python -m emulator.cheats.encoded KIND`: `picture` encodes the picture anew at its own
rate, `half` at half of it, `audio` leaves the picture out, `thinned` drops every second frame
that is no keyframe, `silent` has silence in place of the sound, `stream` pulls another stream of
the same ingest.
"""

import os
import sys

from emulator import publisher
from emulator.cheats.false_claims import CheatError, Setup, run
from emulator.cheats.serving import ingest_url, pretend, public


def _x264(kbit: int) -> tuple[str, ...]:
    rate = f"{kbit}k"
    gop = str(publisher.FRAME_RATE * publisher.KEYFRAME_SECONDS)
    return (
        *("-c:a", "copy", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"),
        *("-threads", "1", "-g", gop, "-b:v", rate, "-maxrate", rate, "-bufsize", rate),
    )


OPTIONS = {
    "picture": _x264(publisher.VIDEO_KBIT),
    "half": _x264(publisher.VIDEO_KBIT // 2),
    "audio": ("-map", "0:a", "-c", "copy"),
    "thinned": ("-c", "copy", "-bsf:v", r"noise=drop=mod(n\,2)*not(key)"),
    "stream": ("-c", "copy"),
    "silent": (
        *("-f", "lavfi", "-i", "anullsrc=sample_rate=44100:channel_layout=mono"),
        *("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "64k"),
    ),
}


async def encoded() -> None:
    """Serves it until killed. Raises CheatError."""
    setup, kind = Setup.from_env(os.environ), sys.argv[1]
    url = await ingest_url(setup)
    if kind == "stream":
        url = f"{url.rpartition('/')[0]}/{await _another(setup)}"
    await pretend(setup, ("-i", url, *OPTIONS[kind]))


async def _another(setup: Setup) -> str:
    streams = (await public(setup, "/streams"))["streams"]
    others = [s["stream_id"] for s in streams if s["stream_id"] != setup.stream_id]
    if not others:
        raise CheatError("there is only one stream, so there is no wrong one to serve")
    return str(others[0])


if __name__ == "__main__":
    run(encoded)
