"""The api as it is deployed: a process of its own, over real HTTP, on real Firestore."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import httpx
import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.checking.sealed_days import LotteryDay
from coordinator.checking.thumbnails import Thumbnail
from coordinator.keys import sha256_hex
from emulator.firestore_emulator import FirestoreEmulator
from emulator.processes.ports import LOOPBACK, Ports
from emulator.processes.supervisor import Child, Command, Supervisor
from tests.lived import PICTURE, Lived
from tests.sponsors import enter

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "openapi"
DAY = LotteryDay(date(2026, 11, 22), "0" * 64, 60, 4, 1_795_000_000.0)
KEY = "k" * 43
"""At once a sponsor's, a node's and the ingest's: each kind of key opens its own routes."""
JPEG = b"\xff\xd8\xff" + bytes(500) + b"\xff\xd9"
START_SECONDS_MAX = 60.0


@asynccontextmanager
async def served(firestore: FirestoreEmulator, folder: Path) -> AsyncIterator[str]:
    """Its URL, on a port of its own; prints its log if it does not start or something failed."""
    ports = Ports()
    port = ports.any()
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "functions"),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "FIRESTORE_EMULATOR_HOST": firestore.host,
        "INGEST_URL": "rtmp://203.0.113.5:1935/live",
        "INGEST_KEY_HASH": sha256_hex(KEY),
        "REQUESTS_PER_SECOND": "100000",
        "ALLOW_PRIVATE_ADDRESSES": "true",
    }
    framework = str(Path(sys.executable).parent / "functions-framework")
    source = ("--source", str(ROOT / "functions/api/main.py"), "--target", "api", "--asgi")
    argv = (framework, *source, "--host", LOOPBACK, "--port", str(port))
    try:
        await _enter_a_sponsor(firestore)
        async with Supervisor(folder / "logs") as supervisor:
            child = await supervisor.start(Command("api", argv, env))
            url = f"http://{LOOPBACK}:{port}"
            await _answers(url, child)
            await _stands_behind_its_edge(url)
            yield url
            said = "\n".join(child.output.tail())
            assert "request_failed" not in said, said
    finally:
        ports.close()


async def _enter_a_sponsor(firestore: FirestoreEmulator) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", firestore.host)
        money = FirestoreStore(PROJECT, "money")
        await enter(money, ada=KEY)
    await money.close()


async def _answers(url: str, child: Child) -> None:
    async with asyncio.timeout(START_SECONDS_MAX), httpx.AsyncClient(trust_env=False) as client:
        while True:
            assert child.death is None, "\n".join(child.output.tail())
            try:
                if (await client.get(f"{url}/healthz", timeout=30)).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def _stands_behind_its_edge(url: str) -> None:
    """Even what functions-framework answers by itself is a problem, with the usual headers."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{url}/robots.txt")
    assert answer.json()["type"] == "/problems/unknown-route"
    assert answer.headers["x-request-id"]


async def seed(firestore: FirestoreEmulator) -> None:
    """A network that has lived for two hours, so that there is something of everything."""
    stores = [FirestoreStore(PROJECT, name) for name in ("(default)", "money")]
    try:
        for name in ("(default)", "money"):
            await firestore.clear(PROJECT, name)
        await Lived(2, stores[0], stores[1]).live()
        await enter(stores[1], ada=KEY)
        measurements = Measurements(stores[0])
        assert await measurements.seal(DAY)
        assert await measurements.create_thumbnail(Thumbnail(PICTURE, DAY.sealed_s, JPEG))
    finally:
        for store in stores:
            await store.close()
