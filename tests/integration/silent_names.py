"""A program for a network namespace of its own: honest names behind a crowd of silent ones.

Its name server answers nothing about names of `silent.example`. Prints what came of SILENT names,
twice, of HONEST others that were asked for behind them and after them, and of HONEST ones that had
answered before.
"""

import asyncio
import json
import os
from collections import Counter

from coordinator.adapters.outbound.guard import ANSWERS_AFTER, RESOLVERS_MAX, Guard
from tests.integration.judged_names import CONTROLS, outcome
from tests.integration.name_server import NameServer, raise_loopback

SILENT, HONEST = 4 * RESOLVERS_MAX, 50


async def _outcomes(guard: Guard, host: str, count: int) -> Counter[str]:
    asked = (outcome(guard, f"n{n}.{host}.example") for n in range(count))
    return Counter(await asyncio.gather(*asked))


async def main() -> None:
    raise_loopback()
    NameServer().begin()
    guard = Guard(allow_private=False, control_names=CONTROLS)
    for _ in range(ANSWERS_AFTER):
        await _outcomes(guard, "a.honest", HONEST)
    silent = asyncio.create_task(_outcomes(guard, "silent", SILENT))
    meanwhile = asyncio.create_task(_outcomes(guard, "honest", HONEST))
    known = asyncio.create_task(_outcomes(guard, "a.honest", HONEST))
    told = {
        "silent": await silent,
        "honest meanwhile": await meanwhile,
        "known meanwhile": await known,
        "honest then": await _outcomes(guard, "honest", HONEST),
        "silent again": await _outcomes(guard, "silent", SILENT),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # threads may still wait for an answer
