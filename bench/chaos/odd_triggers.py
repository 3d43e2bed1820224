"""Triggers of the jobs as a scheduler that delivers at least once may send them."""

import asyncio
import time
from collections import Counter

import httpx

from bench.chaos.struck_network import StruckNetwork
from emulator.cloud_scheduler import delivery
from emulator.cloud_scheduler.jobs import Job

AT_ONCE = 5
LATE_S = (7, 31, 65)
"""How late a trigger comes: after the next one, after several, and in another epoch."""
ANSWER_SECONDS_MAX = 60.0


def _jobs(network: StruckNetwork) -> list[Job]:
    paths = {"collector": "/?shard=0", "prober": "/", "payout": "/"}
    return [Job.parse(f"{name},{network.stage.url(name)}{path},5") for name, path in paths.items()]


async def duplicated(network: StruckNetwork) -> Counter[int]:
    """Every job's trigger, several times at once; answers by hundreds of their status."""
    now_s = int(time.time())
    return await _sent([(job, now_s) for job in _jobs(network) for _ in range(AT_ONCE)])


async def late(network: StruckNetwork) -> Counter[int]:
    """Triggers that were due a while ago."""
    now_s = int(time.time())
    return await _sent([(job, now_s - late_s) for late_s in LATE_S for job in _jobs(network)])


async def _sent(triggers: list[tuple[Job, int]]) -> Counter[int]:
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX, trust_env=False) as client:

        async def sent(job: Job, instant_s: int) -> int:
            headers = delivery.headers(job, instant_s)
            try:
                answer = await client.request(job.method, job.url, headers=headers)
            except httpx.HTTPError:
                return 0
            return answer.status_code // 100

        return Counter(await asyncio.gather(*(sent(*trigger) for trigger in triggers)))
