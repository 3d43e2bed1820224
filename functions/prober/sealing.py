"""The day's secret: sealed before the day by its commitment, opened after it."""

from dataclasses import dataclass, field
from datetime import date

from coordinator.adapters.records import Measurements
from coordinator.days import LotteryDay, days_around
from coordinator.schedule import Lottery, commitment, day_secret


@dataclass
class Sealer:
    """Publishes what must be public of each day's lottery, and draws by what was published."""

    measurements: Measurements
    lottery_key: str
    check_seconds: int
    checks_per_hour: int
    _known: dict[date, LotteryDay] = field(default_factory=dict)

    async def lottery(self, now_s: float, day: date) -> Lottery:
        """The lottery of `day` at the rate it was sealed with.

        Seals today and tomorrow where that was not done yet, and opens yesterday once its last
        check is over. Any number of instances may do so at once: a commitment is created once."""
        yesterday, today, tomorrow = days_around(now_s)
        await self._read({yesterday, today, tomorrow, day})
        for each in sorted({today, tomorrow, day} - self._known.keys()):
            self._known[each] = await self._seal(each, now_s)
        await self._open(yesterday, now_s)
        return self._known[day].lottery(self._secret(day))

    async def _read(self, days: set[date]) -> None:
        """Reads the days that this process has not seen sealed yet."""
        wanted = sorted(days - self._known.keys())
        if wanted:
            stored = await self.measurements.lottery_days(wanted)
            self._known |= {day.day: day for day in stored if day is not None}

    async def _seal(self, day: date, now_s: float) -> LotteryDay:
        new = LotteryDay(
            day,
            commitment(self._secret(day)),
            self.check_seconds,
            self.checks_per_hour,
            round(now_s, 3),
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
        self._known[day] = sealed.opened(self._secret(day))
        await self.measurements.publish(self._known[day])

    def _secret(self, day: date) -> bytes:
        return day_secret(self.lottery_key, day)
