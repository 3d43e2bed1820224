"""A node that is only a claim: lively statistics, and nothing at all on its RTMP port.

Run as `python -m emulator.cheats.dead`.
"""

import os
import time

from emulator.cheats.false_claims import FalseClaims, Setup, run


async def dead() -> None:
    """Claims to be healthy until killed."""
    await FalseClaims(Setup.from_env(os.environ), time.time()).run()


if __name__ == "__main__":
    run(dead)
