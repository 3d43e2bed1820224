"""What the first view of a page costs on an instance of the api that has just begun, and later.

Two documents, whatever the number of nodes, streams and checks: what a page shows of tokens comes
with the page's own document. Three where lists of nodes are shown. Counted at the store.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.materialiser import Materialiser
from coordinator.adapters.store.protocol import Ref, Store
from coordinator.money import format_tokens
from coordinator.projections.network_document import NetworkDocument
from coordinator.projections.node_buckets import bucket_of
from coordinator.sweeping.shards import WHOLE
from tests.doubles.memory import MemoryStore
from tests.lived import STREAM_ID, Lived, lived_through
from tests.populated import network_document, node_id
from tests.unit.functions.conftest import SPONSOR_KEY, STREAM, bearer
from tests.unit.functions.html_page import Page
from tests.unit.functions.lived_api import Site, site_of

VIEWS = {
    "/": 3,
    "/?q=n-good&sort=uptime": 3,
    "/n/n-good": 2,
    "/n/n-fraud": 2,
    "/n/n-gone": 2,
    "/n/n404": 2,
    "/s/s3": 3,
    "/s/s404": 3,
    "/about": 0,
    "/docs": 0,
    "/feed.atom": 2,
    "/n/n-good/feed.atom": 2,
    "/nodes/n-good": 3,
    "/nodes/n-good/badge.svg": 3,
    "/health": 2,
    "/streams/s3/badge.svg": 3,
    "/streams/s3/playlist.m3u": 3,
}
"""Documents at most."""


@pytest.fixture
async def lived() -> Lived:
    """Three settled hours."""
    return await lived_through(3)


@pytest.mark.parametrize(("path", "reads_max"), VIEWS.items())
async def test_a_first_view_costs_two_reads_or_three_with_a_list(
    lived: Lived, path: str, reads_max: int
) -> None:
    """On an instance that has read nothing yet; the second view costs none."""
    async with site_of(lived) as site:
        answer = await site.client.get(path)
        assert answer.status_code == (404 if "404" in path else 200)
        assert site.reads <= reads_max
        if "404" not in path:
            site.forget_costs()
            await site.client.get(path)
            assert site.reads == 0


async def _grown(store: Store, lived: Lived, nodes: int) -> None:
    """As many more nodes on the network's page as a shard has at most."""
    measurements = Measurements(store)
    page = await measurements.network_document(0)
    assert page is not None
    more = network_document(nodes, lived.now_s)
    count = len(page.slots)
    moved = {at + count: poll for at, poll in more.polls.items()}
    grown = NetworkDocument(
        WHOLE, page.tick, 4.2, page.slots + more.slots, {**page.polls, **moved},
        {**page.trust, **more.trust}, page.history, page.thumbnails, page.prober,
    )  # fmt: skip
    await measurements.put_network_document(grown)


@pytest.mark.parametrize("path", ["/", "/n/n-good", "/s/s3", "/feed.atom"])
async def test_the_size_of_the_network_costs_no_read(lived: Lived, path: str) -> None:
    """Two thousand nodes more are in the documents that are read anyway."""
    await _grown(lived.measured, lived, 2_000)
    async with site_of(lived) as site:
        assert (await site.client.get(path)).status_code == 200
        assert site.reads == VIEWS[path]
        nodes = (await site.client.get("/nodes?page_size=1")).json()["nodes"]
        assert nodes[0]["node_id"] == "n-absent"


