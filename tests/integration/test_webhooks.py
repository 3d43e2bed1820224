"""Settled epochs are told to a sponsor's own server, however that server behaves."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from standardwebhooks.webhooks import Webhook as Receiver
from starlette.applications import Starlette
from starlette.routing import Route

from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.outbound.replies import OutboundLimits
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.webhooks import Webhooks
from coordinator.adapters.settings import PayoutSettings
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import Ref, Store
from coordinator.checking.checks import Check, Verdict
from coordinator.checking.last_run import UNVERIFIED_SAYS as SAYS
from coordinator.epochs import Calendar
from coordinator.ledger.balances import opening_balance
from coordinator.ledger.rows import Carried
from coordinator.ledger.settlements import EpochInput, draft
from coordinator.ledger.terms import Terms
from coordinator.ledger.webhooks import GIVE_UP_SECONDS, WEBHOOKS, Webhook, secret_of
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.minutes import Minutes
from emulator.firestore_emulator import FirestoreEmulator
from payout.deliverer import Deliverer
from payout.wiring import build_on
from tests.doubles.memory import MemoryStore
from tests.e2e.certificates import certificate, served_with
from tests.integration import hostile
from tests.integration.hostile import Script, repeating, saying, saying_and_staying

CALENDAR = Calendar()
EPOCH = 11
SECRET = secret_of("k" * 43, "s3")
A_MINUTE_MICROS = 120_000
LIMITS = OutboundLimits(connect_seconds=5.0, total_seconds=5.0)
HASTY = OutboundLimits(connect_seconds=0.4, total_seconds=0.4)
OK = b"HTTP/1.1 200 OK\r\n\r\n"


@dataclass
class Inbox:
    """What a receiver has got, and what it answers next (200 if nothing else is said)."""

    port: int
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    def kinds(self) -> list[str]:
        """Types of the messages."""
        return [json.loads(body)["type"] for _, body in self.heard]


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Inbox]:
    """A real receiver on loopback."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await hostile.read_head(reader)).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
        body = await reader.readexactly(int(headers["content-length"]))
        inbox.heard.append((headers, body))
        writer.write(inbox.answers.pop(0) if inbox.answers else OK)

    async with hostile.serving(script, tls=tls) as server:
        inbox = Inbox(server.port)
        yield inbox


@dataclass
class World:
    """A stream's money, its webhook, and a clock."""

    money: Store
    limits: OutboundLimits = LIMITS
    now_s: float = (EPOCH + 1) * 3600 + 121.0
    clock: Callable[[], float] | None = None
    tls: ssl.SSLContext | None = None
    unverified: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ledger, self.webhooks = Ledger(self.money), Webhooks(self.money)

    async def opened(
        self, url: str, tokens: int = 1_000, epoch: int = EPOCH, stream_id: str = "s3"
    ) -> None:
        """The stream's balance and its webhook, as registration leaves them."""
        stream = Stream(
            stream_id=stream_id,
            name="Main stage",
            sponsor="ada",
            reward_micros_per_hour=60 * A_MINUTE_MICROS,
            max_paid_nodes=5,
            created_s=epoch * 3600 + 7.0,
            key_hash="",
            request_hash="",
        )
        webhook = Webhook(stream_id=stream_id, url=url, secret=SECRET, next_epoch=epoch, due_s=1.0)
        assert await self.webhooks.create(webhook.waiting(epoch * 3600 + 7.0, CALENDAR))
        assert await self.ledger.open(opening_balance(stream, tokens * 10**6, CALENDAR))

    async def settled(
        self, epoch: int, *, minutes: int = 60, is_last: bool = False, stream_id: str = "s3"
    ) -> None:
        """One node was up for so many minutes, all of them proven."""
        bits, start_s = (1 << minutes) - 1, epoch * 3600
        evidence = EpochInput(
            stream_id,
            epoch,
            start_s,
            start_s + 3600,
            Terms(60 * A_MINUTE_MICROS, 5, 60),
            {"n2": Minutes(due=bits, up=bits)},
            [Check("n2", stream_id, 0, start_s + 3599.0, Verdict.PASS, Reason.PASSED)],
            {"n2": Carried(first_pass_s=1.0)},
        )
        assert await self.ledger.settle(draft(evidence), self.now_s, is_last=is_last)

    def deliverer(self, seconds_max: float = 8.0) -> Deliverer:
        """As payout builds it, with private addresses allowed."""
        client = HttpClient(Guard(allow_private=True), self.limits, self.tls)
        clock = self.clock or (lambda: self.now_s)
        log = Log("payout", "ERROR")

        async def unverified() -> dict[str, int]:
            return self.unverified

        given = self.webhooks, self.ledger, client, CALENDAR, clock, log, unverified
        return Deliverer(*given, seconds_max)

    async def kept(self) -> Webhook:
        """The webhook as it stands now."""
        webhook = await self.webhooks.of("s3")
        assert webhook is not None
        return webhook


