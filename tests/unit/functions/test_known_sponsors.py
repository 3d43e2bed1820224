"""Whose a key is: by a list that is renewed at most twice a minute, whoever asks."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from api.services.known_sponsors import (
    AGAIN_SECONDS,
    LASTS_SECONDS,
    RENEWED_SECONDS,
    KnownSponsors,
)
from coordinator.adapters.records.sponsor_books import SponsorBooks
from coordinator.adapters.store.firestore import SECONDS_MAX as READ_SECONDS_MAX
from coordinator.adapters.store.protocol import Fields, Ref, StoreError
from coordinator.keys import sha256_hex
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore
from tests.sponsors import enter, entered
from tests.unit.functions.conftest import NOW_S, SPONSOR_KEY, STREAM, bearer, settings
from tests.unit.functions.own_api import own_api

NEW_KEY = "n" * 43
ADA, NEW = sha256_hex(SPONSOR_KEY), sha256_hex(NEW_KEY)


class FailingStore(MemoryStore):
    """One that cannot be reached for a while."""

    is_down = False
    asked = 0

    async def get(self, *refs: Ref) -> list[Fields | None]:
        self.asked += 1
        found = await super().get(*refs)
        if self.is_down:
            raise StoreError("nobody answers")
        return found


@dataclass
class _Scene:
    """The list over a database of the money, and a clock that stands."""

    now_s: float = NOW_S
    store: FailingStore = field(default_factory=lambda: FailingStore(entered(ada=SPONSOR_KEY)))

    def __post_init__(self) -> None:
        self.money = CountingStore(self.store)
        self.known = KnownSponsors(SponsorBooks(self.money), lambda: self.now_s)

    @property
    def reads(self) -> int:
        return self.money.operations.reads

    async def revoke(self) -> None:
        await SponsorBooks(self.store).change(lambda book: book.without("ada", "", 7))

    async def told(self, key_hash: str) -> str | None:
        """The name, or what happened in its place."""
        try:
            return await self.known.name_of(key_hash)
        except StoreError:
            return "not told"


async def test_a_key_is_known_from_the_first_call_on_and_costs_a_read_in_half_a_minute() -> None:
    scene = _Scene()
    for _ in range(RENEWED_SECONDS):
        assert await scene.told(ADA) == "ada"
        scene.now_s += 0.99
    assert scene.reads == 1
    scene.now_s += 1
    assert await scene.told(ADA) == "ada"
    assert scene.reads == 2


def test_half_a_minute_and_the_longest_read_are_less_than_the_minute_that_is_promised() -> None:
    assert RENEWED_SECONDS + READ_SECONDS_MAX <= 60


async def test_a_new_key_opens_and_a_revoked_one_no_longer_does_within_a_minute() -> None:
    """The one that was new, too."""
    scene = _Scene()
    assert await scene.told(ADA) == "ada"
    await enter(scene.store, new=NEW_KEY)
    await scene.revoke()
    scene.now_s += RENEWED_SECONDS
    assert (await scene.told(ADA), await scene.told(NEW)) == (None, "new")


async def test_wrong_keys_cost_no_more_reads_than_none() -> None:
    """A thousand a second, each another one, and all at once before the first read has ended."""
    scene = _Scene()
    first = [scene.told(sha256_hex(f"guess {number}")) for number in range(1_000)]
    assert set(await asyncio.gather(*first)) == {None}
    for second in range(60):
        scene.now_s = NOW_S + second
        assert await scene.told(sha256_hex(f"guess of {second}")) is None
    assert scene.reads == 2


async def test_known_keys_go_on_while_the_database_is_away_and_unknown_ones_are_not_denied() -> (
    None
):
    """It is our fault. After ten minutes nobody is let in: a key may have been revoked."""
    scene = _Scene()
    assert await scene.told(ADA) == "ada"
    scene.store.is_down = True
    scene.now_s += RENEWED_SECONDS
    assert (await scene.told(ADA), await scene.told(NEW)) == ("ada", "not told")
    scene.now_s = NOW_S + LASTS_SECONDS - 0.1
    assert (await scene.told(ADA), await scene.told(NEW)) == ("ada", "not told")
    scene.now_s = NOW_S + LASTS_SECONDS
    assert (await scene.told(ADA), await scene.told(NEW)) == ("not told", "not told")
    scene.store.is_down = False
    scene.now_s += AGAIN_SECONDS
    assert (await scene.told(ADA), await scene.told(NEW)) == ("ada", None)


async def test_nobody_is_denied_by_an_instance_that_has_read_nothing_yet() -> None:
    scene = _Scene()
    scene.store.is_down = True
    assert (await scene.told(ADA), await scene.told(NEW)) == ("not told", "not told")


async def test_a_database_that_is_away_is_asked_once_in_five_seconds() -> None:
    """Whoever calls meanwhile waits for no attempt of its own."""
    scene = _Scene()
    scene.store.is_down = True
    for tenth in range(10 * 3 * AGAIN_SECONDS):
        scene.now_s = NOW_S + tenth / 10
        await asyncio.gather(*(scene.told(ADA) for _ in range(7)))
    assert scene.store.asked == 3


@pytest.fixture
async def scene() -> AsyncIterator[tuple[FailingStore, httpx.AsyncClient]]:
    """The whole api over such a store."""
    store = FailingStore(entered(ada=SPONSOR_KEY))
    app = own_api(MemoryStore(), store, settings(), lambda: NOW_S)
    transport = httpx.ASGITransport(app=app, client=("203.0.114.7", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        yield store, client


async def test_the_api_tells_what_is_our_fault_from_what_is_not(
    scene: tuple[FailingStore, httpx.AsyncClient],
) -> None:
    """403 for a key that is nobody's, 503 for one that cannot be looked up; a key of another form
    is nobody's whatever the database does."""
    store, client = scene
    store.is_down = True
    answer = await client.post("/streams", json=STREAM, headers=bearer(SPONSOR_KEY))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["retry-after"] == "5"
    short = await client.post("/streams", json=STREAM, headers=bearer("short"))
    assert (short.status_code, short.json()["type"]) == (403, "/problems/key-unknown")
    assert store.asked == 1


async def test_an_unknown_key_is_told_that_a_new_one_takes_a_minute(
    scene: tuple[FailingStore, httpx.AsyncClient],
) -> None:
    """Else whoever has just been given one would doubt it."""
    _, client = scene
    answer = await client.post("/streams", json=STREAM, headers=bearer(NEW_KEY))
    assert answer.status_code == 403
    assert "within a minute" in answer.json()["detail"]
