"""The table of costs in docs/ops.md follows from the prices and formulas above it."""

import json
import math
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "docs" / "ops.md").read_text().split("\n## What it costs\n")[1].split("\n## ")[0]
HOURS, LIVE_HOURS, BIT_RATE, BEAT_S, BUSY_S = 730, 100, 4_000_000, 300, 0.1
SWEEP_S, REST_HOURS_A_DAY = 5, 25 / 60


def _prices() -> dict[str, list[float]]:
    rows = re.findall(r"^\| (`[^|]+) \| ([\d., ]+) \|", SECTION, re.MULTILINE)
    found: dict[str, list[float]] = {}
    for names, values in rows:
        keys, numbers = re.findall(r"`(\w+)`", names), [float(v) for v in values.split(", ")]
        if len(keys) == 1:
            found[keys[0]] = numbers
        else:
            found |= {key: [number] for key, number in zip(keys, numbers, strict=True)}
    return found


PRICES = _prices()
ROWS = re.findall(r"^\| ([\d,]+)(, at rest)? \| (.+) \|$", SECTION, re.MULTILINE)


def _costs(nodes: int, is_at_rest: bool) -> list[float]:
    price = {name: values[0] for name, values in PRICES.items()}
    seconds = HOURS * 3600
    awake_h = HOURS / 24 * REST_HOURS_A_DAY if is_at_rest else HOURS
    gib = nodes * BIT_RATE / 8 * LIVE_HOURS * 3600 / 2**30
    steps = (min(gib, 1024), max(0.0, min(gib, 10_240) - 1024), max(0.0, gib - 10_240))
    traffic = sum(part * each for part, each in zip(steps, PRICES["traffic"], strict=True))
    beats = nodes / BEAT_S * seconds
    # Beats that overlap share an instance.
    busy_s = seconds * (1 - math.exp(-nodes / BEAT_S * BUSY_S))
    machine = price["machine_large" if nodes >= 1000 else "machine_small"]
    return [
        traffic,
        beats * price["request"] + busy_s * (price["cpu"] + price["gib"] / 2),
        awake_h * 60 * SWEEP_S * (price["cpu"] + price["gib"]),
        awake_h * 3600 * 2 * (price["cpu_on"] + price["gib_on"]),
        HOURS * (machine + price["control"] + 2 * price["address"]),
    ]


@pytest.mark.parametrize(("nodes", "rest", "cells"), ROWS)
def test_a_row_follows_from_the_prices(nodes: str, rest: str, cells: str) -> None:
    """To the dollar, the sum included."""
    shown = [int(cell.replace(",", "")) for cell in cells.split(" | ")]
    expected = _costs(int(nodes.replace(",", "")), bool(rest))
    assert shown == [round(each) for each in (*expected, sum(expected))]


def test_networks_of_every_size_are_there() -> None:
    """And one that nobody uses."""
    assert [nodes for nodes, *_ in ROWS] == ["0", "10", "100", "1,000"]


def test_what_is_assumed_of_the_deployment_is_deployed() -> None:
    """The prober's size, a heartbeat's pace, and when jobs run."""
    prober = (ROOT / "terraform" / "prober.tf").read_text()
    assert 'memory = "${max(2, var.prober_cpus)}Gi"' in prober
    variables = (ROOT / "terraform" / "variables.tf").read_text()
    assert re.search(r'"prober_cpus" \{\n.*\n.*\n  default     = 2\n', variables)
    wiring = (ROOT / "functions" / "api" / "wiring.py").read_text()
    assert f"HEARTBEAT_SECONDS_MAX = {BEAT_S // 10}" in wiring
    assert (
        "STEADY_FACTOR = 10"
        in (ROOT / "functions" / "api" / "services" / "announcements.py").read_text()
    )
    jobs = json.loads((ROOT / "terraform" / "jobs.json").read_text())["jobs"]
    assert jobs["collector-{shard}"]["schedule"] == "* * * * *"
    assert 'default     = "e2-standard-2"' in (ROOT / "terraform" / "variables.tf").read_text()
