"""Ticks, draws and epochs: half-open UTC intervals [n x length, (n+1) x length), numbered."""

from dataclasses import dataclass

MINUTE_S, HOUR_S = 60, 3_600
COMMIT_SECONDS_MAX = 12.0
"""Longer than a store is given for one write: what was recorded in time is there by then."""
EVIDENCE_DAYS = 90
"""How long measurements are kept. Statements, and entries of the ledger, are kept for ever."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The lengths that everything is counted in, in whole seconds."""

    sweep_seconds: int = 60
    check_seconds: int = 60
    epoch_seconds: int = 3600
    grace_seconds: int = 120

    def __post_init__(self) -> None:
        if min(self.sweep_seconds, self.check_seconds, self.epoch_seconds) < 1:
            raise ValueError("sweep, check and epoch lengths are at least one second")
        if self.epoch_seconds % self.sweep_seconds:
            raise ValueError(
                f"an epoch ({self.epoch_seconds} s) must be a whole number of sweeps "
                f"({self.sweep_seconds} s)"
            )
        if self.grace_seconds < 0:
            raise ValueError("the grace period cannot be negative")

    def tick_at(self, at_s: float) -> int:
        """The number of the sweep interval that `at_s` lies in."""
        return int(at_s // self.sweep_seconds)

    def draw_at(self, at_s: float) -> int:
        """The number of the lottery interval that `at_s` lies in."""
        return int(at_s // self.check_seconds)

    def epoch_at(self, at_s: float) -> int:
        """The number of the epoch that `at_s` lies in."""
        return int(at_s // self.epoch_seconds)

    def epoch_bounds_s(self, epoch: int) -> tuple[int, int]:
        """[start, end) of an epoch in Unix seconds."""
        return epoch * self.epoch_seconds, (epoch + 1) * self.epoch_seconds

    def ends_s(self, asked_s: float, wanted_s: float = 0.0) -> int:
        """When a stream ends whose sponsor asks for it at `asked_s`: with the epoch after that one,
        or with the later one in which `wanted_s` lies.

        What a stream owes is seen minute by minute. Who could end it at once would do so when the
        most minutes wait for their check, and pay for none of them."""
        return self.epoch_bounds_s(max(self.epoch_at(asked_s) + 1, self.last_epoch(wanted_s)))[1]

    def last_epoch(self, ends_s: float) -> int:
        """The last epoch of a stream that ends then: one that ends with an epoch has no more."""
        epoch = self.epoch_at(ends_s)
        return epoch - 1 if self.epoch_bounds_s(epoch)[0] == ends_s else epoch

    def settled_s(self, epoch: int) -> int:
        """When an epoch is settled, at the earliest."""
        return self.epoch_bounds_s(epoch)[1] + self.grace_seconds

    def ticks_of(self, epoch: int) -> range:
        """The sweep intervals of an epoch."""
        start_s, end_s = self.epoch_bounds_s(epoch)
        return range(start_s // self.sweep_seconds, end_s // self.sweep_seconds)

    @property
    def hour_seconds(self) -> int:
        """What pages draw as an hour. A network whose minutes are shorter than a minute runs for
        show, and has an epoch for it: its first day is over before anybody has gone."""
        if self.sweep_seconds >= MINUTE_S:
            return HOUR_S
        return min(self.epoch_seconds, HOUR_S)

    def hour_of(self, tick: int) -> int:
        """The hour that a sweep begins in, counted from 1970."""
        return tick * self.sweep_seconds // self.hour_seconds

    def ticks_of_hour(self, hour: int) -> range:
        """The sweeps that begin in an hour."""
        start_s, end_s = hour * self.hour_seconds, (hour + 1) * self.hour_seconds
        return range(-(-start_s // self.sweep_seconds), -(-end_s // self.sweep_seconds))

    def evidence_until_s(self, epoch: int) -> float:
        """Evidence recorded later than this is late: it is ignored and counted.

        A little before settling begins, so that what is being written in time is seen by all."""
        return self.epoch_bounds_s(epoch)[1] + self.grace_seconds - self.commit_seconds

    @property
    def commit_seconds(self) -> float:
        """How long a record may take from its time stamp to being readable."""
        return min(COMMIT_SECONDS_MAX, self.grace_seconds / 3)
