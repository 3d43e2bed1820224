"""A stream's settled epochs as bars and as a line; positions in percent or of a plain grid."""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.money import format_tokens
from coordinator.projections.stream_projection import StreamHour

CHART_HOURS_MAX = 48
BARS_PX = 120
LINE_PX = 100
"""The line's grid is so high and has a column an epoch; the drawing stretches it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: `paid`, `voided` or `other`."""

    kind: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Column:
    """One epoch's bar; `x` and `width` in percent."""

    x: str
    width: str
    says: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Charts:
    """Both drawings of the same epochs, oldest first."""

    from_s: int
    until_s: int
    columns: tuple[Column, ...]
    most_minutes: int
    """What a bar of full height stands for."""
    points: str
    """The balance, for a polyline."""
    most_micros: int
    delivered_says: str
    balance_says: str


def charts_of(newest_first: Sequence[StreamHour]) -> Charts | None:
    """None before the first epoch is settled."""
    hours = list(reversed(newest_first[:CHART_HOURS_MAX]))
    if not hours:
        return None
    most = max(1, *(_total(hour) for hour in hours))
    top = max(1, *(max(h.balance_before_micros, h.balance_after_micros) for h in hours))
    paid = sum(hour.minutes_paid for hour in hours)
    voided = sum(hour.minutes_voided for hour in hours)
    first, last = hours[0], hours[-1]
    return Charts(
        first.starts_s,
        last.ends_s,
        tuple(_column(at, hour, len(hours), most) for at, hour in enumerate(hours)),
        most,
        " ".join(_points(at, hour, top) for at, hour in enumerate(hours)),
        top,
        f"{paid} node-minutes were paid and {voided} voided in {len(hours)} epochs.",
        f"The balance went from {format_tokens(first.balance_before_micros)} "
        f"to {format_tokens(last.balance_after_micros)} tokens.",
    )


def _total(hour: StreamHour) -> int:
    return hour.minutes_paid + sum(hour.unpaid.values())


def _column(at: int, hour: StreamHour, count: int, most: int) -> Column:
    other = _total(hour) - hour.minutes_paid - hour.minutes_voided
    pieces, top = [], float(BARS_PX)
    for kind, minutes in (
        ("paid", hour.minutes_paid),
        ("voided", hour.minutes_voided),
        ("other", other),
    ):
        height = BARS_PX * minutes / most
        top -= height
        if minutes:
            pieces.append(Piece(kind, f"{top:.1f}", f"{height:.1f}"))
    says = f"{hour.minutes_paid} node-minutes paid, {hour.minutes_voided} voided, {other} others"
    gap = 12 / count
    x, width = 100 * at / count + gap / 2, 100 / count - gap
    return Column(f"{x:.3f}%", f"{width:.3f}%", says, tuple(pieces))


def _points(at: int, hour: StreamHour, top: int) -> str:
    before = LINE_PX - LINE_PX * hour.balance_before_micros / top
    after = LINE_PX - LINE_PX * hour.balance_after_micros / top
    return f"{at},{before:.2f} {at + 1},{after:.2f}"
