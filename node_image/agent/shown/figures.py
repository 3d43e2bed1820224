"""Figures and instants in words, as people read them. Pure."""

from datetime import UTC, datetime

_UNITS_S = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def amount(value: float, unit: str) -> str:
    """`1.2 GB`, `340.0 kbit/s`, `7 B`."""
    for step, letter in _STEPS:
        if value >= step:
            return f"{value / step:.1f} {letter}{unit}"
    return f"{value:.0f} {unit}"


def lasting(seconds: float) -> str:
    """`3 min`: the largest unit that fits, rounded down."""
    for length, unit in _UNITS_S:
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return "0 s"


def instant(at_s: float) -> str:
    """`22 Nov 14:52 UTC`."""
    return f"{datetime.fromtimestamp(at_s, UTC):%d %b %H:%M} UTC"


def words(code: str) -> str:
    """`no stream` for `no_stream`."""
    return code.replace("_", " ").replace(":", ": ")
