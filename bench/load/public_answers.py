"""How large the api's public answers are, and how long they take: every route, at its largest."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from bench.crowd.tally import share_of

TIMES = 60
TIMES_ALONE = 20
PAUSE_S = 0.05
"""Between two requests: an address may ask forty times a second."""
ANSWER_S_MAX = 60.0


ROUTES = {
    "/": "",
    "/about": "",
    "/config": "",
    "/streams": "page_size=200",
    "/streams/{stream}": "",
    "/streams/{stream}/playlist.m3u": "",
    "/streams/{stream}/badge.svg": "",
    "/streams/{stream}/delivery": "page_size=200",
    "/streams/{stream}/statements": "page_size=200",
    "/streams/{stream}/statements/{epoch}": "",
    "/s/{stream}": "",
    "/nodes": "page_size=200",
    "/nodes/{node}": "",
    "/nodes/{node}/badge.svg": "",
    "/nodes/{node}/checks": "page_size=200",
    "/nodes/{node}/receipt": "page_size=48",
    "/n/{node}": "",
    "/n/{node}/feed.atom": "",
    "/feed.atom": "",
    "/rosters/{roster}": "",
}
"""And what is asked for besides."""


@dataclass(frozen=True, slots=True)
class PublicAnswer:
    """What one route came to."""

    route: str
    status: int
    bytes_max: int
    p95_s: float


@dataclass(frozen=True, slots=True)
class AnswerCost:
    """What one answer of a route takes while nobody else asks."""

    api_s: float
    """Of the processor."""
    database_s: float
    """Likewise: a Firestore of one's own is none of ours."""
    p95_s: float


@dataclass(frozen=True, slots=True)
class AskedFor:
    """Whose lists and pages are asked for."""

    stream_id: str
    node_id: str
    epoch: int
    roster_id: str
    tick: int
    draw: int

    def paths(self) -> dict[str, str]:
        """Every public route that grows with the network, and whose largest page is asked for."""
        ticks = f"from_tick={self.tick - 100}&until_tick={self.tick + 1}"
        draws = f"from_draw={self.draw - 100}&until_draw={self.draw + 1}"
        known = {"stream": self.stream_id, "node": self.node_id, "epoch": self.epoch}
        return {
            route: (route + (f"?{query}" if query else "")).format(**known, roster=self.roster_id)
            for route, query in (*ROUTES.items(), ("/sweeps", ticks), ("/runs", draws))
        }


async def public_answers(api_url: str, asked: AskedFor) -> list[PublicAnswer]:
    """Each route in turn, some times."""
    async with _client(api_url) as client:
        return [await _answer(client, *each) for each in asked.paths().items()]


async def answer_costs(
    api_url: str, asked: AskedFor, api_s: Callable[[], float], database_s: Callable[[], float]
) -> dict[str, AnswerCost]:
    """By route. The processor's seconds hardly depend on how busy the machine is."""
    found: dict[str, AnswerCost] = {}
    async with _client(api_url) as client:
        for route, path in asked.paths().items():
            begun = api_s(), database_s()
            answer = await _answer(client, route, path, TIMES_ALONE)
            found[route] = AnswerCost(
                (api_s() - begun[0]) / TIMES_ALONE,
                (database_s() - begun[1]) / TIMES_ALONE,
                answer.p95_s,
            )
    return found


def _client(api_url: str) -> httpx.AsyncClient:
    accept = {"Accept": "*/*"}
    return httpx.AsyncClient(
        base_url=api_url, timeout=ANSWER_S_MAX, trust_env=False, headers=accept
    )


async def _answer(
    client: httpx.AsyncClient, route: str, path: str, times: int = TIMES
) -> PublicAnswer:
    seconds, sizes, status = [], [0], 200
    for _ in range(times):
        begun_s = time.monotonic()
        answer = await client.get(path)
        seconds.append(time.monotonic() - begun_s)
        sizes.append(len(answer.content))
        if answer.status_code != httpx.codes.OK:
            status = answer.status_code
        await asyncio.sleep(PAUSE_S)
    return PublicAnswer(route, status, max(sizes), share_of(seconds, 0.95))


def largest(found: Sequence[PublicAnswer]) -> PublicAnswer:
    """Of them all."""
    return max(found, key=lambda one: one.bytes_max)


def slowest(found: Sequence[PublicAnswer]) -> PublicAnswer:
    """Of them all."""
    return max(found, key=lambda one: one.p95_s)
