"""A sponsor's page: what the tokens bought, how to publish and watch, who serves."""

import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.projection_documents import ProjectionWriter
from coordinator.money import format_tokens
from coordinator.projections.stream_projection import StreamHour
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.lived import CALENDAR, FIRST_EPOCH, NODES, STREAM_ID, Lived, lived_through
from tests.unit.functions.conftest import INGEST_KEY, bearer
from tests.unit.functions.html_page import Page
from tests.unit.functions.lived_api import Site, site_of


async def _page(site: Site, path: str = f"/s/{STREAM_ID}") -> Page:
    answer = await site.client.get(path)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


async def test_the_page_says_what_the_tokens_bought() -> None:
    """Each hour's paid and voided minutes, what was paid, returned and left."""
    async with site_of(await lived_through(3)) as site:
        page = await _page(site)
        for epoch in range(FIRST_EPOCH, FIRST_EPOCH + 3):
            statement = await Ledger(site.lived.money).statement(STREAM_ID, epoch)
            assert statement is not None
            assert format_tokens(statement.paid_micros) in page.text
            assert format_tokens(statement.balance_after_micros) in page.text
        (balance,) = await Ledger(site.lived.money).balances([STREAM_ID])
        assert balance is not None
        assert f"Balance {format_tokens(balance.balance_micros)} of 90 tokens" in page.text
        assert f"Paid to nodes {format_tokens(balance.paid_micros)}" in page.text
        assert "The balance lasts" in page.text


async def test_the_page_names_what_viewers_cannot_play() -> None:
    """At once, also where the page's own projection is older; and a codec is a stranger's word."""
    async with site_of(await lived_through(1)) as site:
        assert "Published" not in (await _page(site)).text
        await site.client.post(
            "/ingest/media",
            json={"stream_id": STREAM_ID, "video": "<b>x</b>", "audio": "MP3"},
            headers=bearer(INGEST_KEY),
        )
        answer = await site.client.get(f"/s/{STREAM_ID}")
        assert "<b>x" not in answer.text
        page = Page(answer.text)
        assert "Published <b>x</b> and MP3 since" in page.text
        assert "▲ The picture is <b>x</b>: no player is known to play it." in page.text
        assert "▲ The sound is MP3: Chrome and its kin" in page.text


async def test_the_charts_read_aloud_and_have_a_column_an_hour() -> None:
    """Pictures are extras: every number is in the table too."""
    async with site_of(await lived_through(3)) as site:
        page = await _page(site)
        drawings = [tag for tag in page.tags["svg"] if tag.get("role") == "img"]
        assert len(drawings) == 2
        assert "node-minutes were paid" in str(drawings[0]["aria-label"])
        assert "The balance went from 90 to" in str(drawings[1]["aria-label"])
        (line,) = page.tags["polyline"]
        points = [tuple(map(float, p.split(","))) for p in str(line["points"]).split()]
        assert [x for x, _ in points] == [0, 1, 1, 2, 2, 3]
        heights = [y for _, y in points]
        assert heights == sorted(heights)


async def test_an_hour_in_which_nobody_was_there_is_told_so() -> None:
    """Nothing was due: that is not the same as everything being paid."""
    lived = await lived_through(1)
    money = await Measurements(lived.measured).money_projection()
    assert money is not None
    starts_s = CALENDAR.epoch_bounds_s(FIRST_EPOCH + 1)[0]
    empty = StreamHour(FIRST_EPOCH + 1, starts_s, starts_s + 3600, 60, 0, 0, {}, 0, 0, 0, 7, 7, {})
    await ProjectionWriter(lived.measured).add_hour(STREAM_ID, empty, None, money, ())
    async with site_of(lived) as site:
        page = await _page(site)
        assert "no minute was due" in page.text
        assert "every minute was paid" not in page.text


async def test_publishing_and_watching_are_lines_to_copy() -> None:
    """For OBS, ffmpeg, VLC, mpv, ffplay; selectable where no script runs."""
    async with site_of(await lived_through(1)) as site:
        page = await _page(site)
        text = page.text
        assert "rtmp://203.0.113.5:1935/live" in text
        assert f"{STREAM_ID}?key=STREAM_KEY" in text
        assert "ffmpeg -re -i input.mp4" in text
        for player in ("vlc", "mpv"):
            url = f"https://api.example.org/streams/{STREAM_ID}/playlist.m3u"
            assert f"{player} {url}" in text
        assert f"ffplay -fflags nobuffer rtmp://203.0.114.7:1935/live/{STREAM_ID}" in text
        copies = [tag for tag in page.tags["button"] if tag.get("class") == "copy"]
        assert len(copies) == 6
        assert all(str(tag["aria-label"]).startswith("Copy ") for tag in copies)


async def test_nodes_are_ranked_best_first() -> None:
    """Verified ones, then the others, each with the way to its own page."""
    async with site_of(await lived_through(3)) as site:
        page = await _page(site)
        ids = [str(tag["href"])[3:] for tag in page.tags["a"] if str(tag["href"])[:3] == "/n/"]
        assert set(ids) == set(NODES)
        assert set(ids[-3:]) == {"n-absent", "n-fraud", "n-gone"}


async def test_many_nodes_are_paged() -> None:
    """By plain links; a page beyond the last is the last."""
    lived = Lived(0, minutes=1)
    await lived.live()
    measurements = lived.settler(0.0).measurements
    slots = tuple(
        Slot(f"n{at:03d}", STREAM_ID, f"http://203.0.114.{at}/", f"203.0.114.{at}", 1935, 1, 1.0)
        for at in range(60)
    )
    roster = Roster(WHOLE, 2, 1.0, slots)
    await measurements.put_roster(roster)
    up = Poll(Outcome.UP, Reason.OK, 7, 7)
    tick = int(lived.now_s // 60)
    await measurements.create_sweep(
        Sweep(WHOLE, tick, 2, dict.fromkeys(range(60), up)), lived.now_s
    )
    await lived.publish(roster)
    async with site_of(lived) as site:
        seen: list[str] = []
        for number in (1, 2, 3):
            page = await _page(site, f"/s/{STREAM_ID}?nodes={number}")
            assert f"Page {number} of 3" in page.text
            links = [str(tag["href"]) for tag in page.tags["a"]]
            seen += [link[3:] for link in links if link.startswith("/n/")]
            assert (f"?nodes={number + 1}#nodes" in links) == (number < 3)
        assert seen == sorted(seen)
        assert len(set(seen)) == 60
        assert "Page 3 of 3" in (await _page(site, f"/s/{STREAM_ID}?nodes=77")).text


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999"])
async def test_a_wrong_page_of_nodes_is_refused(number: str) -> None:
    """With what is wrong."""
    async with site_of(await lived_through(0, minutes=1)) as site:
        answer = await site.client.get(f"/s/{STREAM_ID}?nodes={number}")
        assert answer.status_code == 422


async def test_a_hostile_name_stays_text() -> None:
    """In the heading, in the title, in link previews."""
    async with site_of(await lived_through(0, minutes=1)) as site:
        answer = await site.client.get(f"/s/{STREAM_ID}")
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;alert(" in answer.text
        assert Page(answer.text).meta("og:title") == "<script>alert('stage')</script> & friends"
