"""A program for a network namespace of its own: whose fault it is that a name does not resolve.

Prints, as JSON, what came of a name of each kind while the name server works, and what came of
honest names while it is broken.
"""

import asyncio
import json
import os

from coordinator.adapters.outbound.guard import Guard
from coordinator.strangers.addresses import AddressRefused
from tests.integration.name_server import NameServer, raise_loopback

CONTROLS = ("control.example.com", "control.example.net", "control.example.org")
KINDS = ("honest", "nx", "servfail", "refused", "slow", "silent")
BROKEN = ("servfail", "silent")


async def outcome(guard: Guard, name: str) -> str:
    """`resolved`, or the reason why not."""
    try:
        await guard.resolve(name)
    except AddressRefused as refused:
        return refused.reason.value
    return "resolved"


async def main() -> None:
    raise_loopback()
    server = NameServer()
    server.begin()
    guard = Guard(allow_private=False, control_names=CONTROLS)
    judged = await asyncio.gather(*(outcome(guard, f"a.{kind}.example") for kind in KINDS))
    told: dict[str, dict[str, str]] = {"works": dict(zip(KINDS, judged, strict=True))}
    for breaks in BROKEN:
        server.breaks = breaks
        names = ("a.honest.example", "b.honest.example")
        judged = await asyncio.gather(*(outcome(guard, name) for name in names))
        told[breaks] = dict(zip(names, judged, strict=True))
    server.breaks = ""
    told["works again"] = {"servfail": await outcome(guard, "b.servfail.example")}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # threads may still wait for an answer
