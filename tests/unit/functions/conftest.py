"""The api on stores in memory, with a clock that stands where a test puts it."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.settings import ApiSettings
from coordinator.keys import sha256_hex
from tests.doubles.memory import MemoryStore
from tests.signing import auth_of, node_id_of
from tests.sponsors import entered
from tests.unit.functions.declared import declared_only
from tests.unit.functions.own_api import own_api

SPONSOR_KEY = "sponsor-key-of-the-tests"
INGEST_KEY = "ingest-key-of-the-tests"
NODE_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")
NODE_ID = node_id_of(NODE_KEY)
ADDRESS = "203.0.114.7"
"""That calls come from, and nodes sign."""
NOW_S = 1_795_305_637.0
STREAM = {"name": "Main stage", "token_balance": "1000", "reward_per_node_hour": "1.5"}


@dataclass
class Coordinator:
    """Stores, clock and a client of the api on them."""

    client: httpx.AsyncClient
    measured: MemoryStore
    money: MemoryStore
    now_s: list[float] = field(default_factory=lambda: [NOW_S])
    _auths: dict[str, httpx.Auth] = field(default_factory=dict)

    def signed(self, key: str = NODE_KEY) -> httpx.Auth:
        """Signs as a node."""
        return self._auths.setdefault(key, auth_of(key, lambda: self.now_s[0]))

    @property
    def measurements(self) -> Measurements:
        """For what collector and prober would write."""
        return Measurements(self.measured)

    @property
    def ledger(self) -> Ledger:
        """For what payout would write."""
        return Ledger(self.money)

    async def registered(self, **more: object) -> dict[str, str]:
        """The answer to a registration."""
        answer = await self.client.post(
            "/streams", json={**STREAM, **more}, headers=bearer(SPONSOR_KEY)
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


def bearer(key: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {key}"}


def settings(**more: str) -> ApiSettings:
    """The api's settings, as its environment would give them."""
    return ApiSettings.from_env(
        {
            "GOOGLE_CLOUD_PROJECT": "tests",
            "GRACE_SECONDS": "120",
            "INGEST_URL": "rtmp://203.0.113.5:1935/live",
            "INGEST_KEY_HASH": sha256_hex(INGEST_KEY),
            **more,
        }
    )


def money_store() -> MemoryStore:
    """A database of the money that knows Ada, who has SPONSOR_KEY."""
    return MemoryStore(entered(ada=SPONSOR_KEY))


@pytest.fixture
async def coordinator() -> AsyncIterator[Coordinator]:
    """A coordinator that nobody has called yet; calls come from a public address."""
    measured, money, now_s = MemoryStore(), money_store(), [NOW_S]
    app = own_api(measured, money, settings(), lambda: now_s[0])
    transport = httpx.ASGITransport(app=app, client=(ADDRESS, 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        client.event_hooks = {"response": [declared_only(app.routes)]}
        yield Coordinator(client, measured, money, now_s)
