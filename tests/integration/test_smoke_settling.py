"""The real api and the real payout on stores in memory: a tested stream comes to its end."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

import api.wiring
import payout.wiring
from coordinator.adapters.settings import PayoutSettings
from tests.doubles.memory import MemoryStore
from tests.unit.functions.conftest import NOW_S, SPONSOR_KEY, money_store, settings
from tools.smoke.api_client import ApiClient
from tools.smoke.kept import Kept
from tools.smoke.patience import Patience
from tools.smoke.settling import WAIT_S_MAX, Settling
from tools.smoke.tested_stream import TestedStream

PAYOUT_S = 600.0
ENVIRONMENT = {"GOOGLE_CLOUD_PROJECT": "tests", "GRACE_SECONDS": "120", "LOG_LEVEL": "ERROR"}


class _Called(httpx.BaseTransport):
    """An application, for a client that waits."""

    def __init__(self, app: ASGIApp, runner: asyncio.Runner) -> None:
        self._app, self._runner = httpx.ASGITransport(app), runner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def answered() -> httpx.Response:
            answer = await self._app.handle_async_request(request)
            body = await answer.aread()
            return httpx.Response(answer.status_code, headers=answer.headers, content=body)

        return self._runner.run(answered())


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for both functions."""
    with asyncio.Runner() as runner:
        yield runner


class _Hours:
    """Two functions, and a time that passes by waiting: the payout is called every ten minutes."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.now_s = self.called_s = NOW_S
        stores = MemoryStore(), money_store()
        app = api.wiring.build_on(*stores, settings(), self.clock)
        self.api = httpx.Client(base_url="https://api.example.org", transport=_Called(app, runner))
        pay = payout.wiring.build_on(
            *stores, PayoutSettings.from_env(ENVIRONMENT), self.clock, None
        )
        paying = Starlette(routes=[Route("/", pay, methods=["POST"])])
        self._payout = httpx.Client(base_url="http://payout", transport=_Called(paying, runner))

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self.now_s - self.called_s >= PAYOUT_S:
            self.called_s = self.now_s
            assert self._payout.post("/").status_code == 200


def _followed(hours: _Hours, folder: Path) -> tuple[str, list[str]]:
    """What becomes of a stream that was registered and closed: the sentence, and the progress."""
    kept, said = Kept(folder / "kept.json"), list[str]()
    with hours.api as client:
        network = ApiClient(client, hours.clock)
        stream = TestedStream(network, SPONSOR_KEY, kept)
        stream.register()
        stream.close()
        patience = Patience(hours.clock, hours.sleep, WAIT_S_MAX)
        kept_id = kept.stream_of(network.api)
        assert kept_id == stream.stream_id
        return Settling(network, kept_id, patience, said.append).paid(), said


def test_a_tested_stream_is_paid_back_when_it_was_said_to_be(
    runner: asyncio.Runner, tmp_path: Path
) -> None:
    """All of its token, since no node has served it."""
    hours = _Hours(runner)
    found, said = _followed(hours, tmp_path)
    assert "0 tokens paid, 1 refunded" in found
    due = said[0].partition("due after ")[2]
    assert due.endswith("UTC")
    assert len([line for line in said if line.startswith("settled: ")]) == 2
    assert hours.now_s - NOW_S < 3 * 3600
