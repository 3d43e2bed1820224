"""What a check costs (`make bench-checks`), everything included, and how many one machine makes.

Real: Checker, both readers, Reference, proof. The ingest and all nodes are one recording that is
live for ever, in a process of its own: `SECONDS=600 RATE=12 make bench-checks`.
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.report import ROOT, Figure, NotMeasurableError, hand_in
from coordinator.adapters.log import Log
from coordinator.adapters.media.play_connection import Room
from coordinator.adapters.media.rtmp_reader import RtmpReader
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lottery import Lottery
from coordinator.proof.captures import CapturePlan
from coordinator.proof.judging import ProofParameters
from coordinator.sweeping.rosters import Slot
from emulator.unread import quiet_when_unread
from prober.capacity import Capacity
from prober.captor import captor_of
from prober.checker import Checker
from prober.draws import Due
from rtmp.addresses import RtmpAddress
from tests.integration.hostile_servers import KINDS, serving
from tests.integration.hostile_streams import READER_KINDS

HOST, STREAM = "127.0.0.1", "show"
SECONDS = float(os.environ.get("SECONDS", "600"))
RATE = float(os.environ.get("RATE", "12"))
COST_SECONDS, COST_RATE = min(60.0, SECONDS), 4.0
"""For the cost of one check: enough of them, and none waits for another."""
RECORDED_S = 70
"""Longer than a check looks back, so that no packet comes twice in it."""
WARM_S = 30.0
RUN_S = 60.0
HOSTILE_ROOM = Room(3_000_000, 5_000)
STREAMS = {
    0.6: ("testsrc2=s=640x360:r=15,noise=alls=6:allf=t", "30", "500k"),
    4.0: ("testsrc2=s=1280x720:r=30,noise=alls=20:allf=t", "60", "3900k"),
}
GOALS_S = {0.6: "<= 0.03", 4.0: "<= 0.08"}


@dataclass
class ChecksMade:
    """What so many seconds of checks came to."""

    checks: list[Check] = field(default_factory=list)
    cpu_s: float = 0.0
    wall_s: float = 0.0

    @property
    def each_s(self) -> float:
        """CPU seconds of one check."""
        return self.cpu_s / max(1, len(self.checks))

    def count(self, verdict: Verdict) -> int:
        """Checks that ended so."""
        return sum(check.verdict is verdict for check in self.checks)


def recorded(folder: Path, megabits: float) -> Path:
    """A minute of a noisy picture and a tone."""
    picture, gop, rate = STREAMS[megabits]
    path = folder / f"{megabits}.flv"
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
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env) as process:
        try:
            port = process.stdout.readline() if process.stdout else ""
            if not port.strip():
                raise NotMeasurableError("the source did not start")
            yield RtmpAddress(HOST, int(port), "live", STREAM)
        finally:
            process.kill()


@asynccontextmanager
async def listening(address: RtmpAddress) -> AsyncIterator[Reference]:
    """A reference that has seen a window."""
    reference = Reference(address, now=time.time)
    reference.start()
    try:
        await asyncio.sleep(WARM_S)
        if not reference.is_live(time.time()):
            raise NotMeasurableError("nothing is live")
        yield reference
    finally:
        await reference.close()


def cpu_s() -> float:
    """Of this process and of the children that it has collected."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


async def round_of(reference: Reference, rate: float, seconds: float) -> ChecksMade:
    """Checks begun at an even rate, each as the lottery would draw it."""
    checker = Checker(
        captor_of(time.time),
        HttpClient(Guard(allow_private=True)),
        ProofParameters(),
        time.time,
        asyncio.sleep,
        Log("prober", "ERROR"),
        Capacity(1e6),
    )
    lottery, done = Lottery(b"bench" * 7, 60, 4), ChecksMade()
    slot = Slot("n1", STREAM, "http://127.0.0.1/", HOST, reference.address.port, 0, 0.0)
    ingest = checker.ingest_checks()
    began_cpu_s, began_s, run_s = cpu_s(), time.monotonic(), -RUN_S
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in range(round(rate * seconds)):
            name = f"n{number}"
            due = Due(
                slot,
                time.time(),
                lottery.length(name, number),
                is_by_ffprobe=lottery.is_by_ffprobe(name, number),
                is_decoded=lottery.is_decoded(name, number),
                spans_s=lottery.spans_s(name, number),
                retest_after_s=lottery.retest_after_s(name, number),
            )
            if number / rate - run_s >= RUN_S:
                ingest, run_s = checker.ingest_checks(), number / rate
                drawn = Due(slot, time.time(), is_by_ffprobe=True)
                ingest.begin([drawn], {STREAM: reference})
            tasks.append(group.create_task(checker.check(due, 0, reference, ingest)))
            await asyncio.sleep(max(0.0, began_s + (number + 1) / rate - time.monotonic()))
    done.checks = [task.result() for task in tasks]
    done.cpu_s, done.wall_s = cpu_s() - began_cpu_s, time.monotonic() - began_s
    return done


async def hostile() -> list[Figure]:
    """The most CPU that any hostile server takes, one after the other."""
    reader, dearest = RtmpReader(now=time.time), (0.0, "")
    kinds = {**KINDS, **READER_KINDS}
    for name, kind in kinds.items():
        async with serving(kind, 9) as port:
            address = RtmpAddress(HOST, port, "live", STREAM)
            capture = await reader.capture(address, CapturePlan(1.0), allowed=lambda: HOSTILE_ROOM)
        dearest = max(dearest, (capture.cpu_s, name))
    return [Figure(f"dearest of {len(kinds)} hostile servers: CPU", dearest[0], "s", "<= 0.1")]


async def measure(folder: Path) -> list[Figure]:
    """Everything, the stream of 4 Mbit/s last."""
    figures = await hostile()
    for megabits in STREAMS:
        with source(recorded(folder, megabits)) as address:
            async with listening(address) as reference:
                one = await round_of(reference, COST_RATE, COST_SECONDS)
                figures += rows(f"{megabits} Mbit/s", one, GOALS_S[megabits])
                if megabits == max(STREAMS):
                    many = await round_of(reference, RATE, SECONDS)
                    name = f"{RATE:g} checks a second for {SECONDS:g} s"
                    figures.append(Figure(f"{name}: cores", many.cpu_s / many.wall_s, "", "<= 1.4"))
                    figures += verdicts(name, many)
    return figures


def rows(name: str, one: ChecksMade, goal_s: str) -> list[Figure]:
    """What a check of a stream costs."""
    return [Figure(f"a check at {name}: CPU", one.each_s, "s", goal_s), *verdicts(name, one)]


def verdicts(name: str, done: ChecksMade) -> list[Figure]:
    """No honest failure, and who read."""
    reasons = Counter(c.reason.value for c in done.checks if c.verdict is not Verdict.PASS)
    if reasons:
        print(name, dict(reasons))
    readers = Counter(check.attempts[-1]["reader"] for check in done.checks if check.attempts)
    return [
        Figure(f"{name}: checks", len(done.checks), ""),
        Figure(f"{name}: failed", done.count(Verdict.FAIL), "", "<= 0"),
        Figure(f"{name}: unknown", done.count(Verdict.UNKNOWN), ""),
        Figure(f"{name}: made by ffprobe", readers["ffprobe"], ""),
    ]


def main() -> int:
    """Measures, and hands in."""
    with tempfile.TemporaryDirectory() as folder:
        hand_in("bench-checks", asyncio.run(measure(Path(folder))))
    return 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
