"""`make hostile-api`: every hostile input with its right outcome, and floods beside /health.

functions-framework serves the api as in the cloud, on the Firestore emulator. What one network can
cause at a target and take of a roster is searched for without sockets, for an hour of it.
"""

import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.api import API, answers, argv
from bench.hostile_api.campaign import all_cases, by_group, registered, tried
from bench.hostile_api.case import INGEST_KEY, SPONSOR_KEY
from bench.hostile_api.crowds import call_backs_of_a_household, new_nodes_of_a_network
from bench.hostile_api.floods import HALVES, beside, queued_cpu_s
from bench.hostile_api.one_network_search import GOALS, most_of, played
from bench.processes import MeasuredChild, two_cores, wait_for
from bench.programs import enter_sponsor
from bench.report import ROOT, Figure, NotMeasurableError, hand_in
from coordinator.keys import sha256_hex
from coordinator.strangers.source_bounds import CALL_BACKS, ELSEWHERE, Side
from emulator.firestore_emulator import FirestoreEmulator
from emulator.processes.ports import LOOPBACK, Ports
from emulator.unread import quiet_when_unread

CASES_MIN = 2_000
TOLD_MAX = 40
PLANS_DRAWN, PLANS_CHANGED = 4, 12
"""For each goal, beside the worst that we know."""
HONEST_NODES = 10_900
"""As many as there is room for beside a network's tenth."""
QUEUED_TIMES = 3
MINUTE_S = 60
"""So long the crowds may take: meanwhile their bounds fill up again."""


def main() -> None:
    """Measures, prints, and keeps the figures."""
    with ExitStack() as stack:
        server, port = stack.enter_context(_served())
        figures = asyncio.run(_measured(port))
        queued_ms = min(queued_cpu_s(server, LOOPBACK, port) for _ in range(QUEUED_TIMES)) * 1e3
    name = f"{HALVES:,} half requests queued before it: CPU until /health is answered"
    figures.append(Figure(name, queued_ms, "ms", "<= 50"))
    hand_in("hostile-api", figures + asyncio.run(_of_one_network()))


async def _measured(port: int) -> list[Figure]:
    cases, wrong = await all_cases(LOOPBACK, port), Counter[str]()
    async for case, finding in tried(LOOPBACK, port, cases):
        if finding is not None:
            wrong[case.group] += 1
            if wrong.total() <= TOLD_MAX:
                print(f"{case.group}: {case.name}: {finding}", flush=True)
    right = 100 * (1 - wrong.total() / len(cases))
    figures = [
        Figure("hostile inputs", len(cases), "", f">= {CASES_MIN}"),
        Figure("with their right outcome", right, "%", ">= 100"),
    ]
    for group, count in sorted(by_group(cases).items()):
        figures.append(Figure(f"of these: {group}", count, "", "", f"{wrong[group]} wrong"))
    figures += await _crowds(port)
    for name, flood in (
        ("an endless header", await beside("endless", LOOPBACK, port)),
        ("1,000 half requests", await beside("halves", LOOPBACK, port)),
    ):
        rest = f"at rest: {flood.rest_worst_s * 1e3:.0f}"
        figures.append(
            Figure(f"{name}: delay of /health", flood.delay_s * 1e3, "ms", "<= 50", rest)
        )
        figures.append(Figure(f"{name}: until all are closed", flood.over_s, "s", "<= 30"))
    return figures


async def _crowds(port: int) -> list[Figure]:
    household = await call_backs_of_a_household(LOOPBACK, port)
    stream_id = await registered(LOOPBACK, port)
    network = await new_nodes_of_a_network(LOOPBACK, port, stream_id)
    calls, nodes = (
        limits[side].most_in(MINUTE_S)
        for limits, side in ((CALL_BACKS, Side.ADDRESS), (ELSEWHERE, Side.NETWORK))
    )
    told = household + network
    others = told.total() - told[200] - told[429]
    return [
        Figure("600 addresses of one /64: call-backs", household[200], "", f"<= {calls}"),
        Figure("200 new nodes of one /48, elsewhere: taken in", network[200], "", f"<= {nodes}"),
        Figure("of these: neither taken in nor told to wait", others, "", "<= 0"),
    ]


async def _of_one_network() -> list[Figure]:
    figures, lost = [], 0
    for seed, (name, (goal, most)) in enumerate(GOALS.items()):
        found, plan = await most_of(goal, seed, PLANS_DRAWN, PLANS_CHANGED)
        figures.append(Figure(f"one /48, whatever it orders: {name}", found, "", f"<= {most}"))
        lost += (await played(plan, HONEST_NODES)).lost_restarts
    name = f"the same beside {HONEST_NODES:,} honest nodes: restarts that find no slot"
    return [*figures, Figure(name, lost, "", "<= 0")]


@contextmanager
def _served() -> Iterator[tuple[MeasuredChild, int]]:
    """The api, and its port."""
    emulator, ports = FirestoreEmulator(), Ports()
    asyncio.run(emulator.start())
    try:
        _, core = two_cores()
        port = ports.any()
        log = Path(tempfile.mkdtemp(prefix="hostile-api-")) / "api.log"
        env = _environment(emulator.host)
        enter_sponsor(env, "bench", SPONSOR_KEY)
        with MeasuredChild(argv(API, port), core, log, env) as server:
            wait_for(partial(answers, port, API.path), "api")
            yield server, port
            if "request_failed" in (said := log.read_text()):
                raise NotMeasurableError(f"the api failed: {said[-2000:]}")
    finally:
        ports.close()
        asyncio.run(emulator.stop())


def _environment(firestore: str) -> Mapping[str, str]:
    """As in the cloud: no private address, and one proxy that tells who calls."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}",
        "GOOGLE_CLOUD_PROJECT": "hostile",
        "FIRESTORE_EMULATOR_HOST": firestore,
        "INGEST_URL": "rtmp://203.0.113.5:1935/live",
        "INGEST_KEY_HASH": sha256_hex(INGEST_KEY),
        "TRUSTED_PROXIES": "1",
        "REQUESTS_PER_SECOND": "100000",
    }


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
