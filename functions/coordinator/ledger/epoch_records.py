"""An epoch's measurements as they were recorded in time, and what is settled from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coordinator.checking.checks import Check, Run, Verdict
from coordinator.checking.last_run import UNDECIDED
from coordinator.epochs import Calendar
from coordinator.ledger.forfeits import confirmed_in, forfeits_of, held_of, losses_of
from coordinator.ledger.newcomers import newcomers_of
from coordinator.ledger.settlements import EpochInput
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.streams import Stream
from coordinator.sweeping.goodbyes import without_goodbyes
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SweepBits
from coordinator.sweeping.uptime import ingest_ticks_of, minutes_of


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One epoch, all streams."""

    epoch: int
    calendar: Calendar
    evidence_until_s: float
    """What was recorded later is late: see `Calendar.evidence_until_s`."""
    sweeps: tuple[SweepBits, ...]
    runs: tuple[Run, ...]
    late: int
    """Documents left out because they were late."""

    @classmethod
    def of(
        cls,
        epoch: int,
        calendar: Calendar,
        evidence_until_s: float,
        sweeps: Sequence[SweepBits],
        runs: Sequence[Run],
    ) -> "EpochRecord":
        """What counts of everything that is on record for the epoch."""
        in_time = tuple(sweep for sweep in sweeps if sweep.recorded_s <= evidence_until_s)
        ended = tuple(run for run in runs if run.ended_s <= evidence_until_s)
        late = len(sweeps) - len(in_time) + len(runs) - len(ended)
        return cls(epoch, calendar, evidence_until_s, in_time, ended, late)

    def checks(self) -> list[Check]:
        """All that were due within the epoch, but those of control nodes, which are not paid."""
        starts_s, ends_s = self.calendar.epoch_bounds_s(self.epoch)
        return [
            check
            for run in self.runs
            for check in run.checks
            if starts_s <= check.due_s < ends_s and check.node_id not in run.controls
        ]

    def losses(self) -> dict[str, float]:
        """From when on nodes lose what is still pending of earlier epochs, by node id."""
        return losses_of(self.checks(), self.calendar.epoch_bounds_s(self.epoch)[0])

    def frauds(self) -> frozenset[str]:
        """Nodes that the epoch's checks confirmed as frauds."""
        return confirmed_in(self.checks())

    def minutes(
        self, stream: Stream, rosters: Mapping[tuple[Shard, int], Roster]
    ) -> dict[str, Minutes]:
        """What the sweeps saw of the stream's nodes, by node id."""
        ticks = live_ticks(stream, self.epoch, self.calendar)
        ingest = ingest_ticks_of(stream.stream_id, self.runs, self.calendar, ticks)
        found = minutes_of(stream.stream_id, ticks, rosters, self.sweeps, ingest) if ticks else {}
        return without_goodbyes(found, rosters.values(), ticks, self.calendar.sweep_seconds)

    def epoch_input(
        self,
        stream: Stream,
        terms: Terms,
        rosters: Mapping[tuple[Shard, int], Roster],
        before: Statement | None,
        held: Iterable[Statement],
    ) -> EpochInput:
        """What a stream's statement is settled from.

        `before` is the statement of the epoch before; `held` are those of the `holding_epochs`
        epochs before, needed only as far back as there are `losses`."""
        starts_s, ends_s = self.calendar.epoch_bounds_s(self.epoch)
        ticks = live_ticks(stream, self.epoch, self.calendar)
        carried = before.carried() if before else {}
        minutes, checks = self.minutes(stream, rosters), self.checks()
        here = [c for c in checks if ticks and c.stream_id == stream.stream_id]
        known = minutes.keys() | carried.keys() | {check.node_id for check in here}
        return EpochInput(
            stream_id=stream.stream_id,
            epoch=self.epoch,
            starts_s=starts_s,
            ends_s=ends_s,
            terms=terms,
            minutes=minutes,
            checks=here,
            elsewhere=[c for c in checks if c.stream_id != stream.stream_id and c.node_id in known],
            carried=carried,
            frauds=self.frauds(),
            forfeits=forfeits_of(self.losses(), held, self.epoch, held_of(self.checks(), starts_s)),
            newcomers=newcomers_of(
                stream.stream_id,
                rosters.values(),
                starts_s,
                terms.minute_seconds,
                self.calendar.check_seconds,
            ),
            counted=before.counted() if before else frozenset(),
            unverified=_is_unverified(here),
            closes=stream.ends_s is not None and stream.ends_s <= ends_s,
            check_seconds=self.calendar.check_seconds,
            evidence_until_s=self.evidence_until_s,
            roster_ids=tuple(sorted(roster.id for roster in rosters.values())),
        )


def draws_of(epoch: int, calendar: Calendar) -> range:
    """The draws whose checks may be due in the epoch."""
    starts_s, ends_s = calendar.epoch_bounds_s(epoch)
    return range(calendar.draw_at(starts_s), calendar.draw_at(ends_s - 1) + 1)


def live_ticks(stream: Stream, epoch: int, calendar: Calendar) -> range:
    """The epoch's whole ticks before the stream's end."""
    ticks = calendar.ticks_of(epoch)
    if stream.ends_s is None:
        return ticks
    return range(ticks.start, max(ticks.start, min(ticks.stop, calendar.tick_at(stream.ends_s))))


def _is_unverified(checks: Sequence[Check]) -> bool:
    """Whether nobody could pass a check, because of what the sponsor published."""
    told = any(check.reason in UNDECIDED for check in checks)
    return told and not any(check.verdict is Verdict.PASS for check in checks)
