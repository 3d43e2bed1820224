"""Settles what a simulated network recorded, by the real rules, and adds up what nodes earned."""

from collections import deque
from dataclasses import dataclass, field

from coordinator.checking.checks import Run
from coordinator.epochs import Calendar
from coordinator.ledger.balances import Balance, opening_balance
from coordinator.ledger.epoch_records import EpochRecord
from coordinator.ledger.settlements import settle
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.streams import Stream
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SweepBits

CALENDAR = Calendar(grace_seconds=420)
MINUTE_MICROS = 100_000
BALANCE_MICROS = 10**15
OPEN_MINUTES = 8
"""After its end an epoch waits for its grace."""


def stream_of(stream_id: str, ends_s: float | None = None) -> Stream:
    """A stream that pays everyone."""
    return Stream(
        stream_id=stream_id,
        name=stream_id,
        sponsor="ada",
        reward_micros_per_hour=60 * MINUTE_MICROS,
        max_paid_nodes=10_000,
        created_s=0.0,
        ends_s=ends_s,
        key_hash="0" * 64,
        request_hash="0" * 64,
    )


@dataclass
class Bank:
    """Of some streams."""

    start: int
    """The network's first minute."""
    streams: list[Stream]
    places: int = 10_000
    """For how many nodes each stream pays."""
    sweeps: list[SweepBits] = field(default_factory=list)
    recorded: list[Run] = field(default_factory=list)
    micros: dict[str, int] = field(default_factory=dict)
    """By node id, what was forfeited taken off."""
    earned: dict[str, int] = field(default_factory=dict)
    """By node id, whatever of it was forfeited later."""
    held: dict[str, deque[Statement]] = field(default_factory=dict)
    """By stream, the statements that are still held."""
    balances: dict[str, Balance] = field(default_factory=dict)
    """By stream."""
    _closed: dict[tuple[Shard, int], Roster] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.terms = Terms(60 * MINUTE_MICROS, self.places, 60)
        self._next = CALENDAR.epoch_at(self.start * 60)
        for stream in self.streams:
            opening = opening_balance(stream, BALANCE_MICROS, CALENDAR)
            self.balances.setdefault(stream.stream_id, opening)

    def closes_roster(self, roster: Roster) -> None:
        """One that is in force no more."""
        self._closed[roster.shard, roster.version] = roster

    def settles_until(self, minute: int, roster: Roster) -> None:
        """Every epoch whose grace is over by then."""
        while (self._next + 1) * 60 + OPEN_MINUTES <= self.start + minute:
            self._settles(self._next, roster)
            self._next += 1

    def minutes_of(self, node_id: str) -> float:
        """What it earned, in minutes' worth."""
        return self.micros.get(node_id, 0) / MINUTE_MICROS

    def earned_minutes_of(self, node_id: str) -> float:
        """What it earned in minutes' worth, before anything of that was forfeited."""
        return self.earned.get(node_id, 0) / MINUTE_MICROS

    def record(self, epoch: int) -> EpochRecord:
        """What is on record of an epoch."""
        ticks = CALENDAR.ticks_of(epoch)
        sweeps = [sweep for sweep in self.sweeps if sweep.tick in ticks]
        runs = [run for run in self.recorded if run.draw in ticks]
        return EpochRecord.of(epoch, CALENDAR, CALENDAR.evidence_until_s(epoch), sweeps, runs)

    def _settles(self, epoch: int, roster: Roster) -> None:
        record, ticks = self.record(epoch), CALENDAR.ticks_of(epoch)
        self._closed = {
            key: old for key, old in self._closed.items() if (old.until_tick or 0) > ticks.start
        }
        rosters = {**self._closed, (roster.shard, roster.version): roster}
        for stream in self.streams:
            held = self.held.setdefault(stream.stream_id, deque(maxlen=self.terms.holding_epochs))
            self._pays(record, stream, rosters, held)
        self.sweeps = [sweep for sweep in self.sweeps if sweep.tick >= ticks.stop]
        self.recorded = [run for run in self.recorded if run.draw >= ticks.stop]

    def _pays(
        self,
        record: EpochRecord,
        stream: Stream,
        rosters: dict[tuple[Shard, int], Roster],
        held: deque[Statement],
    ) -> None:
        before = held[-1] if held else None
        given = record.epoch_input(stream, self.terms, rosters, before, held)
        balance = self.balances[stream.stream_id]
        statement = settle(given, balance.balance_micros)
        at_s = float(CALENDAR.settled_s(record.epoch))
        self.balances[stream.stream_id], _ = balance.settled(statement, at_s, is_last=False)
        for row in statement.rows:
            net = row.earned_micros - row.forfeited_micros
            if net:
                self.micros[row.node_id] = self.micros.get(row.node_id, 0) + net
            if row.earned_micros:
                earned = self.earned.get(row.node_id, 0) + row.earned_micros
                self.earned[row.node_id] = earned
        held.append(statement)
