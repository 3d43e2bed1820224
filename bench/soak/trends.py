"""Whether a series of measurements is flat: how much it rose, beside how much it wavers. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

POINTS_MIN = 4


@dataclass(frozen=True, slots=True)
class Trend:
    """The second half of a series, as a line."""

    level: float
    """In the middle."""
    rise: float
    """From its begin to its end, along the line."""
    noise: float
    """Standard deviation of the points around the line."""
    seconds: float

    @property
    def rise_an_hour(self) -> float:
        """If it goes on so."""
        return self.rise / self.seconds * 3_600 if self.seconds else 0.0


def second_half(points: Sequence[tuple[float, float]]) -> Trend:
    """Of (second, value). ValueError with too few to tell a line from its noise."""
    half = [point for point in points if point[0] >= (points[0][0] + points[-1][0]) / 2]
    if len(half) < POINTS_MIN:
        raise ValueError(f"{len(half)} measurements are too few")
    times, values = [at for at, _ in half], [value for _, value in half]
    middle, level = sum(times) / len(half), sum(values) / len(half)
    spread = sum((at - middle) ** 2 for at in times)
    slope = sum((at - middle) * (value - level) for at, value in half) / spread
    rest = sum((value - level - slope * (at - middle)) ** 2 for at, value in half)
    seconds = times[-1] - times[0]
    return Trend(level, slope * seconds, sqrt(rest / (len(half) - 2)), seconds)
