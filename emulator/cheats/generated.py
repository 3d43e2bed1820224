"""A node that makes its own picture and never pulls the stream.

Run as `python -m emulator.cheats.generated other` for a picture of its own, or
`… generated later` for the stream's very source (a film that anybody has), begun half a minute
later; the publisher's seed is then read from SOURCE_SEED.
"""

import asyncio
import os
import secrets
import sys

from emulator import publisher
from emulator.cheats.false_claims import Setup, run
from emulator.cheats.serving import pretend

SEEDS = 1_000_000
LATER_SECONDS = 30.0


async def generated() -> None:
    """Publishes to itself until killed."""
    is_other = sys.argv[1:] != ["later"]
    seed = secrets.randbelow(SEEDS) if is_other else int(os.environ.get("SOURCE_SEED", "1"))
    setup = Setup.from_env(os.environ)
    made = publisher.argv("", seed, None)
    source = made[made.index("-nostats") + 1 : made.index("-f", made.index("-c:a"))]
    await asyncio.sleep(0.0 if is_other else LATER_SECONDS)
    await pretend(setup, source)


if __name__ == "__main__":
    run(generated)
