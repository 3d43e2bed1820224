"""What a network is set to, dated: every statement is settled by what was published before it.

A change of settings is a new entry of a history that nobody rewrites. It counts for the epochs that
begin after it was published, so that nobody is paid by terms that came when he had served.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from coordinator.documents.codec import Codec
from coordinator.epochs import Calendar
from coordinator.ledger.terms import UNKNOWN_MINUTES_MAX, Terms
from coordinator.streams import Stream

RULES = 9
"""Counts up when the same evidence, under the same settings, would be settled otherwise."""
CHECKS_PER_HOUR = 4
"""By default."""


class LengthsChangedError(ValueError):
    """Ticks, draws and epochs number documents: a network keeps the lengths that it began with."""


@dataclass(frozen=True, slots=True)
class PublishedSettings:
    """The money document `published_settings/{number}`: all but a stream's own terms."""

    number: int
    """1, 2, 3, …; 0 while it is not published."""
    since_s: float
    """When it was published, Unix seconds; epochs that began before go by the one before it."""
    sweep_seconds: int = 60
    """Length of a minute."""
    check_seconds: int = 60
    """Length of a draw."""
    epoch_seconds: int = 3600
    grace_seconds: int = 120
    """How long after its end an epoch is settled."""
    checks_per_hour: int = CHECKS_PER_HOUR
    """Expected checks of a node; a day's draws go by the rate that the day was sealed with."""
    holding_epochs: int = 24
    network_percent: int = 20
    network_nodes_free: int = 3
    unknown_minutes_max: int = UNKNOWN_MINUTES_MAX
    rules: int = RULES
    """Which rules settle it."""

    @classmethod
    def of(
        cls,
        calendar: Calendar,
        holding_epochs: int = 24,
        network_percent: int = 20,
        checks_per_hour: int = CHECKS_PER_HOUR,
        unknown_minutes_max: int = UNKNOWN_MINUTES_MAX,
    ) -> "PublishedSettings":
        """What a deployment is set to, not published yet."""
        return cls(
            number=0,
            since_s=0.0,
            sweep_seconds=calendar.sweep_seconds,
            check_seconds=calendar.check_seconds,
            epoch_seconds=calendar.epoch_seconds,
            grace_seconds=calendar.grace_seconds,
            checks_per_hour=checks_per_hour,
            holding_epochs=holding_epochs,
            network_percent=network_percent,
            unknown_minutes_max=unknown_minutes_max,
        )

    @property
    def calendar(self) -> Calendar:
        """The lengths that everything is counted in."""
        return Calendar(
            self.sweep_seconds, self.check_seconds, self.epoch_seconds, self.grace_seconds
        )

    def terms(self, stream: Stream) -> Terms:
        """What a stream pays by them."""
        return Terms(
            rate_micros_per_hour=stream.reward_micros_per_hour,
            max_paid_nodes=stream.max_paid_nodes,
            minute_seconds=self.sweep_seconds,
            holding_epochs=self.holding_epochs,
            network_percent=self.network_percent,
            network_nodes_free=self.network_nodes_free,
            unknown_minutes_max=self.unknown_minutes_max,
        )

    @property
    def lengths(self) -> tuple[int, int, int]:
        """Those that number documents."""
        return self.sweep_seconds, self.check_seconds, self.epoch_seconds

    def says_the_same(self, other: "PublishedSettings") -> bool:
        """Whether only number and date differ."""
        return replace(self, number=0, since_s=0.0) == replace(other, number=0, since_s=0.0)


History = Sequence[PublishedSettings]
"""All published settings, oldest first."""
PUBLISHED_SETTINGS = Codec(PublishedSettings, "published_settings")


def in_force(history: History, epoch: int) -> PublishedSettings:
    """What an epoch is settled by: the last that was published when it began.

    The first entry also stands for the time before it: a network's first epoch has begun before
    its payout is called for the first time."""
    starts_s, _ = history[0].calendar.epoch_bounds_s(epoch)
    return [history[0], *(each for each in history[1:] if each.since_s <= starts_s)][-1]


def following(
    history: History, wanted: PublishedSettings, now_s: float
) -> PublishedSettings | None:
    """The next entry of the history; None if nothing has changed.

    Raises LengthsChangedError where documents would be numbered anew."""
    if not history:
        return replace(wanted, number=1, since_s=now_s)
    last = history[-1]
    if wanted.says_the_same(last):
        return None
    if wanted.lengths != last.lengths:
        raise LengthsChangedError(
            "SWEEP_SECONDS, CHECK_SECONDS and EPOCH_SECONDS are "
            f"{', '.join(map(str, last.lengths))} while this network lives: set them so again"
        )
    return replace(wanted, number=last.number + 1, since_s=max(now_s, last.since_s))
