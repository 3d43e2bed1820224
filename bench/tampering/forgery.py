"""One falsified copy of a recorded network, and what anybody finds who looks at it."""

import io
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from bench.simulations.simulated_day import no_sleep
from bench.tampering.recording import (
    CALENDAR,
    HOURS,
    MIDNIGHT_S,
    Recording,
    api_of,
    settler_of,
)
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.store.protocol import Fields, Ref
from coordinator.checking.checks import RUNS, Check, Run
from coordinator.ledger.entries import EntryKind
from coordinator.ledger.rows import Row
from coordinator.ledger.statements import Statement, statement_id
from coordinator.sweeping.packed_rosters import ROSTERS, PackedRoster
from coordinator.sweeping.rosters import Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import sweep_id
from tests.doubles.memory import MemoryStore
from tools.verify.public import PublicRecord
from tools.verify.recompute import EQUAL, verify_statement
from tools.verify.stream_audit import Whole

FIRST_EPOCH = CALENDAR.epoch_at(MIDNIGHT_S)
HOUR = 13
"""The hour that most of it is done to."""
SETTINGS = Ref("published_settings", f"{1:010d}")
Lie = Callable[[Any], Any]


@dataclass
class Forgery:
    """Copies of the stores, to be changed at will; `lies` change answers and no document."""

    recording: Recording
    measured: MemoryStore
    money: MemoryStore
    stream_id: str
    epoch: int = FIRST_EPOCH + HOUR
    """Which statement is audited."""
    lies: dict[str, Lie] = field(default_factory=dict)
    """By how the path ends."""

    @classmethod
    def of(cls, recording: Recording) -> "Forgery":
        """Nothing is changed yet."""
        measured, money = recording.measured.copy(), recording.money.copy()
        return cls(recording, measured, money, recording.stream_ids[0])

    async def statement(self, epoch: int | None = None) -> Statement:
        """As it is."""
        found = await Ledger(self.money).statement(self.stream_id, epoch or self.epoch)
        if found is None:
            raise LookupError(f"epoch {epoch or self.epoch} is not settled")
        return found

    async def state(self, change: Callable[[Statement], Statement]) -> None:
        """Rewrites the statement."""
        head, *_ = change(await self.statement()).to_documents()
        await self.money.put(Ref("statements", statement_id(self.stream_id, self.epoch)), head)

    async def row(self, node_id: str, change: Callable[[Row], Row]) -> None:
        """Rewrites a node's row of it."""
        await self.state(
            lambda old: replace(
                old,
                rows=tuple(change(row) if row.node_id == node_id else row for row in old.rows),
            )
        )

    async def fields(self, store: MemoryStore, ref: Ref, change: Mapping[str, Any]) -> None:
        """Rewrites fields of a document."""
        (old,) = await store.get(ref)
        if old is None:
            raise LookupError(f"there is no {ref}")
        await store.put(ref, {**old, **change})

    async def runs(self, draws: range | None = None) -> list[Run]:
        """Of the day, or of some draws."""
        first = CALENDAR.draw_at(MIDNIGHT_S)
        wanted = draws or range(first, first + HOURS * 12)
        return await Measurements(self.measured).runs(wanted)

    async def put_run(self, run: Run) -> None:
        """Rewrites a run."""
        await self.fields(self.measured, Ref("probe_results", run.id), RUNS.encode(run))

    async def pick(self, wanted: Callable[[Check], bool], after_h: int = 2) -> tuple[Run, Check]:
        """The first such check after an hour; its epoch is what is audited."""
        for run in await self.runs():
            for check in run.checks:
                if wanted(check) and check.due_s > MIDNIGHT_S + after_h * 3_600:
                    self.epoch = CALENDAR.epoch_at(check.due_s)
                    return run, check
        raise LookupError("no check of the record is like that")

    async def check(self, wanted: Callable[[Check], bool], **changed: Any) -> None:
        """Rewrites the first such check, and settles again."""
        run, old = await self.pick(wanted)
        checks = tuple(replace(c, **changed) if c == old else c for c in run.checks)
        await self.put_run(replace(run, checks=checks))
        await self.settle_again()

    async def sweep(self, tick: int, change: Callable[[Fields], Mapping[str, Any]]) -> None:
        """Rewrites a sweep."""
        ref = Ref("probe_results", sweep_id(WHOLE, tick))
        (old,) = await self.measured.get(ref)
        if old is None:
            raise LookupError(f"there is no {ref}")
        await self.measured.put(ref, {**old, **change(old)})

    async def slots(self, change: Callable[[Slot], Slot]) -> None:
        """Rewrites every slot of the roster, and settles again."""
        (latest,) = await Measurements(self.measured).latest_sweeps()
        roster = await Measurements(self.measured).roster(WHOLE, latest.roster_version)
        changed = replace(roster, slots=tuple(change(slot) for slot in roster.slots))
        await self.measured.put(Ref("rosters", roster.id), ROSTERS.encode(PackedRoster.of(changed)))
        await self.settle_again()

    async def settle_again(
        self,
        stream: Mapping[str, Any] | None = None,
        settings: Mapping[str, int] | None = None,
        before: Callable[[MemoryStore], Awaitable[None]] | None = None,
        without: str | None = None,
    ) -> None:
        """Settles the epoch and all after it anew, from what the record is now.

        By another stream or other settings than are published, if asked, and from tokens that are
        changed `before`. A deposit of the request `without` comes an epoch late."""
        self.money = self.recording.before[self.epoch].copy()
        measured, honest = self.measured.copy(), (await self.money.get(SETTINGS))[0]
        if stream:
            await self.fields(measured, Ref("streams", self.stream_id), stream)
        if settings:
            await self.fields(self.money, SETTINGS, settings)
        if before:
            await before(self.money)
        for epoch in sorted(each for each in self.recording.before if each >= self.epoch):
            now_s = CALENDAR.settled_s(epoch) + 120.0
            await self._deposit(now_s, without)
            await settler_of(measured, self.money, now_s, settings or {}).settle_due()
        if settings and honest:
            await self.money.put(SETTINGS, honest)

    async def settle_all_again(self, **how: Any) -> None:
        """From the first epoch on; audited is the same one as before."""
        audited, self.epoch = self.epoch, min(self.recording.before)
        await self.settle_again(**how)
        self.epoch = audited

    async def _deposit(self, now_s: float, without: str | None) -> None:
        """What the sponsor added until then: the same request is entered once."""
        for stream_id in self.recording.stream_ids:
            for entry in await Ledger(self.recording.money).entries(stream_id):
                late_s = CALENDAR.epoch_seconds if entry.request == without else 0
                if entry.kind is EntryKind.TOP_UP and entry.at_s + late_s <= now_s:
                    await Ledger(self.money).top_up(
                        stream_id, entry.amount_micros, entry.at_s, entry.request
                    )

    async def found(self) -> tuple[str, str]:
        """(what `make audit` says, the first finding of `make verify`); empty where all agrees."""
        app = api_of(self.measured, self.money, self.recording.now_s)
        transport = _Lying(httpx.ASGITransport(app=app), self.lies)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            said = io.StringIO()
            with redirect_stdout(said):
                now_s = self.recording.now_s
                record = PublicRecord(client)
                status = await verify_statement(record, self.stream_id, self.epoch, now_s)
                whole = Whole(PublicRecord(client, no_sleep), now_s)
                await whole.stream(self.stream_id)
        audit = "" if status == EQUAL else said.getvalue().splitlines()[0].partition(": ")[2]
        return audit, next(iter([*whole.findings, *whole.untold]), "")


class _Lying(httpx.AsyncBaseTransport):
    """Answers as the api does, but for some paths."""

    def __init__(self, honest: httpx.AsyncBaseTransport, lies: Mapping[str, Lie]) -> None:
        self._honest, self._lies = honest, lies

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._honest.handle_async_request(request)
        for path, lie in self._lies.items():
            if request.url.path.endswith(path) and answer.status_code == httpx.codes.OK:
                said = lie(json.loads(await answer.aread()))
                return httpx.Response(200, json=said, request=request)
        return answer
