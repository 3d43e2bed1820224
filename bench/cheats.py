"""Every cheat of the catalogue, and honest nodes of many kinds, before the real prober.

Real: media, relays, cheats, network (loopback), checks, retests, proof, suspicion. Left out: the
lottery's seconds and the store; a trial begins when there is room. Honest nodes have a stage, and
then cheats have one. Cheats that only some checks find have another all the while.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from bench.cheat_figures import figures_of, table
from bench.cheat_kinds import FLAGGED_WITHIN, UNCHECKED
from bench.kinds.honest_kinds import (
    HONEST_KINDS,
    LIVE,
    NEIGHBOUR,
    OF_ENGINE,
    kinds_like,
)
from bench.kinds.scripts import CORNERS
from bench.lanes import follow, lanes_of
from bench.report import BUILD, NotMeasurableError, hand_in, say
from bench.stage import Subject
from bench.trial_plans import AT_ONCE, CHECKS, TRIALS, Plan, set_up
from bench.trials import Tally, Trials
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.checking.checks import Verdict
from emulator.cheats import PROGRAMS
from emulator.demo.options import ENGINES
from emulator.unread import quiet_when_unread
from tests.image.stand_in import program_path

LOGS = BUILD / "cheats-logs"
PROGRESS_EVERY_S = 20.0
MINUTES = 23.5
"""The whole run's, about: with it whoever is followed until a flag is followed no more."""
INTERRUPTED = 130
"""What shells take for Ctrl-C."""


async def measure(plan: Plan, logs: Path, made: dict[str, Tally] | None = None) -> dict[str, Tally]:
    """Starts a stage, waits until everything serves, makes all trials.

    Whoever interrupts it finds in `made` what has been tried."""
    async with set_up(plan, logs) as trials:
        tallies = {} if made is None else made
        tallies |= {subject.name: Tally(subject) for subject in trials.stage.subjects}
        await _measure(plan, trials, tallies, logs / "honest-attempts.jsonl")
        return tallies


async def _measure(plan: Plan, trials: Trials, tallies: dict[str, Tally], record: Path) -> None:
    stage = trials.stage
    polling = asyncio.create_task(trials.poll(PollClient(Guard(allow_private=True)), tallies))
    wanted = interleaved(stage.subjects, plan, trials.rng)
    began_s, said_s = time.monotonic(), [time.monotonic()]

    def told(ended: int) -> None:
        now_s = time.monotonic()
        if now_s - said_s[0] > PROGRESS_EVERY_S:
            left_s = (now_s - began_s) / ended * (len(wanted) - ended)
            failed = sum(t.count(Verdict.FAIL) for t in tallies.values() if t.subject.is_honest)
            put_on_record(tallies.values(), record)
            told_so_far = f"{ended} of {len(wanted)} checks, {failed} of honest nodes failed"
            say(f"{told_so_far}, about {left_s / 60:.0f} min left")
            said_s[0] = now_s

    try:
        await trials.run(wanted, tallies, told)
    finally:
        put_on_record(tallies.values(), record)
        polling.cancel()
        with suppress(asyncio.CancelledError):  # whatever else ended it is told
            await polling
    if dead := stage.programs.deaths():
        say(f"ended by themselves:\n{dead}")


