"""How hard the laws are tried: `HYPOTHESIS_PROFILE=nightly` reaches a million operations.

With `ci` the same code is always tried with the same examples; else each run draws new ones.
"""

import gc
import os

from hypothesis import HealthCheck, settings

_SIZE = [HealthCheck.data_too_large, HealthCheck.filter_too_much]
_SPEED = [HealthCheck.too_slow]

# Never by the clock: how fast a machine is, or how busy, is no property of the code.
settings.register_profile("default", deadline=None, suppress_health_check=_SPEED)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.register_profile(
    "nightly", max_examples=20_000, deadline=None, suppress_health_check=_SPEED + _SIZE
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_finish() -> None:
    """What stands after collecting is there to the end: looking through it for what can go costs
    a tenth of a test's time. What tests make is looked through as ever, a little more seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
