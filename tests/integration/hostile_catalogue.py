"""The whole catalogue of misbehaviours, and how all of it is done to a pair of relays."""

import asyncio

from tests.integration import hostile_bytes, hostile_orders, hostile_publishers
from tests.integration.hostile_clients import MISBEHAVIOURS, happened
from tests.integration.relays import Relays

AT_ONCE = 24
PARTS = (hostile_bytes, hostile_orders, hostile_publishers)
"""Each enters its own."""
HOSTILE_STREAMS = hostile_publishers.HOSTILE_STREAMS
CASES = [(name, role) for name, entry in MISBEHAVIOURS.items() for role in entry.roles]


async def misbehave(relays: Relays) -> dict[tuple[str, str], str]:
    """All of it, many at once; what came of each, empty where it was expected."""
    slots, found = asyncio.Semaphore(AT_ONCE), dict[tuple[str, str], str]()

    async def one(name: str, role: str) -> None:
        async with slots:
            found[name, role] = await happened(MISBEHAVIOURS[name], relays.address(role))

    await asyncio.gather(*(one(name, role) for name, role in CASES))
    return found
