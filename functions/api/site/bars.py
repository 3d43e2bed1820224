"""A node's past as small inline pictures: a bar an hour, a bar a day.

What was up is a wide bar from below, what was not a thin line above it, so that nobody needs to
tell colours apart. Nothing in them is a style: the style sheet knows their classes.
"""

from collections import Counter
from dataclasses import dataclass

from coordinator.projections.history import (
    ABSENT,
    DAYS,
    FLOORS_PERMILLE,
    HOURS,
    IDLE,
    LEVELS,
    level_of,
)
from coordinator.projections.network_view import NodeView

STEP_PX, HEIGHT_PX = 5, 20
_HEIGHTS_PX = (0, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 15, 17, 20)
"""Of the wide bar, by level."""
_GOOD, _FAIR = LEVELS[FLOORS_PERMILLE.index(990)], LEVELS[FLOORS_PERMILLE.index(900)]


@dataclass(frozen=True, slots=True)
class Bars:
    """One picture: SVG path data by class, and what it says to who cannot see it."""

    width: int
    paths: dict[str, str]
    says: str


def hour_bars(node: NodeView) -> Bars | None:
    """The last 24 hours; None before the first measured one."""
    return _bars(node.history.hours, HOURS, "hours")


def day_bars(node: NodeView) -> Bars | None:
    """The last 30 days with the present one; None before its first measured hour."""
    today = level_of(node.history.today) if node.until_hour % HOURS else ""
    levels = (node.history.days + today)[-DAYS:]
    return _bars(levels, DAYS, "days")


def _bars(levels: str, count: int, unit: str) -> Bars | None:
    if not levels.strip(ABSENT):
        return None
    paths: dict[str, list[str]] = {}
    first = count - len(levels)
    for at, level in enumerate(levels, first):
        middle = at * STEP_PX + 2
        if level in (ABSENT, IDLE):
            mark = f"M{middle - 1} 19h2" if level == ABSENT else f"M{middle - 2} 16h4"
            paths.setdefault("none" if level == ABSENT else "idle", []).append(mark)
            continue
        top = HEIGHT_PX - _HEIGHTS_PX[LEVELS.index(level)]
        if top < HEIGHT_PX:
            paths.setdefault(_class_of(level), []).append(f"M{middle} 20V{top}")
        if top:
            paths.setdefault("lost", []).append(f"M{middle} {top}V0")
    drawn = {name: "".join(marks) for name, marks in paths.items()}
    return Bars(count * STEP_PX, drawn, _sentence(levels, unit))


def _class_of(level: str) -> str:
    if level >= _GOOD:
        return "good"
    return "fair" if level >= _FAIR else "poor"


def _sentence(levels: str, unit: str) -> str:
    """`"Last 24 hours: 22 at least 99 % up, worst at least 50 %, 1 not measured."`."""
    counts = Counter(levels)
    measured = [level for level in levels if level in LEVELS]
    told = []
    if measured:
        good = sum(level >= _GOOD for level in measured)
        told.append(f"{good} of {len(measured)} measured at least 99 % up")
    if measured and min(measured) < _GOOD:
        told.append(f"worst {_share_of(min(measured))}")
    if counts[IDLE]:
        told.append(f"{counts[IDLE]} without a live stream")
    if counts[ABSENT]:
        told.append(f"{counts[ABSENT]} not measured")
    return f"Last {len(levels)} {unit}: {', '.join(told)}."


def _share_of(level: str) -> str:
    at = LEVELS.index(level)
    if at == 0:
        return "not up at all"
    return f"{FLOORS_PERMILLE[at] / 10:g} to {FLOORS_PERMILLE[at + 1] / 10:g} %"
