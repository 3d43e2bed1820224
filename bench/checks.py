"""What a check costs (`make bench-checks`), everything included, and how many one machine makes.

Real: Checker, both readers, Reference, proof. The ingest and all nodes are one recording that is
live for ever, in a process of its own: `SECONDS=600 RATE=12 make bench-checks`. The event loop is
uvloop, as where the prober runs (`functions/prober/requirements.in`).
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvloop

from bench.check_rounds import STREAM, CheckRound, ChecksMade, own_cpu_s
from bench.report import ROOT, Figure, NotMeasurableError, hand_in, say
from coordinator.adapters.media.play_connection import Room
from coordinator.adapters.media.rtmp_reader import RtmpReader
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.checking.checks import Verdict
from coordinator.proof.captures import CapturePlan
from emulator.unread import quiet_when_unread
from rtmp.addresses import RtmpAddress
from tests.integration.hostile_servers import KINDS, serving
from tests.integration.hostile_streams import READER_KINDS

HOST = "127.0.0.1"
SECONDS = float(os.environ.get("SECONDS", "600"))
RATE = float(os.environ.get("RATE", "12"))
COST_SECONDS, COST_RATE = min(60.0, SECONDS), 4.0
"""For the cost of one check: enough of them, and none waits for another."""
NETWORK_RATE = 12.0
"""As many a second as 10,000 nodes have: to read the reference, and to start ffmpeg, is divided by
more of them."""
COST_RATES = {0.6: (COST_RATE, NETWORK_RATE), 4.0: (COST_RATE,)}
RECORDED_S = 70
"""Longer than a check looks back, so that no packet comes twice in it."""
WARM_S = 30.0
HOSTILE_S = 1.0
INTERRUPTED = 130
"""The exit code of whoever Ctrl-C ended, as shells know it."""
HOSTILE_ROOM = Room(3_000_000, 5_000)
STREAMS = {
    0.6: ("testsrc2=s=640x360:r=15,noise=alls=6:allf=t", "30", "500k"),
    4.0: ("testsrc2=s=1280x720:r=30,noise=alls=20:allf=t", "60", "3900k"),
}
GOALS_S = {0.6: "<= 0.03", 4.0: "<= 0.08"}


def recorded(folder: Path, megabits: float) -> Path:
    """A minute of a noisy picture and a tone."""
    picture, gop, rate = STREAMS[megabits]
    path = folder / f"{megabits}.flv"
    say(f"recording {RECORDED_S} s at {megabits} Mbit/s")
    argv = [
        *("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi"),
        *("-i", "anoisesrc=a=0.1", "-c:v", "libx264", "-preset", "ultrafast", "-g", gop),
        *("-pix_fmt", "yuv420p", "-b:v", rate, "-maxrate", rate, "-bufsize", rate),
        *("-c:a", "aac", "-b:a", "64k", "-t", str(RECORDED_S), str(path)),
    ]
    subprocess.run(argv, check=True)
    return path


@contextmanager
def source(path: Path) -> Iterator[RtmpAddress]:
    """The recording, live."""
    argv = (sys.executable, "-m", "bench.checks_source", str(path))
    paths = f"{ROOT}{os.pathsep}{ROOT / 'functions'}{os.pathsep}{ROOT / 'node_image'}"
    env = {**os.environ, "PYTHONPATH": paths}
    # A session of its own: Ctrl-C is for us, and we end it.
    piped = subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env, start_new_session=True
    )
    with piped as process:
        try:
            port = process.stdout.readline() if process.stdout else ""
            if not port.strip():
                raise NotMeasurableError("the source did not start")
            yield RtmpAddress(HOST, int(port), "live", STREAM)
        finally:
            process.kill()


@asynccontextmanager
async def listening(address: RtmpAddress) -> AsyncIterator[tuple[Reference, float]]:
    """A reference that has seen a window, and the share of a processor that it takes by itself."""
    reference = Reference(address, now=time.time)
    reference.start()
    say(f"listening to the ingest for {WARM_S:.0f} s")
    before_s = own_cpu_s()
    try:
        await asyncio.sleep(WARM_S)
        if not reference.is_live(time.time()):
            raise NotMeasurableError("nothing is live")
        yield reference, (own_cpu_s() - before_s) / WARM_S
    finally:
        await reference.close()


async def hostile() -> list[Figure]:
    """The most CPU that any hostile server takes, one after the other."""
    reader, dearest = RtmpReader(now=time.time), (0.0, "")
    kinds = {**KINDS, **READER_KINDS}
    say(f"{len(kinds)} hostile servers, about {len(kinds) * HOSTILE_S:.0f} s")
    for name, kind in kinds.items():
        async with serving(kind, 9) as port:
            address, plan = RtmpAddress(HOST, port, "live", STREAM), CapturePlan(HOSTILE_S)
            capture = await reader.capture(address, plan, allowed=lambda: HOSTILE_ROOM)
        dearest = max(dearest, (capture.cpu_s, name))
    return [Figure(f"dearest of {len(kinds)} hostile servers: CPU", dearest[0], "s", "<= 0.1")]


async def measure(recordings: dict[float, Path]) -> list[Figure]:
    """Everything, the stream of 4 Mbit/s last."""
    figures = await hostile()
    for megabits, path in recordings.items():
        name = f"{megabits} Mbit/s"
        with source(path) as address:
            async with listening(address) as listened:
                for rate in COST_RATES[megabits]:
                    one = await CheckRound(name, *listened, rate, COST_SECONDS).made()
                    says = f"{name}, {rate:g} a second"
                    goal_s = GOALS_S[megabits] if rate == COST_RATE else ""
                    figures += [*costs(says, one, goal_s), *verdicts(says, one)]
                if megabits == max(STREAMS):
                    name = f"{RATE:g} checks a second for {SECONDS:g} s"
                    many = await CheckRound(name, *listened, RATE, SECONDS).made()
                    figures.append(Figure(f"{name}: cores", many.cores, "", "<= 1.4"))
                    figures += verdicts(name, many)
    return figures


def costs(name: str, made: ChecksMade, goal_s: str) -> list[Figure]:
    """What a check of a stream costs."""
    tools_s = made.each(made.tools_cpu_s)
    return [
        Figure(f"a check at {name}: CPU", made.each(made.cpu_s), "s", goal_s),
        Figure(f"a check at {name}: of that, ffmpeg and ffprobe", tools_s, "s"),
    ]


def verdicts(name: str, made: ChecksMade) -> list[Figure]:
    """No honest failure, and who read."""
    reasons = Counter(c.reason.value for c in made.checks if c.verdict is not Verdict.PASS)
    if reasons:
        say(f"{name}: {dict(reasons)}")
    readers = Counter(check.attempts[-1]["reader"] for check in made.checks if check.attempts)
    return [
        Figure(f"{name}: checks", len(made.checks), ""),
        Figure(f"{name}: failed", made.count(Verdict.FAIL), "", "<= 0"),
        Figure(f"{name}: passed at the second attempt", made.count(Verdict.DEGRADED), "", "<= 0"),
        Figure(f"{name}: unknown", made.count(Verdict.UNKNOWN), ""),
        Figure(f"{name}: made by ffprobe", readers["ffprobe"], ""),
    ]


def main() -> int:
    """Measures, and hands in; Ctrl-C ends it with nothing handed in."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            recordings = {megabits: recorded(Path(folder), megabits) for megabits in STREAMS}
            hand_in("bench-checks", uvloop.run(measure(recordings)))
    except KeyboardInterrupt:
        say("stopped: nothing is handed in")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
