"""An operator's page and the checks behind it: honest, complete, and cheap to read."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from coordinator.adapters.store.protocol import Ref
from coordinator.money import format_tokens
from coordinator.projections.node_buckets import NODE_BUCKETS, bucket_of
from coordinator.reasons import Reason
from tests.lived import CALENDAR, FIRST_EPOCH, NODES, PICTURE, START_S, lived_through
from tests.unit.functions.html_page import Page
from tests.unit.functions.lived_api import Site, site_of


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Three hours."""
    async with site_of(await lived_through(3)) as site:
        yield site


async def _page(site: Site, path: str) -> Page:
    answer = await site.client.get(path)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


@pytest.mark.parametrize(
    ("node_id", "answer"),
    [
        ("n-good", "Yes: it is earning."),
        ("n-new", "Yes: it is earning."),
        ("n-absent", Reason.SUSPENDED.fix),
        ("n-fraud", Reason.FRAUD.fix),
        ("n-gone", Reason.OFFLINE.fix),
    ],
)
async def test_the_first_question_is_answered_first(site: Site, node_id: str, answer: str) -> None:
    """Earning or not, why, and what to do."""
    page = await _page(site, f"/n/{node_id}")
    assert answer in page.text


async def test_the_receipt_accounts_for_every_minute(site: Site) -> None:
    """Due and waiting before are paid and unpaid, with a word and a sentence for each reason."""
    page = await _page(site, "/n/n-shaky")
    for epoch in range(FIRST_EPOCH, FIRST_EPOCH + 3):
        statement = await site.lived.settler(site.now_s[0]).ledger.statement("s3", epoch)
        assert statement is not None
        (row,) = (row for row in statement.rows if row.node_id == "n-shaky")
        for reason, minutes in row.unpaid:
            assert f"{minutes} {reason.value.replace('_', ' ')}" in page.text
            assert reason.says in page.text
        assert format_tokens(row.earned_micros) in page.text


async def test_every_settled_check_is_on_the_page(site: Site) -> None:
    """With its numbers, and its picture where there is one, in room that is kept for it."""
    page = await _page(site, "/n/n-shaky")
    listed = await _all_checks(site, "n-shaky", 200)
    settled_s = START_S + 3 * 3600
    settled = [check for check in listed if check["due_s"] < settled_s]
    assert len(settled) > 12
    times = [tag["datetime"] for tag in page.tags["time"]]
    for check in settled:
        assert check["due_at"][:19] + "Z" in times
    pictures = [tag for tag in page.tags["img"] if str(tag["src"]).startswith("/thumbnails/")]
    assert len(pictures) == sum(check["verdict"] == "pass" for check in settled)
    for picture in pictures:
        assert picture["src"] == f"/thumbnails/{PICTURE}.jpg"
        assert (picture["loading"], picture["width"], picture["height"]) == ("lazy", "96", "54")
        assert picture["alt"]


async def test_the_strip_shows_each_minute_once(site: Site) -> None:
    """Bars of a row cover what was due; heights tell outcomes apart; each row reads aloud."""
    page = await _page(site, "/n/n-shaky")
    rows = [tag for tag in page.tags["svg"] if tag.get("class") == "row"]
    assert len(rows) == 4  # three settled, one that is not
    assert rows[-1]["aria-label"] == (
        "Minutes: 47 up, 6 the stream was not live, 4 down, 3 not measured, our fault. "
        "Checks: 4 passed, 1 failed."
    )
    bars = [tag for tag in page.tags["rect"] if str(tag.get("fill")).startswith("url(#p-")]
    heights = {(tag["fill"], tag["height"]) for tag in bars}
    assert ("url(#p-up)", "10") in heights
    assert ("url(#p-down)", "4") in heights
    legend = [tag for tag in bars if "%" not in str(tag["width"])]
    widths = [float(str(tag["width"]).rstrip("%")) for tag in bars if tag not in legend]
    assert sum(widths) == pytest.approx(300 + 100 * 5 / 60, abs=0.1)


async def test_pending_tokens_have_a_day_of_release(site: Site) -> None:
    """The first epoch's come first, with the epoch that releases them."""
    page = await _page(site, "/n/n-good")
    statement = await site.lived.settler(0.0).ledger.statement("s3", FIRST_EPOCH)
    assert statement is not None
    (row,) = (row for row in statement.rows if row.node_id == "n-good")
    released_s = CALENDAR.epoch_bounds_s(FIRST_EPOCH + 24)[1] + CALENDAR.grace_seconds
    assert f"Next release {format_tokens(row.earned_micros)} tokens at" in page.text
    assert released_s % 3600 == 120
    assert any(str(tag["datetime"]).endswith(":02:00Z") for tag in page.tags["time"])


async def test_a_page_costs_one_read_and_one_more_for_each_snapshot(site: Site) -> None:
    """However often it is looked at."""
    await site.client.get("/streams")  # the snapshot, which all readers share
    site.forget_costs()
    for path in ("/n/n-good", "/s/s3", "/n/n-good/feed.atom", "/feed.atom", "/n/n-good", "/s/s3"):
        before = site.reads
        assert (await site.client.get(path)).status_code == 200
        assert site.reads - before <= 1, path
    assert site.reads == 3


@pytest.mark.parametrize("path", ["/n/n404", "/s/s404", "/n/n%2F..%2F", "/s/<script>"])
async def test_an_unknown_id_is_a_friendly_404(site: Site, path: str) -> None:
    """A page with the problem's type, that leads on."""
    answer = await site.client.get(path)
    assert answer.status_code == 404
    if answer.headers["content-type"].startswith("text/html"):
        page = Page(answer.text)
        assert "/problems/unknown-" in page.text
        assert {"href": "/"} in page.tags["a"]
    else:
        assert answer.json()["type"] == "/problems/unknown-route"


