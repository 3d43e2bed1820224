"""When a job is due: unix-cron in a time zone, or `every N seconds` for local use. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

INTERVAL_S_MAX = 86_400
_EVERY = re.compile(r"every (\d{1,5}) seconds?")


class ScheduleError(ValueError):
    """A schedule or a time zone that does not exist; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Instants without an end. Made by `parse`."""

    text: str
    time_zone: str
    interval_s: int | None
    """For `every N seconds`; None for cron."""

    @classmethod
    def parse(cls, text: str, time_zone: str = "Etc/UTC") -> "Schedule":
        """From what a job says. Raises ScheduleError."""
        zone = _zone(time_zone)
        if every := _EVERY.fullmatch(text.strip()):
            if not 1 <= int(every[1]) <= INTERVAL_S_MAX:
                raise ScheduleError(f"every N seconds: N is 1 to {INTERVAL_S_MAX}, not {every[1]}")
            return cls(text, time_zone, int(every[1]))
        if len(text.split()) != 5:
            raise ScheduleError(f"a schedule is 5 cron fields or `every N seconds`, not {text!r}")
        try:
            next(CronSim(text, datetime(2026, 1, 1, tzinfo=zone)))
        except (CronSimError, StopIteration) as error:
            raise ScheduleError(f"the schedule {text!r} is never due: {error}") from error
        return cls(text, time_zone, None)

    @property
    def may_overlap(self) -> bool:
        """Cron waits for a call that lasts longer, as the cloud does; short local paces do not."""
        return self.interval_s is not None

    def next_after(self, now_s: float) -> int:
        """The first instant after `now_s` (both Unix seconds): a late start or a pause skips
        instants and never shifts them."""
        if self.interval_s is not None:
            return (int(now_s // self.interval_s) + 1) * self.interval_s
        now = datetime.fromtimestamp(now_s, _zone(self.time_zone))
        return int(next(CronSim(self.text, now)).astimezone(UTC).timestamp())


def _zone(name: str) -> tzinfo:
    if name in ("UTC", "Etc/UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleError(f"there is no time zone {name!r}: write one like Etc/UTC") from error