def interleaved(subjects: Iterable[Subject], plan: Plan, rng: random.Random) -> list[Subject]:
    """All trials in rounds, so that each subject is tried at all times; a round is shuffled.

    Streams whose clock passes a corner are tried first: it passes one once."""
    honest = [s for s in subjects if s.is_honest]
    cheats = [s for s in subjects if not s.is_honest and s.kind not in UNCHECKED]
    rounds: list[list[Subject]] = [[*cheats] for _ in range(plan.trials)]
    first: list[Subject] = []
    for n in range(plan.checks):
        subject = honest[n % len(honest)]
        at_corner = subject.stream in CORNERS
        (first if at_corner else rounds[n * plan.trials // plan.checks]).append(subject)
    for one in (first, *rounds):
        rng.shuffle(one)
    return [*first, *(subject for one in rounds for subject in one)]


def put_on_record(tallies: Iterable[Tally], path: Path) -> None:
    """The evidence of each honest connection that did not pass: each is a mistake of ours."""
    attempts = [
        {"node": tally.subject.name, **attempt}
        for tally in tallies
        if tally.subject.is_honest
        for check in tally.checks
        for attempt in check.attempts
        if attempt["verdict"] != Verdict.PASS
    ]
    path.write_text("".join(json.dumps(attempt) + "\n" for attempt in attempts))


def plans(asked: argparse.Namespace) -> list[Plan]:
    """One stage for the cheats, beside a neighbour to borrow from, and one for honest kinds."""
    cheats = tuple(name for name in asked_cheats(asked) if name not in FLAGGED_WITHIN)
    kinds = () if asked.kinds == "none" else kinds_like(words(asked.kinds))
    if asked.kinds == "all":
        kinds = HONEST_KINDS
    if asked.engine != ENGINES[0]:
        kinds = tuple(kind for kind in kinds if kind.stream == LIVE and kind.node in OF_ENGINE)
    some = []
    if kinds:
        some.append(Plan(kinds, (), asked.checks, 1, asked.at_once, asked.engine))
    if cheats:
        at_once = 2 * asked.at_once  # half of them wait for the second of their retest
        some.append(Plan((NEIGHBOUR,), cheats, 0, asked.trials, at_once, asked.engine))
    return some


def asked_cheats(asked: argparse.Namespace) -> list[str]:
    """By name."""
    names = [name for name in words(asked.cheats) if name != "none"]
    return list(PROGRAMS) if asked.cheats == "all" else names


def words(text: str) -> list[str]:
    """Between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


async def _everything(asked: argparse.Namespace, tallies: dict[str, Tally]) -> None:
    """Ctrl-C is asyncio's; whoever ends it otherwise is to see what was tried too."""
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    lanes, until_s = lanes_of(asked_cheats(asked)), time.monotonic() + 60 * asked.minutes
    async with asyncio.TaskGroup() as group:
        if lanes:
            group.create_task(follow(lanes, LOGS / "lanes", until_s, tallies))
        for plan in plans(asked):
            made = dict[str, Tally]()
            try:
                await measure(plan, LOGS / ("cheats" if plan.cheats else "honest"), made)
            finally:
                tallies |= made | tallies


def main(argv: Sequence[str]) -> int:
    """Measures, prints the tables, writes build/cheats.json."""
    parser = argparse.ArgumentParser(prog="make cheats", description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS, help="checks of each cheat")
    parser.add_argument("--checks", type=int, default=CHECKS, help="of all honest nodes together")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="captures together")
    parser.add_argument(
        "--kinds", default="all", help="honest ones whose names have one of these words, or none"
    )
    parser.add_argument("--cheats", default="all", help="names, separated by commas, or none")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="the whole run's, about")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="of honest nodes")
    asked = parser.parse_args(argv)
    if unknown := sorted({*words(asked.cheats)} - {*PROGRAMS, "all", "none"}):
        parser.error(f"no cheat is called {', '.join(unknown)}: {', '.join(sorted(PROGRAMS))}")
    if not plans(asked) and not lanes_of(asked_cheats(asked)):
        parser.error("nothing is left to be tried: no honest node has such a name, and no cheat")
    os.environ["PATH"] = program_path()  # one of the honest nodes is of the other engine
    tallies = dict[str, Tally]()
    try:
        asyncio.run(_everything(asked, tallies))
    except (KeyboardInterrupt, asyncio.CancelledError):
        table(tallies.values())
        say("interrupted; that was tried, and everything that was started has ended")
        return INTERRUPTED
    except (TimeoutError, ExceptionGroup) as error:
        raise NotMeasurableError(f"not everything serves ({error}): see {LOGS}") from error
    table(tallies.values())
    hand_in("cheats", figures_of(tallies))
    return 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
