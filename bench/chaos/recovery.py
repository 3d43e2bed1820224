"""When the network is well again: heartbeats answered, every honest node watchable, up and listed.

The machine's own load is in every figure, so it is said beside them.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from agent.client.signing import SignedBy
from agent.player import PlayError, play
from bench.chaos.struck_network import StruckNetwork
from emulator.cheats.false_claims import new_key
from emulator.demo.public_api import ApiError
from rtmp.addresses import RtmpAddress
from tools.verify.public import PublicRecord

GIVE_UP_S = 90.0
LOOK_S, ASK_SECONDS_MAX = 0.2, 3.0
WATCH_S = 1.0
SWEEPS_LOOKED_AT = 12


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from the end of a strike until each was so; GIVE_UP_S if it never was."""

    heard_s: float
    watched_s: float
    listed_s: float
    load: float
    """Of the machine meanwhile: processes that wanted a processor."""

    @property
    def seconds(self) -> float:
        """Until all were."""
        return max(self.heard_s, self.watched_s, self.listed_s)

    def __str__(self) -> str:
        return (
            f"heartbeats {self.heard_s:.1f} s, streams {self.watched_s:.1f} s, "
            f"lists {self.listed_s:.1f} s, load {self.load:.1f}"
        )


class Looker:
    """Looks at a network from outside."""

    def __init__(self, network: StruckNetwork) -> None:
        self._network = network
        self._http = httpx.AsyncClient(
            base_url=network.stage.api_url, timeout=ASK_SECONDS_MAX, trust_env=False
        )
        self._signed = SignedBy(new_key())
        self._address = ""
        self._unlisted: set[str] = set()

    async def close(self) -> None:
        """Ends its connections."""
        await self._http.aclose()

    async def recovery(self, since_s: float, away: Sequence[str] = ()) -> Recovery:
        """What it takes from a moment of the monotonic clock on, which is just over.

        Who was away for longer than a blow failed checks by its own fault: lists may lack it."""
        swept_from_s, self._unlisted = time.time(), set(away)
        watchable = [self._first(since_s, self._plays, name) for name in self._network.honest]
        heard_s, listed_s, *watched_s = await asyncio.gather(
            self._first(since_s, self._hears, ""),
            self._first(since_s, self._lists, swept_from_s),
            *watchable,
        )
        return Recovery(heard_s, max(watched_s), listed_s, os.getloadavg()[0])

    async def _first(
        self, since_s: float, is_so: Callable[[Any], Awaitable[bool]], of: Any
    ) -> float:
        while (seconds := time.monotonic() - since_s) < GIVE_UP_S:
            if await is_so(of):
                return time.monotonic() - since_s
            await asyncio.sleep(LOOK_S)
        return seconds

    async def _hears(self, _: str) -> bool:
        """A node's heartbeat is answered: one that is nobody's, and asks where it is."""
        beat = {
            "stream_id": self._network.stream_id,
            "stats_port": 8080,
            "rtmp_port": 1935,
            "address": self._address,
        }
        try:
            answer = await self._http.post("/nodes/heartbeat", json=beat, auth=self._signed)
            if answer.status_code == httpx.codes.CONFLICT:
                self._address = answer.json()["address"]
        except httpx.HTTPError:
            return False
        return answer.is_success

    async def _plays(self, name: str) -> bool:
        """A viewer has media of a node, as they come: no group of pictures that it kept."""
        host, port = self._network.stage.host_of(name), self._network.rtmp_port(name)
        address, heard_s = RtmpAddress(host, port, "live", self._network.stream_id), list[float]()
        with contextlib.suppress(PlayError):
            await play(
                address, WATCH_S, ASK_SECONDS_MAX, lambda _: heard_s.append(time.monotonic())
            )
        return bool(heard_s) and heard_s[-1] - heard_s[0] >= WATCH_S

    async def _lists(self, since_s: float) -> bool:
        """A sweep that began since has every honest node up, and viewers are sent to each."""
        try:
            async with asyncio.timeout(ASK_SECONDS_MAX):
                return await self._are_up(since_s) and await self._are_in_the_playlist()
        except (httpx.HTTPError, ApiError, TimeoutError):
            return False

    async def _are_up(self, since_s: float) -> bool:
        record, sweep_s = PublicRecord(self._http), self._network.stage.pace.sweep_s
        first = -int(-since_s // sweep_s)
        wanted = {self._network.node_id(name) for name in self._network.honest}
        for sweep in reversed(await record.sweeps(range(first, first + SWEEPS_LOOKED_AT))):
            roster = await record.roster(sweep.shard, sweep.roster_version)
            up = {s.node_id for at, s in enumerate(roster.slots) if sweep.up >> at & 1}
            if wanted <= up:
                return True
        return False

    async def _are_in_the_playlist(self) -> bool:
        answer = await self._http.get(f"/streams/{self._network.stream_id}/playlist.m3u")
        places = [
            f"rtmp://{self._network.stage.host_of(name)}:{self._network.rtmp_port(name)}/"
            for name in self._network.honest
            if name not in self._unlisted
        ]
        return answer.is_success and all(place in answer.text for place in places)
