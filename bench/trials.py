"""Trials: real checks of real nodes by the prober's own code, counted one by one.

Real: Checker, both readers, Reference, proof, suspicion, the collector's judgement of statistics.
Left out: the lottery (a trial begins when there is room) and the store.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.directory import stats_url_of
from bench.stage import Stage, Subject
from coordinator.adapters.media.rtmp_reference import Reference
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.outbound.replies import Fetched
from coordinator.checking.checks import Check, TrustChange, Verdict
from coordinator.checking.lengths import VERY_LONG_S, Length, longer_of
from coordinator.checking.lottery import Lottery
from coordinator.checking.suspicion import NOBODY, TrustState, observe
from coordinator.reasons import Reason
from coordinator.strangers.addresses import parse_stats_url
from coordinator.strangers.relay_stats import StatsInvalid, parse_stats
from coordinator.sweeping.polls import OUTCOME_OF_FAILURE, Outcome, outcome_of
from coordinator.sweeping.rosters import Slot
from emulator.processes.ports import LOOPBACK
from prober.checker import Checker
from prober.draws import Due
from prober.ingest_checks import IngestChecks

POLL_EVERY_S = 25.0
RUN_S = 60.0
SECRET = b"trials, drawn as the lottery draws"


@dataclass
class Tally:
    """What the trials of one subject came to."""

    subject: Subject
    checks: list[Check] = field(default_factory=list)
    until_flagged: list[int] = field(default_factory=list)
    """Checks until each flag, the published rules starting over after it."""
    polls: Counter[Reason] = field(default_factory=Counter)
    polled_up: int = 0
    _state: TrustState = NOBODY
    _since_flag: int = 0

    def take(self, check: Check) -> None:
        """One more check, in the order in which they ended."""
        self.checks.append(check)
        self._since_flag += check.verdict.counts
        self._state, event = observe(self._state, check)
        if event is TrustChange.FLAGGED:
            self.until_flagged.append(self._since_flag)
            self._state, self._since_flag = NOBODY, 0

    def count(self, *verdicts: Verdict) -> int:
        """Checks that ended so."""
        return sum(check.verdict in verdicts for check in self.checks)

    @property
    def failed_length(self) -> Length:
        """What its next check lasts at least."""
        return self._state.failed_length

    @property
    def counted(self) -> int:
        """Checks that say something about the subject."""
        return sum(check.verdict.counts for check in self.checks)


@dataclass
class Trials:
    """Makes trials, at most `at_once` together."""

    stage: Stage
    checker: Checker
    references: Mapping[str, Reference]
    """By stream."""
    at_once: int
    rng: random.Random
    longest: Length = Length.VERY_LONG
    """No check is drawn to be longer."""
    lottery: Lottery = field(default_factory=lambda: Lottery(SECRET, 60, 4))
    """For lengths and readers alone: a trial begins when there is room."""
    _made: int = 0
    _checks: dict[str, tuple[int, IngestChecks]] = field(default_factory=dict)
    """Of each stream: those of its newest minute."""
    _decoded: set[str] = field(default_factory=set)
    """Subjects of which the second reader was given something."""

    async def run(
        self, wanted: Sequence[Subject], tallies: dict[str, Tally], told: Callable[[int], None]
    ) -> None:
        """One trial for each entry of `wanted`; `told` counts the ended.

        Very long ones are begun evenly from the beginning, and have places of their own: else they
        would hold everybody's for two minutes, and a run would end with nothing but them."""
        draws = [(subject, self._next_draw()) for subject in wanted]
        slow = [one for one in draws if self._length(*one) is Length.VERY_LONG]
        ended = 0

        async def trial(subject: Subject, draw: int, places: asyncio.Semaphore) -> None:
            nonlocal ended
            try:
                tally = tallies[subject.name]
                tally.take(await self.one(subject, draw, tally.failed_length))
            finally:
                places.release()
            ended += 1
            told(ended)

        async def all_of(some: Sequence[tuple[Subject, int]], pause_s: float) -> None:
            places = asyncio.Semaphore(self.at_once)
            async with asyncio.TaskGroup() as group:
                for subject, draw in some:
                    await places.acquire()
                    group.create_task(trial(subject, draw, places))
                    await asyncio.sleep(pause_s)

        async with asyncio.TaskGroup() as group:
            group.create_task(all_of(slow, VERY_LONG_S / self.at_once))
            group.create_task(all_of([one for one in draws if one not in set(slow)], 0.0))

    def _next_draw(self) -> int:
        self._made += 1
        return self._made

    def _length(self, subject: Subject, draw: int) -> Length:
        drawn = self.lottery.length(subject.name, draw)
        return min(drawn, self.longest, key=lambda one: one.at_least_s)

    async def one(self, subject: Subject, draw: int, at_least: Length = Length.SHORT) -> Check:
        """One check, begun now, its retests included; as long as one that failed before."""
        name, drawn = subject.name, self._length(subject, draw)
        is_first = name not in self._decoded and drawn is Length.SHORT
        if is_first:
            self._decoded.add(name)
        due = Due(
            slot_of(subject, name, f"http://{LOOPBACK}:{subject.stats_port}/stats.json"),
            time.time(),
            longer_of(drawn, at_least),
            is_by_ffprobe=self.lottery.is_by_ffprobe(name, draw) and not is_first,
            is_decoded=self.lottery.is_decoded(name, draw) or is_first,
            spans_s=self.lottery.spans_s(name, draw),
            retest_after_s=self.lottery.retest_after_s(name, draw),
        )
        reference = self.references[subject.stream]
        return await self.checker.check(due, 0, reference, self._ingest_checks(due, reference))

    def _ingest_checks(self, due: Due, reference: Reference) -> IngestChecks:
        """New ones each minute, as in the prober's runs."""
        due = replace(due, is_by_ffprobe=True)  # some will be, and each may be the first
        name, minute = due.slot.stream_id, int(time.time() // RUN_S)
        if name not in self._checks or self._checks[name][0] != minute:
            checks = self.checker.ingest_checks()
            checks.begin([due], {name: reference})
            self._checks[name] = minute, checks
        return self._checks[name][1]

    async def poll(self, client: PollClient, tallies: dict[str, Tally]) -> None:
        """Asks for everyone's statistics as the collector does, now and then, until cancelled."""
        while True:
            for node_id, beat in list(self.stage.directory.beats.items()):
                tally = self._tally_of(beat, tallies)
                if tally is not None:
                    slot = slot_of(tally.subject, node_id, stats_url_of(beat))
                    reason, is_up = await claim_of(client, slot)
                    tally.polls[reason] += 1
                    tally.polled_up += is_up
            await asyncio.sleep(POLL_EVERY_S)

    def _tally_of(self, beat: dict[str, object], tallies: dict[str, Tally]) -> Tally | None:
        if "stats_url" in beat:
            return tallies.get("borrowed-address")
        ports = {tally.subject.stats_port: tally for tally in tallies.values()}
        stats_port = beat["stats_port"]
        return ports.get(stats_port) if isinstance(stats_port, int) else None


def slot_of(subject: Subject, node_id: str, stats_url: str) -> Slot:
    """The subject's place on a roster."""
    at = subject.address
    return Slot(node_id, at.name, stats_url, at.host, at.port, 0, 0.0)


async def claim_of(client: PollClient, slot: Slot) -> tuple[Reason, bool]:
    """(what the collector says of a node's statistics, whether that counts as up)."""
    fetched = await client.get(parse_stats_url(slot.stats_url))
    if not isinstance(fetched, Fetched):
        return fetched.reason, OUTCOME_OF_FAILURE[fetched.reason] is Outcome.UP
    try:
        stats = parse_stats(fetched.body, slot.stream_id)
    except StatsInvalid:
        return Reason.STATS_INVALID, False
    poll = outcome_of(slot, stats, None, stream_is_live=True, tick=0)
    return poll.reason, poll.outcome is Outcome.UP