@pytest.fixture
def world() -> World:
    """On a store in memory."""
    return World(MemoryStore())


async def test_a_settled_epoch_is_told_once_and_verifies() -> None:
    """By the reference library, with its own clock; and then nothing is due before the next."""
    world = World(MemoryStore(), now_s=time.time())
    epoch = int(world.now_s) // 3600 - 2
    async with receiving() as inbox:
        await world.opened(f"http://127.0.0.1:{inbox.port}/hook?a=b", epoch=epoch)
        await world.settled(epoch)
        assert await world.deliverer().deliver_due() == {"receivers": 1, "delivered": 1}
        assert await world.deliverer().deliver_due() == {"receivers": 0, "delivered": 0}
        assert inbox.kinds() == ["statement.ready"]
        headers, body = inbox.heard[0]
        assert headers["content-type"] == "application/json"
        assert headers["webhook-id"] == f"s3-{epoch}-statement-ready"
        assert Receiver(SECRET).verify(body, headers)["data"]["paid"] == "7.2"
    kept, ready_s = await world.kept(), (epoch + 2) * 3600 + 120
    assert kept.due_s == (ready_s if ready_s > world.now_s else world.now_s + 60)


async def test_firestore_keeps_how_far_it_came(firestore: FirestoreEmulator) -> None:
    """The same against the real database: the query for what is due, and the condition."""
    await firestore.clear("webhooks", "money")
    store = FirestoreStore("webhooks", "money")
    world = World(store)
    try:
        async with receiving() as inbox:
            inbox.answers = [b"HTTP/1.1 500 Oh\r\n\r\n"]
            await world.opened(f"http://127.0.0.1:{inbox.port}/")
            await world.settled(EPOCH)
            assert (await world.deliverer().deliver_due())["delivered"] == 0
            assert await world.webhooks.due(world.now_s) == []
            stale = await world.kept()
            world.now_s += 61
            assert (await world.deliverer().deliver_due())["delivered"] == 1
            assert not await world.webhooks.keep(stale, stale.ended())
            assert (await world.kept()).next_epoch == EPOCH + 1
    finally:
        await store.close()


async def test_every_event_that_is_taken_counts_however_many_are_told_at_once(
    world: World,
) -> None:
    """The receivers are told side by side, and all of it is summed."""
    names = ("s3", "s5", "s7")
    async with receiving() as inbox:
        for name in names:
            await world.opened(f"http://127.0.0.1:{inbox.port}/", stream_id=name)
            await world.settled(EPOCH, stream_id=name)
        assert await world.deliverer().deliver_due() == {"receivers": 3, "delivered": 3}
    assert len(inbox.heard) == len(names)


async def test_a_low_balance_and_an_exhausted_one_are_told(world: World) -> None:
    """Low once, then exhausted; each behind its statement."""
    async with receiving() as inbox:
        await world.opened(f"http://127.0.0.1:{inbox.port}/", tokens=20)
        for epoch in range(EPOCH, EPOCH + 4):
            await world.settled(epoch)
        world.now_s += 4 * 3600
        assert (await world.deliverer().deliver_due())["delivered"] == 6
        assert inbox.kinds() == [
            "statement.ready",
            "balance.low",
            "statement.ready",
            "statement.ready",
            "stream.exhausted",
            "statement.ready",
        ]
        assert json.loads(inbox.heard[1][1])["data"]["balance"] == "12.8"


