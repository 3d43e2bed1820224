"""The api over a network that has lived for a while."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from tests.doubles.counting import CountingStore, Operations
from tests.lived import Lived
from tests.sponsors import enter
from tests.unit.functions.conftest import SPONSOR_KEY, settings
from tests.unit.functions.own_api import own_api


@dataclass
class Site:
    """A client, what its reads cost, and the clock."""

    client: httpx.AsyncClient
    lived: Lived
    measured: CountingStore
    money: CountingStore
    now_s: list[float]

    def forget_costs(self) -> None:
        """Counts from here on."""
        self.measured.operations, self.money.operations = Operations(), Operations()

    @property
    def reads(self) -> int:
        """Documents read since."""
        return self.measured.operations.reads + self.money.operations.reads


@asynccontextmanager
async def site_of(lived: Lived) -> AsyncIterator[Site]:
    """The api on the network's stores, five minutes into the hour after its last."""
    measured, money = CountingStore(lived.measured), CountingStore(lived.money)
    await enter(lived.money, ada=SPONSOR_KEY)
    now_s = [lived.now_s]
    app = own_api(
        measured,
        money,
        settings(REQUESTS_PER_SECOND="1000", PUBLIC_URL="https://api.example.org"),
        lambda: now_s[0],
    )
    transport = httpx.ASGITransport(app=app, client=("203.0.114.7", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        yield Site(client, lived, measured, money, now_s)
