"""A day of the lottery as it is published: sealed before it begins, opened after it has ended."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from coordinator.checking.checks import Control
from coordinator.checking.lengths import LAST_RECORD_S_MAX
from coordinator.checking.lottery import Lottery, commitment
from coordinator.documents.codec import Codec, Stored

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class LotteryDay:
    """The document `schedule_days/{date}`; rate and controls are committed to as the secret is.

    A change of CHECKS_PER_HOUR or of the control nodes therefore takes effect with the first day
    that was not sealed yet, within two days. CHECK_SECONDS numbers the draws, and is refused if it
    changes."""

    day: date
    commitment: str
    """Hex SHA-256 of the day's secret."""
    check_seconds: int
    checks_per_hour: int
    sealed_s: float
    """When the commitment was published, Unix seconds."""
    secret: Annotated[bytes | None, Stored.AS_IS] = None
    """Published once the day is over and no check of it can still come."""
    controls: Mapping[str, Control] | None = None
    """Control nodes by node id: no other is checked in every draw, unpaid and untrusted. None of a
    day that was sealed before they were published with it."""

    @property
    def starts_s(self) -> int:
        """Midnight UTC, Unix seconds."""
        return int(datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC).timestamp())

    @property
    def was_sealed_in_advance(self) -> bool:
        """False for a network's very first day, which was sealed after it had begun."""
        return self.sealed_s < self.starts_s

    def draws(self) -> range:
        """The draws that begin in the day."""
        first = -(-self.starts_s // self.check_seconds)
        return range(first, -(-(self.starts_s + DAY_S) // self.check_seconds))

    def may_open(self, now_s: float) -> bool:
        """Whether the last check that the secret draws is over, its retest too: the secret tells
        when that comes."""
        return now_s >= self.starts_s + DAY_S + self.check_seconds + LAST_RECORD_S_MAX

    def opened(self, secret: bytes) -> "LotteryDay":
        """With its secret; ValueError unless it is the one that was committed to."""
        if commitment(secret) != self.commitment:
            raise ValueError(f"this is not the secret that {self.day} was sealed with")
        return replace(self, secret=secret)

    def lottery(self, secret: bytes | None = None) -> Lottery:
        """The day's draws, by its published secret or by the given one."""
        drawn_by = secret or self.secret
        if drawn_by is None:
            raise ValueError(f"the secret of {self.day} is not published yet")
        return Lottery(drawn_by, self.check_seconds, self.checks_per_hour)


SCHEDULE_DAYS = Codec(LotteryDay, "schedule_days")


def days_around(now_s: float) -> tuple[date, date, date]:
    """(yesterday, today, tomorrow) in UTC."""
    today = datetime.fromtimestamp(now_s, UTC).date()
    return today - timedelta(days=1), today, today + timedelta(days=1)
