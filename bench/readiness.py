"""Whether a stage is ready for trials: what should serve does, and references are warm."""

import asyncio
import time

from bench.cheat_kinds import CONTENT, FLAGGED_WITHIN, RELAYING
from bench.report import say
from bench.stage import Stage, Subject
from bench.trials import Trials
from coordinator.adapters.media.rtmp_reader import RtmpReader
from coordinator.proof.captures import CapturePlan
from coordinator.proof.judging import ProofParameters

READY_SECONDS_MAX = 150.0
LOOK_S = 2.0
LOOK_EVERY_S = 1.0


async def ready(stage: Stage, trials: Trials) -> None:
    """Returns when all references are warm and everything that should serve does.

    Raises TimeoutError: a cheat that is not there proves nothing by failing."""
    window_s = ProofParameters().window_s + 2
    reader, places = RtmpReader(now=time.time), asyncio.Semaphore(trials.at_once)

    async def serves(subject: Subject) -> None:
        while True:
            if dead := stage.programs.deaths():
                raise RuntimeError(dead)
            async with places:
                capture = await reader.capture(subject.address, CapturePlan(LOOK_S))
            if capture.failure is None:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    serving = CONTENT | RELAYING | FLAGGED_WITHIN.keys()
    waiting = {s.name for s in stage.subjects if s.is_honest or s.kind in serving}

    async def told(subject: Subject) -> None:
        await serves(subject)
        waiting.discard(subject.name)

    try:
        async with asyncio.timeout(READY_SECONDS_MAX), asyncio.TaskGroup() as group:
            for subject in stage.subjects:
                if subject.name in waiting:
                    group.create_task(told(subject))
            for reference in trials.references.values():
                # Warmth is a rule of time, and nobody sets an event for it.
                while not reference.packets(0, time.time() - window_s):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError as error:
        raise TimeoutError(f"nothing comes of {', '.join(sorted(waiting))}") from error
    say("everything serves")
