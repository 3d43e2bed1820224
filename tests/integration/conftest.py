"""One Firestore emulator for the whole session; tests clear it and do not restart it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import uvloop

from emulator.firestore import FirestoreEmulator


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def firestore() -> AsyncIterator[FirestoreEmulator]:
    """A running emulator that every Firestore client of this process finds by itself."""
    async with FirestoreEmulator() as emulator:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FIRESTORE_EMULATOR_HOST", emulator.host)
            yield emulator


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Outbound connections are tried on both event loops: the adapter runs on either."""
    if item.path.name == "test_outbound.py":
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}