async def test_a_stream_that_cannot_be_verified_is_told_at_once_and_once(world: World) -> None:
    """It waits for no statement, but behind those that are to be told; its next time is told."""
    since_s = EPOCH * 3600 + 4_000
    async with receiving() as inbox:
        inbox.answers = [OK, b"HTTP/1.1 500 Oh\r\n\r\n"]
        await world.opened(f"http://127.0.0.1:{inbox.port}/")
        await world.settled(EPOCH)
        world.unverified = {"s3": since_s, "s5": since_s}
        assert (await world.deliverer().deliver_due())["delivered"] == 1
        assert (await world.deliverer().deliver_due())["receivers"] == 0  # it failed: that pauses
        world.now_s += 61
        assert (await world.deliverer().deliver_due())["delivered"] == 1
        assert (await world.deliverer().deliver_due())["receivers"] == 0
        world.unverified = {"s3": since_s + 3_600}
        assert (await world.deliverer().deliver_due())["delivered"] == 1
    assert inbox.kinds() == ["statement.ready", *["stream.unverifiable"] * 3]
    told = [json.loads(body)["data"] for _, body in inbox.heard[1:]]
    assert told[0] == told[1] == {"stream_id": "s3", "since": "1970-01-01T12:06:40Z", "says": SAYS}
    ids = [headers["webhook-id"] for headers, _ in inbox.heard[1:]]
    assert ids[0] == ids[1] == f"s3-{since_s}-stream-unverifiable" != ids[2]
    assert (await world.kept()).next_epoch == EPOCH + 1


async def test_statements_are_told_though_nobody_knows_what_can_be_verified(world: World) -> None:
    """The trust books lie in the other database."""

    async def broken() -> dict[str, int]:
        raise OSError

    async with receiving() as inbox:
        await world.opened(f"http://127.0.0.1:{inbox.port}/")
        await world.settled(EPOCH)
        deliverer = replace(world.deliverer(), unverified=broken)
        assert (await deliverer.deliver_due())["delivered"] == 1


