"""Checks as people read them: the last connection's numbers, in a few words, and its picture."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.checking.checks import Check, Verdict

_PICTURE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,3}")
_SERVED = (Verdict.PASS, Verdict.DEGRADED)


@dataclass(frozen=True, slots=True)
class CheckView:
    """One row of a page's table."""

    check: Check
    numbers: tuple[tuple[str, str], ...]
    """(what, how much) of the last connection."""
    connections: int
    picture: str | None
    """Names a thumbnail."""
    minutes_voided: int

    @property
    def served(self) -> bool:
        """Whether the picture is the stream's; else it is what a cheat chose to show."""
        return self.check.verdict in _SERVED


def views_of(checks: Iterable[Check], voided: Mapping[int, int]) -> list[CheckView]:
    """Newest first; `voided` is how many minutes each cost, by draw."""
    ordered = sorted(checks, key=lambda check: -check.due_s)
    return [
        CheckView(
            check,
            numbers_of(check.attempts[-1]) if check.attempts else (),
            len(check.attempts),
            fit_picture(check.thumbnail),
            voided.get(check.draw, 0),
        )
        for check in ordered
    ]


def numbers_of(attempt: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What an attempt measured, as far as it came to that."""
    found = []
    if attempt.get("eligible"):
        share = min(attempt.get("packet_ratio", 0.0), attempt.get("byte_ratio", 0.0))
        of = f"{attempt.get('matched', 0)} of {attempt['eligible']} packets"
        found.append(("delivered", f"{share:.0%}, {of}"))
    if attempt.get("foreign_ratio"):
        found.append(("foreign", f"{attempt['foreign_ratio']:.0%} of the bytes"))
    if attempt.get("lag_s") is not None:
        found.append(("behind", f"{attempt['lag_s']:.2f} s"))
    if attempt.get("seconds") is not None:
        received = attempt.get("bytes", 0) / 1000
        found.append(("received", f"{received:,.0f} kB in {attempt['seconds']:.1f} s"))
    return tuple(found)


def fit_picture(name: str | None) -> str | None:
    """The name of a thumbnail, if it can stand in a path."""
    return name if name and len(name) <= 200 and _PICTURE.fullmatch(name) else None
