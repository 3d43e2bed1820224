"""One Firestore emulator for the whole session; tests clear it and do not restart it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import uvloop

from emulator.firestore_emulator import FirestoreEmulator
from tests.integration import hostile


@pytest.fixture(scope="session")
def firestore() -> Iterator[FirestoreEmulator]:
    """A running emulator that every Firestore client of this process finds by itself.

    Not an async fixture: those are set up anew for each kind of event loop."""
    emulator = FirestoreEmulator()
    asyncio.run(emulator.start())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", emulator.host)
        yield emulator
    asyncio.run(emulator.stop())


@pytest.fixture
def heeds_interrupts() -> Iterator[None]:
    """What is started in the background of a shell would ignore them, and so would its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
async def nothing_is_left() -> AsyncIterator[None]:
    """No task and no socket outlives a test."""
    tasks, sockets = len(asyncio.all_tasks()), hostile.sockets()
    yield
    await hostile.until(lambda: len(asyncio.all_tasks()) <= tasks)
    await hostile.until(lambda: hostile.sockets() <= sockets)


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Outbound connections are tried on both event loops: the adapter runs on either.

    The prober's own reader on the one that the prober runs on: what that one does with a connection
    whose peer is gone is not what the other does."""
    if item.path.name == "test_rtmp_reader.py":
        return {"uvloop": uvloop.new_event_loop}
    if item.path.name in ("test_outbound.py", "test_http_client.py"):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}