async def test_a_failed_message_comes_again_with_its_id(world: World) -> None:
    """The same id and body, a new signature, later and later; what follows waits behind it."""
    async with receiving() as inbox:
        inbox.answers = [b"HTTP/1.1 500 Oh\r\n\r\n", b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"]
        await world.opened(f"http://127.0.0.1:{inbox.port}/")
        await world.settled(EPOCH)
        for pause_s in (60, 300):
            assert (await world.deliverer().deliver_due())["delivered"] == 0
            assert (await world.kept()).due_s == world.now_s + pause_s
            world.now_s += pause_s
            assert (await world.deliverer().deliver_due())["receivers"] == 0
            world.now_s += 1
        await world.settled(EPOCH + 1)
        assert (await world.deliverer().deliver_due())["delivered"] == 2
    ids = [headers["webhook-id"] for headers, _ in inbox.heard]
    assert ids == [f"s3-{EPOCH}-statement-ready"] * 3 + [f"s3-{EPOCH + 1}-statement-ready"]
    assert len({body for _, body in inbox.heard[:3]}) == 1
    assert len({headers["webhook-signature"] for headers, _ in inbox.heard[:3]}) == 3
    assert (await world.kept()).failures == 0


async def test_a_crash_before_it_is_kept_repeats_the_message(world: World) -> None:
    """At least once: with the id by which the receiver knows it."""
    async with receiving() as inbox:
        await world.opened(f"http://127.0.0.1:{inbox.port}/")
        await world.settled(EPOCH)
        before = await world.kept()
        await world.deliverer().deliver_due()
        await world.money.put(Ref("webhooks", "s3"), WEBHOOKS.encode(before))  # what a crash leaves
        await world.deliverer().deliver_due()
    assert len({headers["webhook-id"] for headers, _ in inbox.heard}) == 1
    assert len(inbox.heard) == 2


async def test_what_nobody_took_for_three_days_is_not_sent(world: World) -> None:
    """The newer ones are."""
    async with receiving() as inbox:
        await world.opened(f"http://127.0.0.1:{inbox.port}/")
        await world.settled(EPOCH)
        await world.settled(EPOCH + 1)
        world.now_s = (EPOCH + 1) * 3600 + GIVE_UP_SECONDS
        assert (await world.deliverer().deliver_due())["delivered"] == 1
        assert inbox.heard[0][0]["webhook-id"] == f"s3-{EPOCH + 1}-statement-ready"


async def test_a_receiver_that_is_gone_is_left_for_good(world: World) -> None:
    """410 is its own word for that."""
    async with receiving() as inbox:
        inbox.answers = [b"HTTP/1.1 410 Gone\r\n\r\n"]
        await world.opened(f"http://127.0.0.1:{inbox.port}/")
        await world.settled(EPOCH)
        await world.deliverer().deliver_due()
        world.now_s += 10**6
        assert (await world.deliverer().deliver_due())["receivers"] == 0
        assert "410" in (await world.kept()).last_error
        assert len(inbox.heard) == 1


async def test_after_the_last_statement_nothing_is_due_any_more(world: World) -> None:
    """A closed stream costs no read."""
    async with receiving() as inbox:
        await world.opened(f"http://127.0.0.1:{inbox.port}/")
        await world.settled(EPOCH)
        await world.settled(EPOCH + 1, minutes=0, is_last=True)
        await world.deliverer().deliver_due()
        assert len(inbox.heard) == 2
    assert (await world.kept()).due_s is None
    assert (await world.kept()).last_error == ""


HOSTILE: dict[str, Script] = {
    "hangs": saying_and_staying(b""),
    "drips": repeating(b"HTTP/1.1 2", b"0", pause_s=0.05),
    "floods": repeating(b"", b"x" * 65_536),
    "babbles": saying(b"\x16\x03\x01\x00\xff"),
    "hangs up": hostile.hang_up_at_once,
    "redirects inside": saying(b"HTTP/1.1 307 T\r\nLocation: http://169.254.169.254/\r\n\r\n"),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_hostile_receiver_is_a_later_attempt_and_no_more(world: World, case: str) -> None:
    """No exception, no long wait, a sentence for its sponsor."""
    world.limits = HASTY
    async with hostile.serving(HOSTILE[case]) as server:
        await world.opened(f"http://127.0.0.1:{server.port}/")
        await world.settled(EPOCH)
        async with asyncio.timeout(30):
            found = await world.deliverer().deliver_due()
        assert found == {"receivers": 1, "delivered": 0}
        assert server.accepted == 1
    kept = await world.kept()
    assert (kept.failures, kept.next_epoch) == (1, EPOCH)
    assert kept.last_error


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (300, "answered with status 300; redirects are not followed"),
        (399, "answered with status 399; redirects are not followed"),
        (400, "answered with status 400"),
        (503, "answered with status 503"),
    ],
)
async def test_a_refusal_is_told_by_its_status(world: World, status: int, says: str) -> None:
    """Only a redirect is told as one."""
    answer = saying(b"HTTP/1.1 %d T\r\nContent-Length: 0\r\n\r\n" % status)
    async with hostile.serving(answer) as server:
        await world.opened(f"http://127.0.0.1:{server.port}/")
        await world.settled(EPOCH)
        await world.deliverer().deliver_due()
    assert (await world.kept()).last_error == says


