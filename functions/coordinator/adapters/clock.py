"""The one place where the time is read."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Unix seconds, now."""

system_clock: Clock = time.time
