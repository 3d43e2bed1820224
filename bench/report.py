"""What a measuring verb hands in: a table for people, and `build/<verb>.json` for programs."""

import json
import operator
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
_COMPARE: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


class NotMeasurableError(SystemExit):
    """Ends the verb with one sentence that says what never came, or what to do."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; `goal` like "<= 0.8" or "0.9 to 1.1", empty where it only informs."""

    name: str
    value: float
    unit: str
    goal: str = ""
    peer: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if not self.goal:
            return None
        if " to " in self.goal:
            low, high = map(float, self.goal.split(" to "))
            return low <= self.value <= high
        sign, limit = self.goal.split()
        return _COMPARE[sign](self.value, float(limit.replace(",", "")))


def machine() -> str:
    """What the figures were measured on."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} x {model}, load {load:.1f}, Python {platform.python_version()}"


def hand_in(verb: str, figures: list[Figure], folder: Path = BUILD) -> None:
    """Prints the table and writes `<verb>.json` into the folder."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    print(f"\n{verb}, {at}, {machine()}\n")
    lines = [("figure", "value", "unit", "goal", "peer", "met")]
    lines += [
        (f.name, f"{f.value:,.3f}".rstrip("0").rstrip("."), f.unit, f.goal, f.peer, _word(f.met))
        for f in figures
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    for line in lines:
        print("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())
    rows = [{**asdict(figure), "met": figure.met} for figure in figures]
    folder.mkdir(exist_ok=True)
    text = json.dumps({"at": at, "machine": machine(), "rows": rows}, indent=1)
    (folder / f"{verb}.json").write_text(text + "\n")


def say(line: str) -> None:
    """Progress, beside the table."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def _word(met: bool | None) -> str:
    return "" if met is None else ("yes" if met else "NO")
