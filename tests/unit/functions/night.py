"""A network at night: swept, and checked by a prober whose time passes as it sleeps."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from coordinator.adapters.log import Log
from coordinator.adapters.media.camera import picture_of
from coordinator.adapters.media.rtmp_reference import ReferencePool
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Fields, Ref
from coordinator.checking.checks import Check, Control, Verdict
from coordinator.epochs import Calendar
from coordinator.proof.judging import ProofParameters
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from prober.capacity import Capacity
from prober.captor import captor_of
from prober.checker import Checker
from prober.draws import Due
from prober.ingest_checks import IngestChecks
from prober.pictures import Pictures
from prober.prober import Prober
from prober.sealer import Sealer
from tests.doubles.crashing import CrashingStore
from tests.doubles.memory import MemoryStore

MIDNIGHT_S = 1_795_305_600
FIRST = MIDNIGHT_S // 60
CALENDAR = Calendar()
NODES = [f"n{i}" for i in (2, 3, 5, 7)]


class Patient(Checker):
    """Makes no connection; one node's check lasts until it is told to end.

    `outcomes`: why checks fail, by node id."""

    def __init__(
        self, like: Checker, slow: str, outcomes: Mapping[str, Reason] | None = None
    ) -> None:
        super().__init__(**{f.name: getattr(like, f.name) for f in fields(like) if f.init})
        self.slow, self.go_on, self.outcomes = slow, asyncio.Event(), outcomes or {}

    async def check(self, due: Due, draw: int, reference: object, ingest: IngestChecks) -> Check:
        """Of everybody else at once."""
        name = due.slot.node_id
        if name == self.slow:
            await self.go_on.wait()
        reason = self.outcomes.get(name, Reason.PASSED)
        failed = Verdict.UNKNOWN if reason.is_ours else Verdict.FAIL
        verdict = Verdict.PASS if reason is Reason.PASSED else failed
        attempts = ({"started_s": due.due_s, "seconds": 7.0, "reason": reason.value},)
        return Check(
            name, "s3", draw, due.due_s, verdict, reason, attempts=attempts, length=due.length
        )


@dataclass
class Night:
    """A network that is swept, with its nodes up in the past and down now: no media is needed."""

    store: MemoryStore = field(default_factory=MemoryStore)
    now_s: float = 0.0

    @property
    def measurements(self) -> Measurements:
        """A new instance's."""
        return Measurements(self.store)

    async def is_swept(self, ticks: range, outcome: Outcome = Outcome.DOWN) -> None:
        """Every node so in each tick."""
        reason = Reason.OK if outcome is Outcome.UP else Reason.CONNECT_FAILED
        polls = {at: Poll(outcome, reason, 1, 1) for at in range(len(NODES))}
        slots = tuple(Slot(n, "s3", "http://192.0.2.5/", "192.0.2.5", 1935, 1, 1.0) for n in NODES)
        await self.measurements.put_roster(Roster(WHOLE, 1, 1.0, slots))
        for tick in ticks:
            await self.measurements.create_sweep(Sweep(WHOLE, tick, 1, polls), tick * 60.0)

    def prober(
        self,
        checks_per_hour: int = 60,
        check_seconds: int = 60,
        controls: Mapping[str, Control] | None = None,
    ) -> Prober:
        """A new instance; its time passes as it sleeps."""

        def now() -> float:
            return self.now_s

        async def sleep(seconds: float) -> None:
            self.now_s += seconds

        measurements, log = self.measurements, Log("prober", "WARNING")
        return Prober(
            measurements,
            ReferencePool(now=now),
            Checker(
                captor_of(now),
                HttpClient(Guard(allow_private=False)),
                ProofParameters(),
                now,
                sleep,
                log,
                Capacity(1.0),
            ),
            Sealer(measurements, "k" * 32, check_seconds, checks_per_hour, controls or {}),
            Calendar(60, check_seconds, 3600, 120),
            "rtmp://203.0.113.5:1935/live",
            Pictures(measurements, picture_of, now, log),
            now,
            sleep,
            log,
        )

    async def runs(self, prober: Prober, draw: int) -> dict[str, Any]:
        """A call at the beginning of a draw."""
        self.now_s = draw * 60 + 0.25
        return await prober.run()

    async def recorded(self, draws: range) -> list[int]:
        """The draws among these that are on record."""
        return [run.draw for run in await self.measurements.runs(draws)]


@dataclass
class Dawdling(CrashingStore):
    """Time passes as soon as a draw is claimed: its run finds it over, and waits for nobody."""

    night: Night

    def __init__(self, night: Night) -> None:
        super().__init__()
        self.night = night

    async def create(self, ref: Ref, fields: Fields) -> bool:
        created = await super().create(ref, fields)
        if ref.collection == "claims":
            self.night.now_s = (self.night.now_s // 60 + 1) * 60 + 20.0
        return created


async def a_night(until_tick: int) -> tuple[Night, Dawdling]:
    """One in which all nodes are up, and every run finds its draw over."""
    night = Night()
    night.store = store = Dawdling(night)
    await night.is_swept(range(FIRST - 2, until_tick), Outcome.UP)
    return night, store