async def test_pages_introduce_themselves_to_link_previews(site: Site) -> None:
    """Title, description, address; a picture where there is one that is the stream's own."""
    node, stream = await _page(site, "/n/n-good"), await _page(site, "/s/s3")
    assert node.meta("og:title") == "Node n-good: healthy"
    assert node.meta("og:url") == "https://api.example.org/n/n-good"
    assert node.meta("og:image") == f"https://api.example.org/thumbnails/{PICTURE}.jpg"
    assert stream.meta("og:title") == "<script>alert('stage')</script> & friends"
    assert "tokens are left" in str(stream.meta("og:description"))
    assert (await _page(site, "/n/n-fraud")).meta("og:image") is None
    for path in ("/", "/about", "/docs"):
        page = await _page(site, path)
        assert page.meta("og:title")
        assert page.meta("og:url") == f"https://api.example.org{path}"


async def test_pages_link_their_feeds(site: Site) -> None:
    """Readers find them by themselves."""
    page = await _page(site, "/n/n-good")
    feeds = [tag["href"] for tag in page.tags["link"] if tag.get("rel") == "alternate"]
    assert feeds == ["/feed.atom", "/n/n-good/feed.atom"]


async def test_nothing_on_a_page_is_inline(site: Site) -> None:
    """The policy stays as strict as it was."""
    for path in ("/n/n-shaky", "/s/s3", "/n/n404"):
        answer = await site.client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        page = Page(answer.text)
        assert [tag for tag in page.tags.get("script", []) if not tag.get("src")] == []
        assert "style" not in page.tags
        for tags in page.tags.values():
            assert [t for t in tags if "style" in t or any(n.startswith("on") for n in t)] == []


async def test_a_node_before_its_first_settlement_has_a_page() -> None:
    """What is known of it so far; and when more will be."""
    async with site_of(await lived_through(0, minutes=7)) as site:
        page = await _page(site, "/n/n-good")
        assert "Nothing to do: checks come by themselves" in page.text or "Yes" in page.text
        assert "No epoch of this node is settled yet." in page.text
        assert "No check is settled yet." in page.text
        stream = await _page(site, "/s/s3")
        assert "No epoch of this stream is settled yet." in stream.text


async def _all_checks(site: Site, node_id: str, size: int) -> list[dict[str, Any]]:
    checks: list[dict[str, Any]] = []
    token, pages = "", 0
    while True:
        path = f"/nodes/{node_id}/checks?page_size={size}&page_token={token}"
        answer = await site.client.get(path)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert len(found["checks"]) <= size
        checks += found["checks"]
        token, pages = found["next_page_token"], pages + 1
        if token is None:
            return checks
        assert pages < 1_000


@pytest.mark.parametrize("size", [1, 3, 50, 200])
@pytest.mark.parametrize("node_id", NODES)
async def test_checks_are_listed_newest_first_each_once(
    site: Site, node_id: str, size: int
) -> None:
    """Settled ones out of the page, the others out of their runs: the same as the public record."""
    ticks = range(START_S // 60, int(site.now_s[0]) // 60 + 1)
    runs = await site.lived.settler(0.0).measurements.runs(ticks)
    recorded = [c for run in runs for c in run.checks if c.node_id == node_id]
    listed = await _all_checks(site, node_id, size)
    assert [c["draw"] for c in listed] == [c.draw for c in reversed(recorded)]
    for one, check in zip(listed, reversed(recorded), strict=True):
        assert (one["verdict"], one["reason"]) == (check.verdict.value, check.reason.value)
        assert one["event"] == (check.event.value if check.event else None)
        assert (one["caused_by_at"] is None) == (check.caused_by_s is None)
        told = [{k: v for k, v in a.items() if v is not None} for a in check.attempts]
        assert one["attempts"] == told


async def test_checks_older_than_the_page_are_found_in_their_runs() -> None:
    """The page has forgotten the first hour, as it does with every hour a day later."""
    lived = await lived_through(3)
    ref = Ref("projections", f"nodes-{bucket_of('n-good')}")
    (kept,) = await lived.measured.get(ref)
    assert kept is not None
    bucket = NODE_BUCKETS.decode(kept)
    last_two = {name: bucket.epochs[name] for name in sorted(bucket.epochs)[1:]}
    assert len(last_two) == 2
    await lived.measured.put(ref, NODE_BUCKETS.encode(replace(bucket, epochs=last_two)))
    async with site_of(lived) as site:
        listed = await _all_checks(site, "n-good", 200)
        drawn = [minute for minute in range(3 * 60 + 5) if minute % 13 == 0]
        live = [minute for minute in drawn if minute not in range(20, 26)]
        assert [c["draw"] - START_S // 60 for c in listed] == live[::-1]
        await site.client.get("/streams")
        site.forget_costs()
        await site.client.get("/nodes/n-good/checks?page_size=200")
        newest = site.reads
        assert newest <= 9
        draw = START_S // 60 + 2 * 60
        await site.client.get(f"/nodes/n-good/checks?page_size=200&page_token={draw}")
        assert site.reads - newest <= 2  # its own document for when it joined, its page


@pytest.mark.parametrize("node_id", ["n404", "n%20!", "x" * 300])
async def test_an_unknown_node_has_no_checks(site: Site, node_id: str) -> None:
    """Whatever its id is made of."""
    answer = await site.client.get(f"/nodes/{node_id}/checks")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-node")


@pytest.mark.parametrize("query", ["page_token=x", "page_token=-7", "page_size=0", "page_size=201"])
async def test_a_wrong_page_is_refused(site: Site, query: str) -> None:
    """With what is wrong."""
    answer = await site.client.get(f"/nodes/n-good/checks?{query}")
    assert answer.status_code == 422
