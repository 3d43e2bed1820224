"""A node that is only a claim: lively statistics, and nothing at all on its RTMP port.

Run as `python -m emulator.cheats.dead`.
"""

import os
import time

from emulator.cheats.claims import Claims, Setup, run


async def dead() -> None:
    """Claims to be healthy until killed."""
    await Claims(Setup.from_env(os.environ), time.time()).run()


if __name__ == "__main__":
    run(dead)
