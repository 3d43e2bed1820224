"""What a statement has to be settled from, out of everything but the statement itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from coordinator.checking.checks import Control, Run
from coordinator.checking.lottery import day_of
from coordinator.epochs import Calendar
from coordinator.ledger.epoch_records import EpochRecord, draws_of
from coordinator.ledger.published_settings import RULES, PublishedSettings, in_force
from coordinator.ledger.terms import Terms
from coordinator.streams import Stream
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SweepBits
from tools.verify.deliveries import Openings
from tools.verify.public import PublicRecord
from tools.verify.standing_rosters import rosters_in_force


class UntoldError(Exception):
    """Something that a statement depends on is not published, or not any more."""


@dataclass(frozen=True, slots=True)
class EpochEvidence:
    """All that was measured in an epoch, with everything that its minutes depend on."""

    record: EpochRecord
    """What of it was recorded in time."""
    sweeps: Sequence[SweepBits]
    runs: Sequence[Run]
    """All of it, with the control nodes that the days were sealed with."""
    rosters: Mapping[tuple[Shard, int], Roster]


@dataclass(frozen=True)
class Derivation:
    """Derives what an epoch of a stream is settled from."""

    record: PublicRecord
    stream: Stream
    history: Sequence[PublishedSettings]

    @classmethod
    async def of(cls, record: PublicRecord, stream_id: str) -> "Derivation":
        """Of a registered stream; UntoldError while no settings are published."""
        history = await record.settings()
        if not history:
            raise UntoldError("no settings are published yet: see /config")
        return cls(record, await record.stream(stream_id), history)

    def settings(self, epoch: int) -> PublishedSettings:
        """What the epoch goes by; UntoldError where other rules settled it than ours."""
        found = in_force(self.history, epoch)
        if found.rules != RULES:
            raise UntoldError(
                f"it was settled by rules {found.rules}, and this program has rules {RULES}: "
                "take the version of its time"
            )
        return found

    def terms(self, epoch: int) -> Terms:
        """What the stream pays in the epoch."""
        return self.settings(epoch).terms(self.stream)

    @property
    def first_epoch(self) -> int:
        """The epoch in which the stream was registered."""
        return self.history[0].calendar.epoch_at(self.stream.created_s)

    async def openings(self) -> tuple[dict[int, int], list[str]]:
        """(what each settled epoch must begin with, what does not agree on the way)."""
        delivery = await self.record.delivery(self.stream.stream_id)
        if not delivery.is_whole:
            raise UntoldError("its first entries are not published any more")
        openings = Openings(delivery, lambda epoch: self.settings(epoch).calendar.settled_s(epoch))
        findings = list(openings.findings())
        return openings.by_epoch, findings

    async def evidence(self, epoch: int) -> EpochEvidence:
        """What was measured in the epoch and recorded in time."""
        calendar = self.settings(epoch).calendar
        ticks = calendar.ticks_of(epoch)
        sweeps = await self.record.sweeps(ticks)
        runs = await self.record.runs(draws_of(epoch, calendar))
        runs = await self._as_sealed(runs, calendar)
        until_s = calendar.evidence_until_s(epoch)
        found = EpochRecord.of(epoch, calendar, until_s, sweeps, runs)
        rosters = await rosters_in_force(self.record, found.sweeps, ticks)
        return EpochEvidence(found, sweeps, runs, rosters)

    async def _as_sealed(self, runs: Iterable[Run], calendar: Calendar) -> list[Run]:
        """The runs with the control nodes that their days were sealed with, whatever they say."""
        found = []
        for run in runs:
            sealed = await self._controls(day_of(run.draw, calendar.check_seconds))
            found.append(run if sealed is None else replace(run, controls=dict(sealed)))
        return found

    async def _controls(self, day: date) -> Mapping[str, Control] | None:
        """None of a day that was sealed before controls were: only its runs can tell."""
        sealed = await self.record.sealed_day(day)
        return {} if sealed is None else sealed.controls