async def test_after_any_page_the_others_cost_one_read_more(lived: Lived) -> None:
    """An instance reads the network once for all of them, the lists' news once for those that show
    lists, and the tokens once for `/`."""
    async with site_of(lived) as site:
        costs = []
        for path in ("/n/n-good", "/s/s3", "/", "/feed.atom", "/n/n-good", "/s/s3", "/"):
            site.forget_costs()
            assert (await site.client.get(path)).status_code == 200
            costs.append(site.reads)
        assert costs == [2, 2, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("path", ["/n/n-good", "/n/n-gone", "/n/n-fraud", f"/s/{STREAM_ID}"])
async def test_a_first_view_shows_what_later_ones_show(lived: Lived, path: str) -> None:
    """Tokens, balance and status out of the page's own document, and out of the page of all."""
    async with AsyncExitStack() as stack:
        fresh = await stack.enter_async_context(site_of(lived))
        warm = await stack.enter_async_context(site_of(lived))
        await warm.client.get("/streams")
        assert (await fresh.client.get(path)).text == (await warm.client.get(path)).text
        (balance,) = await Ledger(lived.money).balances([STREAM_ID])
        assert balance is not None
        if path.startswith("/s/"):
            assert format_tokens(balance.balance_micros) in (await fresh.client.get(path)).text


async def test_a_node_that_cannot_have_been_settled_shows_its_stream(lived: Lived) -> None:
    """Its bucket can know nothing of it: the page of all tokens is read in its place."""
    measurements = Measurements(lived.measured)
    page = await measurements.network_document(0)
    assert page is not None
    new = replace(page.slots[0], node_id=node_id(7), joined_tick=page.tick - 2, left_tick=None)
    await measurements.put_network_document(replace(page, slots=(*page.slots, new)))
    async with site_of(lived) as site:
        shown = Page((await site.client.get(f"/n/{node_id(7)}")).text)
        assert site.reads == 2
        assert "<script>alert('stage')</script> & friends" in shown.text
        assert "No epoch of this node is settled yet." in shown.text


async def test_a_document_of_before_there_were_excerpts_is_shown_too(lived: Lived) -> None:
    """After a deployment, until the next settlement: right, if dearer."""
    async with site_of(lived) as site:
        expected = {path: (await site.client.get(path)).text for path in ("/n/n-good", "/s/s3")}
    for name in (f"nodes-{bucket_of('n-good')}", f"stream-{STREAM_ID}"):
        (fields,) = await lived.measured.get(Ref("projections", name))
        assert fields is not None
        old = {key: value for key, value in fields.items() if key != "money"}
        await lived.measured.put(Ref("projections", name), old)
    for path, text in expected.items():
        async with site_of(lived) as site:
            assert (await site.client.get(path)).text == text


# -- what moved since the document was written -------------------------------------------------


@pytest.fixture
async def two(lived: Lived) -> AsyncIterator[tuple[Site, Site]]:
    """Two instances of the api on the same stores."""
    async with AsyncExitStack() as stack:
        yield (
            await stack.enter_async_context(site_of(lived)),
            await stack.enter_async_context(site_of(lived)),
        )


async def _top_up(site: Site) -> str:
    """With 17 tokens; the balance after it."""
    headers = {**bearer(SPONSOR_KEY), "Idempotency-Key": "7"}
    path = f"/streams/{STREAM_ID}/top-ups"
    answer = await site.client.post(path, json={"amount": "17"}, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    (balance,) = await Ledger(site.lived.money).balances([STREAM_ID])
    assert balance is not None
    return f"Balance {format_tokens(balance.balance_micros)} of 107 tokens"


async def test_a_sponsor_sees_a_deposit_at_once(two: tuple[Site, Site]) -> None:
    """Where it was made, although the stream's document was read before; on a new instance too."""
    here, elsewhere = two
    await here.client.get(f"/s/{STREAM_ID}")
    says = await _top_up(here)
    assert says in Page((await here.client.get(f"/s/{STREAM_ID}")).text).text
    shown = Page((await elsewhere.client.get(f"/s/{STREAM_ID}")).text).text
    assert says in shown
    assert elsewhere.reads == 3


async def test_what_an_instance_knows_already_is_shown_if_it_is_newer(
    two: tuple[Site, Site],
) -> None:
    """The documents of nodes are written at settlements only; a stream is closed between them."""
    here, elsewhere = two
    headers = {**bearer(SPONSOR_KEY), "Idempotency-Key": "7"}
    answer = await here.client.post(f"/streams/{STREAM_ID}/close", headers=headers)
    assert answer.status_code == 200, answer.text
    here.now_s[0] += 7200
    elsewhere.now_s[0] += 7200
    await elsewhere.client.get("/streams")
    for site in two:
        page = Page((await site.client.get("/n/n-good")).text)
        assert "Its stream has ended." in page.text


async def test_a_new_streams_page_has_its_document_from_the_beginning() -> None:
    """Written with the registration: nobody's view has to look for the stream."""
    async with AsyncExitStack() as stack:
        world = Lived(0, MemoryStore(), MemoryStore(), minutes=1)
        await world.live()
        here = await stack.enter_async_context(site_of(world))
        made = await here.client.post("/streams", json=STREAM, headers=bearer(SPONSOR_KEY))
        path = f"/s/{made.json()['stream_id']}"
        elsewhere = await stack.enter_async_context(site_of(world))
        page = Page((await elsewhere.client.get(path)).text)
        assert elsewhere.reads == 3
        assert "Balance 1000 of 1000 tokens" in page.text


async def test_a_slower_writers_older_tokens_do_not_replace_newer_ones(lived: Lived) -> None:
    """Payout read the page of tokens before a deposit, and writes the stream's after it."""
    async with site_of(lived) as site:
        measurements = Measurements(lived.measured)
        before = await measurements.money_projection()
        assert before is not None
        site.now_s[0] += 1
        says = await _top_up(site)
        (stored,) = await lived.measured.get(Ref("projections", f"stream-{STREAM_ID}"))
        projector = lived.settler(lived.now_s).projector
        assert projector is not None
        await projector.writer.show(STREAM_ID, before)
        assert (await lived.measured.get(Ref("projections", f"stream-{STREAM_ID}")))[0] == stored
        later = Materialiser(measurements, Ledger(lived.money), lambda: site.now_s[0] + 1)
        await projector.writer.show(STREAM_ID, await later.refresh([STREAM_ID]))
    async with site_of(lived) as site:
        assert says in Page((await site.client.get(f"/s/{STREAM_ID}")).text).text
