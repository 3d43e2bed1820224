"""Reads the public record of a coordinator over HTTP, as anyone may."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import Any

import httpx

from coordinator.checking.checks import Run
from coordinator.checking.sealed_days import LotteryDay
from coordinator.ledger.published_settings import PublishedSettings
from coordinator.ledger.statements import Statement
from coordinator.streams import Stream
from coordinator.sweeping.rosters import Roster, roster_id
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SweepBits
from tools.verify.deliveries import Deliveries, deliveries_from
from tools.verify.evidence import (
    bits_from,
    day_from,
    roster_from,
    run_from,
    settings_from,
    stream_from,
)
from tools.verify.receipts import Receipt, receipt_from
from tools.verify.statements import statement_from

TIMEOUT_S = 20.0
WAIT_S_MAX = 60.0
WAITS_MAX = 20
"""A coordinator that has whoever asks too often wait is asked again so often."""


class PublicRecord:
    """What a coordinator at `api` publishes. Raises httpx.HTTPError when it does not answer.

    What does not change while somebody looks is asked for once."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client, self._sleep = client, sleep
        self._answers: dict[str, Any] = {}
        self._rosters: dict[tuple[Shard, int], Roster] = {}
        self._sweeps: dict[int, list[SweepBits]] = {}

    async def settings(self) -> list[PublishedSettings]:
        """The history of settings, oldest first; empty before anything was settled."""
        return settings_from(await self._once("/config"))

    async def day(self, day: date) -> LotteryDay:
        """A day's commitment and, after the day, its secret."""
        return day_from(day, await self._once(f"/schedule/{day.isoformat()}"))

    async def sealed_day(self, day: date) -> LotteryDay | None:
        """The same; None for a day that nobody sealed."""
        try:
            return await self.day(day)
        except httpx.HTTPStatusError as error:
            _raise_unless_missing(error)
            return None

    async def runs(self, draws: range) -> list[Run]:
        """Every published run of the draws, in order."""
        found: dict[str, Run] = {}
        draw: int | None = draws.start
        check = 0
        while draw is not None:
            more = {"from_check": check} if check else {}
            page = await self._get("/runs", from_draw=draw, until_draw=draws.stop, **more)
            for run in map(run_from, page["runs"]):
                before = found.get(run.id)  # the page before had no room for all of its checks
                checks = (*before.checks, *run.checks) if before else run.checks
                found[run.id] = replace(run, checks=checks)
            draw, check = page["next_draw"], page.get("next_check", 0)
        return list(found.values())

    async def sweeps(self, ticks: range) -> list[SweepBits]:
        """Every published sweep's bitmaps of the ticks, in order."""
        found: list[SweepBits] = []
        tick: int | None = ticks.start
        while tick is not None:
            page = await self._get("/sweeps", from_tick=tick, until_tick=ticks.stop)
            found += [bits_from(row) for row in page["sweeps"]]
            tick = page["next_tick"]
        return found

    async def past_sweeps(self, ticks: range) -> list[SweepBits]:
        """The same, of a time that is long over: read once."""
        if ticks.start not in self._sweeps:
            self._sweeps[ticks.start] = await self.sweeps(ticks)
        return self._sweeps[ticks.start]

    async def roster(self, shard: Shard, version: int) -> Roster:
        """A roster, read once; slots are never taken away from a version."""
        key = (shard, version)
        if key not in self._rosters:
            path = f"/rosters/{roster_id(shard, version)}"
            page = found = await self._get(path)
            while (from_slot := page.get("next_slot")) is not None:
                page = await self._get(path, from_slot=from_slot)
                found["slots"] += page["slots"]
            self._rosters[key] = roster_from(shard, version, found)
        return self._rosters[key]

    async def stream(self, stream_id: str) -> Stream:
        """A stream, as far as settling depends on it."""
        return stream_from(await self._once(f"/streams/{stream_id}"))

    async def stream_ids(self) -> list[str]:
        """Every stream there is or was."""
        pages = await self._pages("/streams", "streams")
        return [stream["stream_id"] for stream in pages]

    async def statement(self, stream_id: str, epoch: int) -> Statement | None:
        """A published statement, without loss; None where there is none."""
        path = f"/streams/{stream_id}/statements/{epoch}"
        try:
            parts = [await self._get(path)]
        except httpx.HTTPStatusError as error:
            _raise_unless_missing(error)
            return None
        while token := parts[-1].get("next_row_token"):
            parts.append(await self._get(path, page_token=token))
        return statement_from(*parts)

    async def statements(self, stream_id: str) -> list[Statement]:
        """All of a stream's, oldest first."""
        path, parts = f"/streams/{stream_id}/statements", defaultdict[int, list[Any]](list)
        for found in await self._pages(path, "statements"):
            parts[found["epoch"]].append(found)
        return [statement_from(*of_epoch) for of_epoch in parts.values()]

    async def delivery(self, stream_id: str) -> Deliveries:
        """All that moved a stream's tokens, read once."""
        path = f"/streams/{stream_id}/delivery"
        page = await self._once(path)
        hours = list(page["hours"])
        while page["next_page_token"]:
            page = await self._get(path, page_token=page["next_page_token"])
            hours += page["hours"]
        return deliveries_from({**page, "hours": hours})

    async def receipt(self, node_id: str) -> Receipt | None:
        """A node's tokens with every line; None for a node that nobody knows."""
        path = f"/nodes/{node_id}/receipt"
        try:
            first = await self._get(path)
        except httpx.HTTPStatusError as error:
            _raise_unless_missing(error)
            return None
        return receipt_from({**first, "epochs": await self._pages(path, "epochs")})

    async def pause(self, seconds: float) -> None:
        """Gives the coordinator time for what it is in the middle of."""
        await self._sleep(seconds)

    async def _pages(self, path: str, of: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            page = await self._get(path, **({"page_token": token} if token else {}))
            found += page[of]
            token = page["next_page_token"]
            if not token:
                return found

    async def _once(self, path: str) -> Any:
        if path not in self._answers:
            self._answers[path] = await self._get(path)
        return self._answers[path]

    async def _get(self, path: str, **query: Any) -> Any:
        for _ in range(WAITS_MAX):
            answer = await self._client.get(path, params=query, timeout=TIMEOUT_S)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            await self._sleep(min(WAIT_S_MAX, float(answer.headers.get("Retry-After", 5))))
        answer.raise_for_status()
        return answer.json()


def _raise_unless_missing(error: httpx.HTTPStatusError) -> None:
    if error.response.status_code != httpx.codes.NOT_FOUND:
        raise error
