"""The day's secret: sealed before the day by its commitment, opened after it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Control
from coordinator.checking.lottery import Lottery, commitment, day_secret
from coordinator.checking.sealed_days import LotteryDay, days_around

PAST_DAYS = 7
"""So many days back one that was left shut is opened: the prober was away when it ended."""


@dataclass
class Sealer:
    """Publishes what must be public of each day's lottery, and draws by what was published."""

    measurements: Measurements
    lottery_key: str
    check_seconds: int
    checks_per_hour: int
    controls: Mapping[str, Control] = field(default_factory=dict)
    """With which days are sealed from now on, by node id."""
    _known: dict[date, LotteryDay] = field(default_factory=dict)
    _looked_for: set[date] = field(default_factory=set)

    async def lottery(self, now_s: float, day: date) -> Lottery:
        """The lottery of `day` at the rate it was sealed with.

        Seals today and tomorrow where that was not done yet, and opens the days before once the
        last check of each is over. Any number of instances may do so at once: a commitment is
        created once. ValueError if the day was sealed with another length of draws: by this one
        its draws have other numbers."""
        yesterday, today, tomorrow = days_around(now_s)
        past = [yesterday - timedelta(days=n) for n in range(PAST_DAYS)]
        await self._read({*past, today, tomorrow, day})
        for each in sorted({today, tomorrow, day} - self._known.keys()):
            self._known[each] = await self._seal(each, now_s)
        for each in past:
            await self._open(each, now_s)
        sealed = self._known[day]
        if sealed.check_seconds != self.check_seconds:
            raise ValueError(
                f"{day} was sealed with CHECK_SECONDS={sealed.check_seconds}: set it so again"
            )
        return sealed.lottery(self._secret(day))

    def controls_of(self, day: date) -> Mapping[str, Control]:
        """The control nodes of a day whose lottery was asked for before: those it was sealed with.

        Whoever could name others during the day could take anybody's failures off the record."""
        sealed = self._known[day].controls
        return self.controls if sealed is None else sealed

    async def _read(self, days: set[date]) -> None:
        """Reads the days that this process has not looked for yet."""
        wanted = sorted(days - self._looked_for)
        if wanted:
            stored = await self.measurements.lottery_days(wanted)
            self._known |= {day.day: day for day in stored if day is not None}
            self._looked_for |= set(wanted)

    async def _seal(self, day: date, now_s: float) -> LotteryDay:
        new = LotteryDay(
            day,
            commitment(self._secret(day)),
            self.check_seconds,
            self.checks_per_hour,
            round(now_s, 3),
            controls=dict(self.controls),
        )
        if await self.measurements.seal(new):
            return new
        (stored,) = await self.measurements.lottery_days([day])
        if stored is None:
            raise LookupError(f"{day} was neither sealed nor could it be")
        return stored

    async def _open(self, day: date, now_s: float) -> None:
        sealed = self._known.get(day)
        if sealed is None or sealed.secret is not None or not sealed.may_open(now_s):
            return
        if commitment(self._secret(day)) != sealed.commitment:
            return  # sealed with a key that was rotated since: it stays shut, for all to see
        opened = sealed.opened(self._secret(day))
        await self.measurements.publish(opened)
        self._known[day] = opened

    def _secret(self, day: date) -> bytes:
        return day_secret(self.lottery_key, day)
