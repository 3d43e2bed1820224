"""Every cheat of the catalogue, and honest nodes of five kinds, before the real prober.

Real: media, relays, cheats, network (loopback), checks, retests, proof, suspicion. Left out: the
lottery and the store; a trial begins when there is room. At most AT_ONCE captures run together.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cheat_figures import Found, Sustained, figures_of, sum_of, table
from bench.cheat_kinds import CONTENT, FLAGGED_WITHIN, RARE_TRIALS, RELAYING, UNCHECKED
from bench.real_checker import real_checker
from bench.report import BUILD, NotMeasurableError, hand_in, say
from bench.stage import HONEST, STREAM, Stage, Subject, staged
from bench.trials import Tally, Trials
from coordinator.adapters.media.rtmp_probe import RtmpProbe
from coordinator.adapters.media.rtmp_reference import Reference, ReferencePool
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.proof.judging import ProofParameters
from emulator.cheats import PROGRAMS
from emulator.demo.options import ENGINES
from emulator.processes.ports import LOOPBACK
from emulator.unread import quiet_when_unread
from rtmp.addresses import RtmpAddress
from tests.image.stand_in import program_path

AT_ONCE = 6
TRIALS, HONEST_TRIALS = 20, 500
RATE, RATE_SECONDS = 2.2, 60.0
READY_SECONDS_MAX = 150.0
PROGRESS_EVERY_S = 20.0
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is tried."""

    trials: int = TRIALS
    honest_trials: int = HONEST_TRIALS
    at_once: int = AT_ONCE
    rate: float = RATE
    """Checks a second on one core, in the last part."""
    rate_seconds: float = RATE_SECONDS
    cheats: tuple[str, ...] = tuple(PROGRAMS)
    engine: str = ENGINES[0]
    """Of the honest nodes."""


async def measure(plan: Plan, logs: Path) -> Found:
    """Starts the stage, waits until everything serves, makes all trials."""
    pool = ReferencePool(now=time.time)
    async with staged(logs, plan.engine) as stage:
        honest = f"{len(HONEST)} honest relays ({plan.engine})"
        say(f"starting an ingest, {honest} and {len(plan.cheats)} cheats")
        await stage.start(plan.cheats)
        try:
            trials = Trials(
                stage, real_checker(), pool.acquire(stage.source), plan.at_once, random.Random(3)
            )
            await ready(stage, trials.reference)
            return await _measure(plan, stage, trials)
        finally:
            await pool.close()


async def _measure(plan: Plan, stage: Stage, trials: Trials) -> Found:
    tallies = {subject.name: Tally(subject) for subject in stage.subjects}
    polling = asyncio.create_task(trials.poll(PollClient(Guard(allow_private=True)), tallies))
    wanted = interleaved(stage.subjects, plan, trials.rng)
    began_s, said_s = time.monotonic(), [time.monotonic()]

    def told(ended: int) -> None:
        now_s = time.monotonic()
        if now_s - said_s[0] > PROGRESS_EVERY_S:
            left_s = (now_s - began_s) / ended * (len(wanted) - ended)
            say(f"{ended} of {len(wanted)} checks, about {left_s / 60:.0f} min left")
            said_s[0] = now_s

    try:
        await trials.run(wanted, tallies, told)
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
    if dead := stage.deaths():
        say(f"ended by themselves:\n{dead}")
    return Found(tallies, await sustained(plan, stage, trials) if plan.rate else None)


def interleaved(subjects: Iterable[Subject], plan: Plan, rng: random.Random) -> list[Subject]:
    """All trials in rounds, so that each subject is tried at all times; a round is shuffled."""
    honest = [s for s in subjects if s.is_honest]
    cheats = [s for s in subjects if not s.is_honest and s.kind not in UNCHECKED]
    rare = [s for s in cheats if s.kind in FLAGGED_WITHIN] * (RARE_TRIALS - 1)
    rounds: list[list[Subject]] = [[*cheats, *rare] for _ in range(plan.trials)]
    for n in range(plan.honest_trials):
        rounds[n * plan.trials // plan.honest_trials].append(honest[n % len(honest)])
    for one in rounds:
        rng.shuffle(one)
    return [subject for one in rounds for subject in one]


async def ready(stage: Stage, reference: Reference) -> None:
    """Returns when the reference is warm and everything that should serve does.

    Raises TimeoutError: a cheat that is not there proves nothing by failing."""
    window_s = ProofParameters().window_s + 2
    probe, places = RtmpProbe(now=time.time), asyncio.Semaphore(AT_ONCE)

    async def serves(subject: Subject) -> None:
        address = RtmpAddress(LOOPBACK, subject.rtmp_port, "live", STREAM)
        found = False
        while not found:
            if dead := stage.deaths():
                raise RuntimeError(dead)
            async with places:
                found = bool((await probe.capture(address, 1.5)).packets)
        say(f"{subject.name} serves")

    async with asyncio.timeout(READY_SECONDS_MAX), asyncio.TaskGroup() as group:
        for subject in stage.subjects:
            if subject.is_honest or subject.kind in CONTENT | RELAYING:
                group.create_task(serves(subject))
        # Warmth is a rule of time, and nobody sets an event for it.
        while not reference.packets(0, time.time() - window_s):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)


async def sustained(plan: Plan, stage: Stage, trials: Trials) -> Sustained:
    """Checks of an honest node at an even rate, the prober and its captures on one core."""
    one_hop = next(s for s in stage.subjects if s.is_honest)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    say(f"{plan.rate} checks a second on one core for {plan.rate_seconds:.0f} s")
    own_s, began_s = time.process_time(), time.monotonic()
    try:
        checks = await trials.paced(one_hop, plan.rate, plan.rate_seconds)
    finally:
        os.sched_setaffinity(0, cores)
    cpu_s = time.process_time() - own_s + sum(sum_of(checks, "cpu_s"))
    return Sustained(checks, time.monotonic() - began_s, cpu_s)


def main(argv: Sequence[str]) -> int:
    """Measures, prints the tables, writes build/cheats.json."""
    parser = argparse.ArgumentParser(prog="make cheats", description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS, help="checks of each cheat")
    parser.add_argument("--honest", type=int, default=HONEST_TRIALS, help="of all honest nodes")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="captures together")
    parser.add_argument("--rate", type=float, default=RATE, help="checks a second; 0: none")
    parser.add_argument("--rate-seconds", type=float, default=RATE_SECONDS)
    parser.add_argument("--cheats", default=",".join(PROGRAMS), help="names, separated by commas")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="of honest nodes")
    asked = parser.parse_args(argv)
    if asked.engine != ENGINES[0]:
        os.environ["PATH"] = program_path()
    plan = Plan(
        asked.trials,
        asked.honest,
        asked.at_once,
        asked.rate,
        asked.rate_seconds,
        tuple(name for name in asked.cheats.split(",") if name),
        asked.engine,
    )
    logs = BUILD / "cheats-logs"
    try:
        found = asyncio.run(measure(plan, logs))
    except (TimeoutError, ExceptionGroup) as error:
        raise NotMeasurableError(f"not everything serves ({error}): see {logs}") from error
    table(found.tallies.values())
    hand_in("cheats", figures_of(found))
    return 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
