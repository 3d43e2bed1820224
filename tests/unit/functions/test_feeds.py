"""Feeds are valid Atom, the same for the same news, and tell what happened once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lxml import etree

from api.site.atom import AtomEntry, Feed, feed_xml
from tests.lived import Lived, lived_through
from tests.unit.functions.lived_api import Site, site_of

ATOM = "{http://www.w3.org/2005/Atom}"
SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).with_name("atom.rng")))
PATHS = ["/feed.atom", "/n/n-shaky/feed.atom", "/n/n-gone/feed.atom", "/n/n-good/feed.atom"]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Two hours, and five minutes that are not settled."""
    async with site_of(await lived_through(2)) as site:
        yield site


async def _feed(site: Site, path: str) -> "etree._Element":
    answer = await site.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/atom+xml")
    return etree.fromstring(answer.content)


def _entries(feed: "etree._Element") -> dict[str, str]:
    """Title and instant by id."""
    return {
        entry.findtext(f"{ATOM}id"): f"{entry.findtext(f'{ATOM}updated')} "
        f"{entry.findtext(f'{ATOM}title')}"
        for entry in feed.iter(f"{ATOM}entry")
    }


@pytest.mark.parametrize("path", PATHS)
async def test_a_feed_is_valid_atom(site: Site, path: str) -> None:
    """By RFC 4287's schema, and by what it says beside it: ids differ, a link names the feed."""
    feed = await _feed(site, path)
    assert SCHEMA.validate(feed), SCHEMA.error_log
    entries = list(feed.iter(f"{ATOM}entry"))
    assert len(_entries(feed)) == len(entries)
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links["self"] == f"https://api.example.org{path}"
    instants = [entry.findtext(f"{ATOM}updated") for entry in entries]
    assert instants == sorted(instants, reverse=True)
    if instants:
        assert feed.findtext(f"{ATOM}updated") == instants[0]


async def test_the_network_feed_has_incidents(site: Site) -> None:
    """With the page that tells more."""
    feed = await _feed(site, "/feed.atom")
    titles = [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]
    assert "Nodes were not measured" in titles
    assert "A fraud was confirmed: n-fraud" in titles
    assert "A node was suspended: n-absent" in titles
    links = [link.get("href") for link in feed.iter(f"{ATOM}link")]
    assert "https://api.example.org/n/n-fraud" in links


@pytest.mark.parametrize(
    ("node_id", "expected"),
    [
        ("n-absent", {"Flagged", "Suspended", "Check failed: unreachable"}),
        ("n-fraud", {"Flagged", "Confirmed as a fraud", "Check failed: wrong_content"}),
        ("n-gone", {"Offline"}),
        ("n-good", set()),
    ],
)
async def test_a_nodes_feed_tells_its_story(site: Site, node_id: str, expected: set[str]) -> None:
    """Flags and what became of them, failed checks, offline."""
    feed = await _feed(site, f"/n/{node_id}/feed.atom")
    assert {entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")} == expected


async def test_what_is_known_before_it_is_settled_keeps_its_id() -> None:
    """A fraud is told from the snapshot at once, and is the same entry after the settlement."""
    found = []
    for lived in (Lived(0, minutes=50), Lived(1)):
        async with site_of(await lived.live()) as site:
            found.append(_entries(await _feed(site, "/n/n-fraud/feed.atom")))
    before, after = found
    assert before
    assert before.items() <= after.items()


async def test_an_unchanged_feed_is_not_sent_again(site: Site) -> None:
    """Minutes later nothing has happened, so nothing of it has changed."""
    first = await site.client.get("/n/n-shaky/feed.atom")
    site.now_s[0] += 120
    again = await site.client.get(
        "/n/n-shaky/feed.atom", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert "max-age=60" in first.headers["cache-control"]


async def test_an_unknown_node_has_no_feed(site: Site) -> None:
    """A problem, as for every route."""
    answer = await site.client.get("/n/n404/feed.atom")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-node")


def test_hostile_text_stays_text() -> None:
    """Markup is escaped, and what XML cannot hold is replaced."""
    entry = AtomEntry("k/7", 7.0, "<b>\x00 ]]> & \ud800\ufffe", "</feed><script>\x1b", "/n/n2")
    document = feed_xml(Feed("<&>", "/feed.atom", "/", (entry,)), "https://api.example.org")
    feed = etree.fromstring(document)
    assert SCHEMA.validate(feed), SCHEMA.error_log
    (found,) = feed.iter(f"{ATOM}entry")
    assert found.findtext(f"{ATOM}title") == "<b>\ufffd ]]> & \ufffd\ufffd"
    assert found.findtext(f"{ATOM}summary") == "</feed><script>\ufffd"


def test_an_empty_feed_is_valid_too() -> None:
    """It was last changed when what it is about began."""
    feed = etree.fromstring(feed_xml(Feed("A", "/a", "/", (), 60.0), "http://api.example"))
    assert SCHEMA.validate(feed), SCHEMA.error_log
    assert feed.findtext(f"{ATOM}updated") == "1970-01-01T00:01:00Z"
