"""Procedures of docs/ops.md that change a running network, on Firestore's emulator.

Others run elsewhere: a change of shards in test_shards.py, a rotated lottery key in
tests/unit/functions/test_sealer.py, and what Terraform does in tests/terraform/test_ops.py.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from google.cloud.firestore import Client
from starlette.applications import Starlette
from starlette.routing import Route

from api.wiring import build as build_api
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.settings import PayoutSettings
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.checking.lengths import GRACE_SECONDS
from coordinator.keys import sha256_hex
from coordinator.ledger.balances import opening_balance
from emulator.firestore_emulator import FirestoreEmulator
from payout.wiring import build_on as build_payout
from tests.settled_epochs import CALENDAR, DEPOSIT, START_S, STREAM, evidence
from tests.unit.functions.conftest import bearer
from tools.sponsor import main

PROJECT = "procedures"
EPOCHS = 3
NODE_KEY = "k" * 43
SPONSOR_KEYS = "old-key-of-the-sponsor", "new-key-of-the-sponsor"
INGEST_KEYS = "old-key-of-the-ingest", "new-key-of-the-ingest"
WISH = {"name": "Main stage", "token_balance": "5", "reward_per_node_hour": "1"}


@pytest.fixture
async def databases(firestore: FirestoreEmulator) -> None:
    """All that the procedures use, empty."""
    for name in ("(default)", "money", "money-restored", "money-other"):
        await firestore.clear(PROJECT, name)


async def _payout_runs(money: str, now_s: float) -> list[dict[str, Any]]:
    """One call of the payout, configured for a database; what it settled."""
    told = {"GOOGLE_CLOUD_PROJECT": PROJECT, "MONEY_DATABASE": money, "HOLDING_EPOCHS": "2"}
    settings = PayoutSettings.from_env(told)
    stores = FirestoreStore(PROJECT), FirestoreStore(PROJECT, settings.money_database)
    answer = build_payout(*stores, settings, lambda: now_s, None)
    transport = httpx.ASGITransport(app=Starlette(routes=[Route("/", answer, methods=["POST"])]))
    async with httpx.AsyncClient(transport=transport, base_url="http://payout") as client:
        done = await client.post("/")
    for store in stores:
        await store.close()
    assert done.status_code == 200, done.text
    return list(done.json()["settled"])


def _after(epochs: int) -> float:
    """When so many of the test's epochs may be settled."""
    return START_S + epochs * 3600 + GRACE_SECONDS


async def _opened(money: str) -> None:
    store = FirestoreStore(PROJECT, money)
    await Ledger(store).open(opening_balance(STREAM, DEPOSIT, CALENDAR))
    await store.close()


async def _measured() -> None:
    store = FirestoreStore(PROJECT)
    await evidence(store, EPOCHS)
    await store.close()


