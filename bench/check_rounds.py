"""Checks of one stream, begun at an even rate, each as the lottery would draw it."""

import asyncio
import resource
import time
from dataclasses import dataclass, field

from bench.real_checker import real_checker
from bench.report import say
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.lottery import Lottery
from coordinator.sweeping.rosters import Slot
from prober.checker import Checker
from prober.draws import Due
from prober.ingest_checks import IngestChecks

STREAM = "show"
RUN_S = 60.0
"""As long as a run of the prober: then the ingest is captured and decoded anew."""
TOLD_EVERY_S = 5.0


@dataclass
class ChecksMade:
    """What so many seconds of checks came to."""

    checks: list[Check] = field(default_factory=list)
    own_cpu_s: float = 0.0
    """Of this process."""
    tools_cpu_s: float = 0.0
    """Of ffmpeg and ffprobe."""
    begun_in_s: float = 0.0
    """How long it took until the last was begun."""

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all of it."""
        return self.own_cpu_s + self.tools_cpu_s

    def each(self, seconds: float) -> float:
        """Seconds of all checks as those of one."""
        return seconds / max(1, len(self.checks))

    @property
    def cores(self) -> float:
        """What goes on at that rate for ever keeps so many processors busy: each check counts
        whole, also where it ends after the last was begun."""
        return self.cpu_s / self.begun_in_s

    def count(self, verdict: Verdict) -> int:
        """Checks that ended so."""
        return sum(check.verdict is verdict for check in self.checks)


@dataclass
class CheckRound:
    """A prober's work on one stream, whose node is the ingest itself."""

    name: str
    reference: Reference
    listens: float
    """The share of a processor that the reference takes, whoever is checked."""
    rate: float
    seconds: float
    checker: Checker = field(default_factory=real_checker)
    lottery: Lottery = field(default_factory=lambda: Lottery(b"bench" * 7, 60, 4))

    async def made(self) -> ChecksMade:
        """All of them, to their ends."""
        made = ChecksMade()
        ingest, run_s = self.checker.ingest_checks(), -RUN_S
        own_s, tools_s, began_s = own_cpu_s(), _tools_s(), time.monotonic()
        async with asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[Check]] = []
            telling = group.create_task(self._tell(tasks))
            for number in range(round(self.rate * self.seconds)):
                if number / self.rate - run_s >= RUN_S:
                    ingest, run_s = self._run(), number / self.rate
                check = self.checker.check(self._due(number), 0, self.reference, ingest)
                tasks.append(group.create_task(check))
                due_s = began_s + (number + 1) / self.rate
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            made.begun_in_s = time.monotonic() - began_s
            made.checks = list(await asyncio.gather(*tasks))
            telling.cancel()
        made.own_cpu_s, made.tools_cpu_s = own_cpu_s() - own_s, _tools_s() - tools_s
        # The last checks are very long: while they end, the reference is of no check that begins.
        rest_s = time.monotonic() - began_s - made.begun_in_s
        made.own_cpu_s -= self.listens * rest_s
        return made

    def _run(self) -> IngestChecks:
        """A new one begins."""
        ingest = self.checker.ingest_checks()
        ingest.begin([Due(self._slot, time.time(), is_by_ffprobe=True)], {STREAM: self.reference})
        return ingest

    @property
    def _slot(self) -> Slot:
        address = self.reference.address
        return Slot("n1", STREAM, "http://127.0.0.1/", address.host, address.port, 0, 0.0)

    def _due(self, number: int) -> Due:
        name, lottery = f"n{number}", self.lottery
        return Due(
            self._slot,
            time.time(),
            lottery.length(name, number),
            is_by_ffprobe=lottery.is_by_ffprobe(name, number),
            is_decoded=lottery.is_decoded(name, number),
            spans_s=lottery.spans_s(name, number),
            retest_after_s=lottery.retest_after_s(name, number),
        )

    async def _tell(self, tasks: list[asyncio.Task[Check]]) -> None:
        """How far it is, until it is cancelled; the last ones are very long."""
        while True:
            await asyncio.sleep(TOLD_EVERY_S)
            over = [task.result() for task in tasks if task.done() and not task.cancelled()]
            failed = sum(check.verdict is not Verdict.PASS for check in over)
            wanted = round(self.rate * self.seconds)
            say(f"{self.name}: {len(over)} of {wanted} checks over, {failed} did not pass")


def own_cpu_s() -> float:
    """CPU seconds of this process, children aside."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _tools_s() -> float:
    """Of the children that were collected."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
