"""What Terraform makes of each size of network: read out of its plan, and recorded here.

`tests/terraform/test_costs.py` reads a plan anew and holds the record to it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("deployed.json")
MACHINES = Path(__file__).parents[2] / "terraform" / "ingest_machines.json"
"""Terraform chooses the ingest's machine by the same table."""


@dataclass(frozen=True)
class Instance:
    """An instance on Cloud Run. All are billed by requests."""

    cpu: Decimal
    gib: Decimal


@dataclass(frozen=True)
class Deployed:
    """One size, with one shard and one part of the prober."""

    services: Mapping[str, Instance]
    other_machines: tuple[str, ...]
    """Types of those beside the ingest's; each has an address and a disk."""
    disk_gb: int
    jobs: int
    jobs_a_part: int
    """Of these so many are made anew for each further part."""
    metrics: int
    """That the conditions of alerts read."""
    secrets: int
    uptime_checks: int


@dataclass(frozen=True)
class IngestMachine:
    """The machine of an ingest, and what it sends."""

    type: str
    mbits: int


def read(file: Path = FILE) -> dict[str, Deployed]:
    """By size."""
    told: dict[str, dict[str, Any]] = json.loads(file.read_text(), parse_float=Decimal)
    return {size: _deployed(each) for size, each in told.items()}


def ingest_machines(file: Path = MACHINES) -> dict[str, list[IngestMachine]]:
    """By size, the least first."""
    told = json.loads(file.read_text())
    return {size: [IngestMachine(**each) for each in table] for size, table in told.items()}


def _deployed(told: Mapping[str, Any]) -> Deployed:
    services = {
        name: Instance(Decimal(each["cpu"]), Decimal(each["gib"]))
        for name, each in told["services"].items()
    }
    return Deployed(
        **{
            **told,
            "services": services,
            "other_machines": tuple(told["other_machines"]),
        }
    )