def _documents(database: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Everything in a database, by collection and id."""
    client = Client(project=PROJECT, database=database)
    found = {
        (collection.id, document.id): document.to_dict() or {}
        for collection in client.collections()
        for document in collection.stream()
    }
    client.close()  # type: ignore[no-untyped-call]  # Google's own
    return found


def _restored(backup: Mapping[tuple[str, str], dict[str, Any]], database: str) -> None:
    """A backup as another database, as restoring makes it."""
    client = Client(project=PROJECT, database=database)
    for (collection, name), fields in backup.items():
        client.collection(collection).document(name).set(fields)
    client.close()  # type: ignore[no-untyped-call]  # Google's own


@pytest.mark.usefixtures("databases")
async def test_a_database_restored_from_a_backup_ends_as_the_lost_one() -> None:
    """The epochs that the backup did not have yet are settled again, with the same result."""
    await _opened("money")
    await _measured()
    assert len(await _payout_runs("money", _after(1))) == 1
    backup = _documents("money")
    assert len(await _payout_runs("money", _after(EPOCHS))) == EPOCHS - 1
    lost = _documents("money")
    assert lost != backup

    _restored(backup, "money-restored")
    assert len(await _payout_runs("money-restored", _after(EPOCHS))) == EPOCHS - 1
    assert _documents("money-restored") == lost


@pytest.mark.usefixtures("databases")
async def test_payouts_that_were_paused_end_to_the_same_micro_token() -> None:
    """Epochs wait meanwhile, and are settled in turn afterwards."""
    await _opened("money")
    await _opened("money-other")
    await _measured()
    for epochs in range(1, EPOCHS + 1):
        assert len(await _payout_runs("money", _after(epochs))) == 1
    assert len(await _payout_runs("money-other", _after(EPOCHS))) == EPOCHS
    paused, usual = _documents("money-other"), _documents("money")
    assert paused.keys() == usual.keys()
    moments = {"at_s", "settled_s", "since_s"}
    for key, fields in usual.items():
        assert {k: v for k, v in paused[key].items() if k not in moments} == {
            k: v for k, v in fields.items() if k not in moments
        }


@asynccontextmanager
async def _api(ingest: str) -> AsyncIterator[httpx.AsyncClient]:
    """The api as an apply would start it with this key of the ingest."""
    app = build_api(
        {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "INGEST_URL": "rtmp://203.0.113.5:1935/live",
            "INGEST_KEY_HASH": sha256_hex(ingest),
            "ALLOW_PRIVATE_ADDRESSES": "true",
        }
    )
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://api", timeout=30) as client:
        yield client


def _sponsor(action: str, key: str) -> None:
    """`make sponsor` for city-radio, as ops run it."""
    named = ("--name", "city-radio", "--hash", sha256_hex(key))
    assert main((action, *named, "--project", PROJECT), int(START_S)) == 0


async def _registered(client: httpx.AsyncClient) -> tuple[str, str]:
    """(id, publishing key) of a new stream."""
    made = await client.post("/streams", json=WISH, headers=bearer(SPONSOR_KEYS[0]))
    assert made.status_code == 201, made.text
    return made.json()["stream_id"], made.json()["publish_url"].partition("?key=")[2]


async def _may_publish(client: httpx.AsyncClient, ingest_key: str, stream: tuple[str, str]) -> int:
    body = {"stream_id": stream[0], "stream_key": stream[1]}
    answer = await client.post("/ingest/publish", json=body, headers=bearer(ingest_key))
    return answer.status_code


@pytest.mark.usefixtures("databases")
async def test_a_sponsors_key_is_rotated() -> None:
    """The old one stops working; streams go on, and are published as before."""
    await asyncio.to_thread(_sponsor, "new", SPONSOR_KEYS[0])
    async with _api(INGEST_KEYS[0]) as client:
        stream = await _registered(client)
    await asyncio.to_thread(_sponsor, "another", SPONSOR_KEYS[1])
    await asyncio.to_thread(_sponsor, "revoke", SPONSOR_KEYS[0])
    async with _api(INGEST_KEYS[0]) as client:  # one that has no list of before
        statuses = [
            (await client.post("/streams", json=WISH, headers=bearer(key))).status_code
            for key in SPONSOR_KEYS
        ]
        assert statuses == [403, 201]
        assert (await client.get(f"/streams/{stream[0]}")).json()["status"] == "active"
        assert await _may_publish(client, INGEST_KEYS[0], stream) == 204
        top_up = {"amount": "3"}
        path = f"/streams/{stream[0]}/top-ups"
        answer = await client.post(path, json=top_up, headers=bearer(SPONSOR_KEYS[1]))
        assert answer.status_code == 201, answer.text


@pytest.mark.usefixtures("databases")
async def test_the_ingests_key_is_rotated() -> None:
    """Only the new machine may ask who publishes; publishing keys stay what they were."""
    await asyncio.to_thread(_sponsor, "new", SPONSOR_KEYS[0])
    async with _api(INGEST_KEYS[0]) as client:
        stream = await _registered(client)
        assert await _may_publish(client, INGEST_KEYS[0], stream) == 204
    async with _api(INGEST_KEYS[1]) as client:
        assert await _may_publish(client, INGEST_KEYS[0], stream) == 403
        assert await _may_publish(client, INGEST_KEYS[1], stream) == 204
