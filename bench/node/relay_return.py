"""A thousand nodes whose ingest was restarted: how soon all are back, and how they crowd."""

import json
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from agent.relay.restream.relay import TURNS_EVERY_S
from bench.node.relay_scene import Film, RelayScene
from bench.processes import MeasuredChild

PULLERS = 1_000
THIN = Film(kbit_a_second=40, pictures_a_second=2, sound_kbit=0)
"""One process has to read it a thousand times."""
TOLD_S = TURNS_EVERY_S + 2.0
"""By then the ingest has told all when it would be their turn."""
AWAY_S = 3.0
"""Longer than the shortest pause: some have tried in vain before it is back."""


class Return(NamedTuple):
    """From the moment at which the ingest listened again."""

    all_back_s: float
    peak: int
    """The most connections that it was asked for within any second."""


def returned(scene: RelayScene, client_core: int) -> Return:
    """End the ingest, start it again, publish again, and wait for all."""
    scene.publish(THIN)
    command = [sys.executable, "-m", "bench.node.pullers", str(scene.ingest_port), str(PULLERS)]
    with MeasuredChild(command, client_core, scene.folder / "pullers.log") as pullers:
        pullers.says()
        time.sleep(TOLD_S)
        scene.ingest.stop()
        time.sleep(AWAY_S)
        pullers.tell("again")
        begun_s = time.monotonic()
        scene.start_ingest()
        up_s = time.monotonic()
        scene.publish(THIN)
        told = json.loads(pullers.says())
    print(f"the ingest took {up_s - begun_s:.1f} s to start", flush=True)
    return Return(max(told["media_s"]) - up_s, peak(told["connected_s"]))


def peak(moments_s: Sequence[float], within_s: float = 1.0) -> int:
    """The most of them within any time so long. Pure."""
    moments_s = sorted(moments_s)
    most = first = 0
    for last, moment_s in enumerate(moments_s):
        while moments_s[first] <= moment_s - within_s:
            first += 1
        most = max(most, last - first + 1)
    return most
