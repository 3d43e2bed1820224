"""How often a name server is asked."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace

import pytest

from coordinator.adapters.outbound.guard import ANSWERS_AFTER, RESOLVERS_MAX, Guard
from coordinator.adapters.outbound.replies import LIMITS
from coordinator.strangers.addresses import AddressRefused

NAMED = "n.example"


class _NameServer:
    """Answers when it is let, and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.found: Sequence[str] = ("51.7.11.13",)

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        await self.answers.wait()
        if not self.found:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.found


async def test_any_number_of_nodes_cost_a_name_server_one_question_a_sweep() -> None:
    """More than there are places."""
    server = _NameServer()
    guard = Guard(allow_private=False, resolve=server.resolve, kept_s=3_600.0)
    crowd = [asyncio.create_task(guard.resolve(NAMED)) for _ in range(3 * RESOLVERS_MAX)]
    await asyncio.sleep(0)
    server.answers.set()
    assert set(await asyncio.gather(*crowd)) == {"51.7.11.13"}
    assert await guard.resolve(NAMED) == "51.7.11.13"
    assert server.asked == [NAMED]


async def test_a_name_is_asked_for_again_in_the_next_sweep_and_followed() -> None:
    """What it resolved to holds for a while."""
    server = _NameServer()
    server.answers.set()
    guard = Guard(allow_private=False, resolve=server.resolve, kept_s=0.05)
    assert await guard.resolve(NAMED) == "51.7.11.13"
    server.found = ("51.7.11.17",)
    await asyncio.sleep(0.06)
    assert await guard.resolve(NAMED) == "51.7.11.17"
    assert server.asked == [NAMED, NAMED]


async def test_a_name_that_does_not_resolve_is_asked_for_again() -> None:
    """At once: what its node's operator has mended is seen."""
    server = _NameServer()
    server.answers.set()
    server.found = ()
    guard = Guard(allow_private=False, resolve=server.resolve, kept_s=60.0)
    with pytest.raises(AddressRefused):
        await guard.resolve(NAMED)
    server.found = ("51.7.11.13",)
    assert await guard.resolve(NAMED) == "51.7.11.13"


async def test_a_crowd_of_one_name_counts_as_one_answer() -> None:
    """Ten in a row bring it a place among names that answer, beside the crowd of silent ones."""
    server = _NameServer()
    guard = Guard(allow_private=False, resolve=server.resolve)
    crowd = [asyncio.create_task(guard.resolve(NAMED)) for _ in range(2 * ANSWERS_AFTER)]
    await asyncio.sleep(0)
    server.answers.set()
    await asyncio.gather(*crowd)
    server.answers.clear()
    silent = [asyncio.create_task(guard.resolve(f"{n}.example")) for n in range(RESOLVERS_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(AddressRefused, match="took all our places"):
        await guard.resolve(NAMED, replace(LIMITS, resolve_seconds=0.01))
    server.answers.set()
    await asyncio.gather(*silent)
