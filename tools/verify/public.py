"""Reads the public record of a coordinator over HTTP, as anyone may."""

import base64
from datetime import date, datetime
from typing import Any

import httpx

from coordinator.checking.checks import Check, Control, IngestState, Run, TrustChange, Verdict
from coordinator.checking.lengths import Length
from coordinator.checking.sealed_days import LotteryDay
from coordinator.documents.bitmaps import bitmap_from
from coordinator.ledger.statements import Statement
from coordinator.money import parse_tokens
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.rosters import Roster, Slot, roster_id
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SweepBits
from tools.verify.statements import statement_from

TIMEOUT_S = 20.0


class PublicRecord:
    """What a coordinator at `api` publishes. Raises httpx.HTTPError when it does not answer."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._rosters: dict[tuple[Shard, int], Roster] = {}

    async def day(self, day: date) -> LotteryDay:
        """A day's commitment and, after the day, its secret."""
        found = await self._get(f"/schedule/{day.isoformat()}")
        secret = found["secret"]
        return LotteryDay(
            day,
            found["commitment"],
            found["check_seconds"],
            found["checks_per_hour"],
            _unix(found["sealed_at"]),
            bytes.fromhex(secret) if secret else None,
            _controls_from(found["controls"]),
        )

    async def runs(self, draws: range) -> list[Run]:
        """Every published run of the draws, in order."""
        found: list[Run] = []
        draw: int | None = draws.start
        while draw is not None:
            page = await self._get("/runs", from_draw=draw, until_draw=draws.stop)
            found += [run_from(row) for row in page["runs"]]
            draw = page["next_draw"]
        return found

    async def sweeps(self, ticks: range) -> list[SweepBits]:
        """Every published sweep's bitmaps of the ticks, in order."""
        found: list[SweepBits] = []
        tick: int | None = ticks.start
        while tick is not None:
            page = await self._get("/sweeps", from_tick=tick, until_tick=ticks.stop)
            found += [_bits_from(row) for row in page["sweeps"]]
            tick = page["next_tick"]
        return found

    async def roster(self, shard: Shard, version: int) -> Roster:
        """A roster, read once; slots are never taken away from a version."""
        key = (shard, version)
        if key not in self._rosters:
            found = await self._get(f"/rosters/{roster_id(shard, version)}")
            slots = tuple(Slot(**row) for row in found["slots"])
            self._rosters[key] = Roster(shard, version, 0.0, slots, found["until_tick"])
        return self._rosters[key]

    async def stream(self, stream_id: str) -> Stream:
        """A stream, as far as settling depends on it."""
        found = await self._get(f"/streams/{stream_id}")
        return Stream(
            stream_id=found["stream_id"],
            name=found["name"],
            sponsor="",
            reward_micros_per_hour=parse_tokens(found["reward_per_node_hour"]),
            max_paid_nodes=found["max_paid_nodes"],
            created_s=_unix(found["created_at"]),
            ends_s=_unix(found["ends_at"]) if found["ends_at"] else None,
            key_hash="",
            request_hash="",
        )

    async def statement(self, stream_id: str, epoch: int) -> Statement | None:
        """A published statement, without loss; None where there is none."""
        try:
            return statement_from(await self._get(f"/streams/{stream_id}/statements/{epoch}"))
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.NOT_FOUND:
                return None
            raise

    async def _get(self, path: str, **query: Any) -> Any:
        answer = await self._client.get(path, params=query, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.json()


def run_from(row: dict[str, Any]) -> Run:
    """A run as it comes over the wire."""
    checks = tuple(
        Check(
            **{
                **check,
                "verdict": Verdict(check["verdict"]),
                "reason": Reason(check["reason"]),
                "event": TrustChange(check["event"]) if check["event"] else None,
                "attempts": tuple(check["attempts"]),
                "length": Length(check["length"]),
            }
        )
        for check in row["checks"]
    )
    return Run(
        row["draw"],
        row["started_s"],
        row["ended_s"],
        tuple(row["sweep_ids"]),
        {name: IngestState(state) for name, state in row["streams"].items()},
        checks,
        dict(row["excluded"]),
        _controls_from(row["controls"]) or {},
        row.get("partition", 0),  # an api of before there were parts says neither
        row.get("partitions", 1),
        row["is_late"],
        tuple(row["put_off"]),
    )


def _controls_from(found: dict[str, str] | None) -> dict[str, Control] | None:
    """Of a day that was sealed without them: None."""
    return None if found is None else {name: Control(kind) for name, kind in found.items()}


def _bits_from(row: dict[str, Any]) -> SweepBits:
    bitmaps = {name: bitmap_from(base64.b64decode(row[name])) for name in ("probed", *Outcome)}
    return SweepBits(
        Shard.parse(row["shard"]),
        row["sweep_tick"],
        row["roster_version"],
        **bitmaps,
        recorded_s=row["recorded_s"],
    )


def _unix(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
