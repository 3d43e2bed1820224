"""The prober's own checker, as its wiring builds it: a bench's nodes are on this machine."""

import asyncio
import time

from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.proof.judging import ProofParameters
from prober.capacity import Capacity
from prober.captor import captor_of
from prober.checker import Checker

EVERYBODY = 1e6
"""Processors that places are given for: a bench bounds by itself how much is checked at once."""


def real_checker() -> Checker:
    """A new one."""
    return Checker(
        captor_of(time.time),
        HttpClient(Guard(allow_private=True)),
        ProofParameters(),
        time.time,
        asyncio.sleep,
        Log("prober", "ERROR"),
        Capacity(EVERYBODY),
    )