async def test_a_huge_answer_counts_by_its_first_line(world: World) -> None:
    """The message was taken; the rest is not read."""
    flood = repeating(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", b"x" * 65_536)
    async with hostile.serving(flood) as server:
        await world.opened(f"http://127.0.0.1:{server.port}/")
        await world.settled(EPOCH)
        assert (await world.deliverer().deliver_due())["delivered"] == 1


async def test_hanging_receivers_hold_up_neither_the_call_nor_an_honest_one() -> None:
    """Sixty of them: the time of a call is bounded, and who hung comes later next time."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    # The honest one has to answer within it, beside all of them.
    limits = OutboundLimits(connect_seconds=1.0, total_seconds=1.0)
    world = World(MemoryStore(), limits, clock=lambda: 50_000.0 + loop.time() - begun)
    async with hostile.serving(saying_and_staying(b"")) as tarpit, receiving() as inbox:
        await world.opened(f"http://127.0.0.1:{inbox.port}/")
        await world.settled(EPOCH)
        honest = await world.kept()
        for number in range(60):
            url = f"http://127.0.0.1:{tarpit.port}/"
            other = {"stream_id": f"t{number}", "url": url, "due_s": 1.0}
            assert await world.webhooks.create(honest.model_copy(update=other))
            heads = await world.money.get(Ref("statements", f"s3:{EPOCH:010d}"))
            fields = {**(heads[0] or {}), "stream_epoch": f"t{number}:{EPOCH:010d}"}
            await world.money.put(Ref("statements", f"t{number}:{EPOCH:010d}"), fields)
        for _ in range(30):
            async with asyncio.timeout(30):
                found = await world.deliverer(seconds_max=1.0).deliver_due()
            if inbox.heard:
                break
        assert inbox.kinds() == ["statement.ready"]
        assert found["receivers"] > 0
        assert tarpit.accepted <= 60


async def test_tls_receivers_are_told_as_well(world: World, tmp_path: Path) -> None:
    """Their certificate is verified: here against an authority of its own."""
    file = certificate(tmp_path)
    world.tls = ssl.create_default_context(cafile=file)
    async with receiving(served_with(file)) as inbox:
        await world.opened(f"https://127.0.0.1:{inbox.port}/hook")
        await world.settled(EPOCH)
        assert (await world.deliverer().deliver_due())["delivered"] == 1
        assert inbox.kinds() == ["statement.ready"]


async def test_an_inside_address_is_not_told_where_that_is_not_allowed(world: World) -> None:
    """A name may lead inside after it was registered; the sender judges it anew."""
    async with receiving() as inbox:
        await world.opened(f"http://127.0.0.1:{inbox.port}/")
        await world.settled(EPOCH)
        deliverer = world.deliverer()
        deliverer.client = HttpClient(Guard(allow_private=False), LIMITS)
        assert (await deliverer.deliver_due())["delivered"] == 0
        assert inbox.heard == []
    assert "127.0.0.1" in (await world.kept()).last_error


async def test_a_payout_call_settles_first_and_then_tells() -> None:
    """The function's own handler, asked as the scheduler does, with a receiver that hangs."""
    measured, money = MemoryStore(), MemoryStore()
    world = World(money)
    settings = PayoutSettings.from_env(
        {"GOOGLE_CLOUD_PROJECT": "tests", "ALLOW_PRIVATE_ADDRESSES": "true", "LOG_LEVEL": "ERROR"}
    )
    async with hostile.serving(saying_and_staying(b"")) as tarpit, receiving() as inbox:
        await world.opened(f"http://127.0.0.1:{tarpit.port}/")
        await world.settled(EPOCH)
        answer = build_on(measured, money, settings, lambda: world.now_s, None)
        app = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])])
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://payout") as client:
            hanging = (await client.post("/")).json()
            assert hanging["webhooks"] == {"receivers": 1, "delivered": 0}
            moved = (await world.kept()).model_copy(
                update={"url": f"http://127.0.0.1:{inbox.port}/"}
            )
            await money.put(Ref("webhooks", "s3"), WEBHOOKS.encode(moved))
            world.now_s += 61
            told = (await client.post("/")).json()
            assert told["webhooks"] == {"receivers": 1, "delivered": 1}
            assert "settled" in told
    assert len(inbox.heard) == 1
