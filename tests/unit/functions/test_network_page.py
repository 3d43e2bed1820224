"""The page of the network: what it shows, how it is searched and sorted, how much it weighs."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from xml.etree import ElementTree

import httpx
import pytest

from api.services.snapshots import Snapshot
from api.site.bars import day_bars, hour_bars
from api.site.health_lines import State, health_of, job_line
from api.site.listing import NODES_A_PAGE, Asked, NodeList
from api.site.network_page import age_of
from coordinator.adapters.records import Measurements
from coordinator.checking.checks import Control
from coordinator.checking.controls import ControlCount
from coordinator.projections.history import NodeHistory
from coordinator.projections.network_view import NetworkView, NodeView, network_of
from coordinator.reasons import Reason
from coordinator.sweeping.demand import JobState
from coordinator.sweeping.nodes import NodeStatus
from coordinator.sweeping.rollups import NodeHour
from coordinator.sweeping.shards import Shard
from tests.doubles.counting import CountingStore
from tests.doubles.jobs import MemoryScheduler
from tests.doubles.memory import MemoryStore
from tests.populated import (
    CALENDAR,
    NAMES,
    money_projection,
    network_document,
    node_id,
    populate,
    populated,
)
from tests.unit.functions.conftest import settings
from tests.unit.functions.own_api import own_api

NOW_S = 1_795_305_637.0
BYTES_MAX = 100_000


@dataclass
class _Site:
    client: httpx.AsyncClient
    measured: CountingStore
    money: CountingStore
    store: MemoryStore


@pytest.fixture(params=[1_000])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[_Site]:
    """A fresh instance over a network of so many nodes."""
    store, money = await populated(request.param, NOW_S)
    counted, counted_money = CountingStore(store), CountingStore(money)
    app = own_api(counted, counted_money, settings(REQUESTS_PER_SECOND="1000"), lambda: NOW_S)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        yield _Site(client, counted, counted_money, store)


async def _text(site: _Site, path: str = "/") -> str:
    answer = await site.client.get(path)
    assert answer.status_code == 200
    return answer.text


def _shown(text: str) -> list[str]:
    return re.findall(r'<a href="/n/([^"]+)"', text)


@pytest.mark.parametrize("site", [1_000, 10_000], indirect=True)
async def test_a_view_costs_three_reads_and_a_hundred_kilobytes_at_most(site: _Site) -> None:
    """Whatever the size of the network, and whatever is asked of it."""
    paths = ["/", "/?sort=-status", "/?q=relay&page=7", "/?status=fraud", "/?streams=2&page=40"]
    for path in paths:
        answer = await site.client.get(path)
        assert (answer.status_code, len(answer.content) <= BYTES_MAX) == (200, True)
    assert site.measured.operations.reads + site.money.operations.reads == 3


async def test_every_node_is_on_exactly_one_page(site: _Site) -> None:
    """And the links lead from page to page."""
    path, found = "/", list[str]()
    while path:
        text = await _text(site, path)
        found += _shown(text)
        more = re.search(r'<a href="([^"#]+)#nodes" rel="next">', text)
        path = more.group(1).replace("&amp;", "&") if more else ""
    assert sorted(found) == sorted(node_id(at) for at in range(1_000))


async def test_streams_show_viewers_nodes_tokens_and_how_long_they_last(site: _Site) -> None:
    """Those that run come first; the others are a page further."""
    text = await _text(site)
    cards = re.findall(r'<li class="card">(.*?)</li>\n', text, re.DOTALL)
    assert len(cards) == 6
    assert "Village fête" in cards[0]
    assert re.search(r"<dt>Viewers</dt><dd>[0-9,]+</dd>", cards[0])
    assert re.search(r"lasts \d+ (d|h) \d+ (h|min)", cards[0])
    assert "1,500 <span" in cards[0]
    rest = await _text(site, "/?streams=2")
    assert "has ended" in rest
    assert "used up" in rest


async def test_a_node_shows_status_reason_past_check_and_earnings(site: _Site) -> None:
    """In words; with links to its own page and its stream's."""
    text = await _text(site, f"/?q={node_id(44)}")  # healthy, checked, a day and a month old
    (row,) = re.findall(r"<tbody>\n(<tr>.*?</tr>)\n</tbody>", text, re.DOTALL)[:1]
    assert f'href="/n/{node_id(44)}"' in row
    assert 'href="/s/stream' in row
    assert "healthy" in row
    assert row.count("<svg") == 2
    assert "<title>Last 24 hours: " in row
    assert "<title>Last 29 days: " in row  # it is midnight
    assert "min ago" in row
    assert "349.64" in row
    assert "1.21 pending" in row


@pytest.mark.parametrize(
    ("at", "kind", "reason"), [(1, "good", Reason.CONTROL_GOOD), (2, "bad", Reason.CONTROL_BAD)]
)
async def test_a_control_node_says_what_it_is(
    site: _Site, at: int, kind: str, reason: Reason
) -> None:
    """And not that it waits for a check: on the dashboard, on its own page, and in the api."""
    row = await _text(site, f"/?q={node_id(at)}")
    page = await _text(site, f"/n/{node_id(at)}")
    for text in (row, page):
        assert f'<span class="tag">control, known {kind}</span>' in text
        assert reason.says.replace("'", "&#39;") in text
        assert "in every draw" in text
    assert "It is a control: it earns nothing." in page
    told = (await site.client.get(f"/nodes/{node_id(at)}")).json()
    assert (told["reason"], told["says"]) == (reason.value, reason.says)


async def test_a_streams_picture_is_shown_and_a_cheats_is_linked(site: _Site) -> None:
    """Nobody knows what a node shows in the place of a stream."""
    page = network_document(1_000, NOW_S)
    honest, cheat = page.slots[44], page.slots[85]
    shown = {honest.node_id: f"{honest.stream_id}.7", cheat.node_id: f"{cheat.node_id}.99"}
    await Measurements(site.store).put_network_document(replace(page, thumbnails=shown))
    text = await _text(site, f"/?q={honest.node_id}")
    picture = f'<img src="/thumbnails/{honest.stream_id}.7.jpg" alt="The stream at a check"'
    assert f'{picture} loading="lazy"' in text
    assert 'alt="Chess night, lately" loading="lazy"' in text  # on the stream's own card
    text = await _text(site, f"/?q={cheat.node_id}")
    assert f'<a href="/thumbnails/{cheat.node_id}.99.jpg">what it showed</a>' in text
    assert f'<img src="/thumbnails/{cheat.node_id}' not in text


async def test_what_a_cheat_showed_is_not_linked_beside_a_check_that_passed(site: _Site) -> None:
    """The picture stays where it is; it says nothing about that check."""
    page = network_document(1_000, NOW_S)
    node = page.slots[44]  # healthy: its last check passed
    shown = {node.node_id: f"{node.node_id}.99"}
    await Measurements(site.store).put_network_document(replace(page, thumbnails=shown))
    text = await _text(site, f"/?q={node.node_id}")
    assert "what it showed" not in text
    assert f"/thumbnails/{node.node_id}.99.jpg" not in text


async def test_the_measurings_own_health_is_shown(site: _Site) -> None:
    """Sweeps, checks, control nodes, payouts, each with its last news."""
    text = (await _text(site)).split('id="health"')[1]
    assert "976 nodes polled in 4.2 s" in text
    assert "66 checks in the last run: 63 passed, 2 failed, 1 unknown by our own fault." in text
    assert "0 false alarms in 1,440 checks, 3 unknown by our own fault." in text
    assert "0 misses in 1,437 checks." in text
    assert text.count("✓") == 5
    assert "Read this with care" not in await _text(site)


async def test_old_news_is_called_old(site: _Site) -> None:
    """A sweep that did not come makes everything else doubtful."""
    page = network_document(1_000, NOW_S)
    await Measurements(site.store).put_network_document(replace(page, tick=page.tick - 5))
    text = await _text(site)
    assert "Read this with care: Sweeps late." in text
    assert "Last sweep <time" in text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("status=fraud", "that are <strong>fraud</strong>"),
        ("q=unreachable+port", "with <strong>unreachable port</strong>"),
        ("stream=stream2", "of <strong>Chess night</strong>"),
        ("q=no-such-node", "None with"),
    ],
)
async def test_what_was_asked_is_said(site: _Site, asked: str, says: str) -> None:
    """With a way back to all."""
    text = await _text(site, f"/?{asked}")
    assert says in text
    assert ">All nodes</a>" in text


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-7", "page=x", "page=999999", "page=9999999999999999", "sort=nothing",
     "status=<script>", "q=%00%ff", "q=" + "x" * 5_000, "streams=99", "stream=%22%3E", "page=٣"],
)  # fmt: skip
async def test_nonsense_asks_for_nothing(site: _Site, query: str) -> None:
    """And stays text."""
    text = await _text(site, f"/?{query}")
    assert "<script>" not in text
    assert '"">' not in text


@pytest.mark.parametrize("query", ["page=0", "streams=0", "page=000&streams=000"])
async def test_pages_are_counted_from_one(site: _Site, query: str) -> None:
    """Whoever asks for the page before the first one gets the first one."""
    assert await _text(site, f"/?{query}") == await _text(site, "/")


async def test_a_search_is_kept_while_paging_and_sorting(site: _Site) -> None:
    """Links and the form carry what was asked."""
    text = await _text(site, "/?q=example.net&sort=viewers&status=healthy")
    assert 'href="/?q=example.net&amp;status=healthy&amp;sort=viewers&amp;page=2#nodes"' in text
    assert 'href="/?q=example.net&amp;status=healthy&amp;sort=-viewers#nodes"' in text
    assert '<input type="hidden" name="status" value="healthy">' in text
    assert '<input type="hidden" name="sort" value="viewers">' in text
    assert 'aria-sort="descending"' in text


async def test_the_policy_allows_the_form_and_nothing_more(site: _Site) -> None:
    """No inline script or style."""
    answer = await site.client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    assert not re.search(r"<script(?! src=)", answer.text)


async def test_a_network_without_anybody_says_what_to_do() -> None:
    """Nobody has a page yet."""
    app = own_api(MemoryStore(), MemoryStore(), settings(), lambda: NOW_S)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        text = (await client.get("/")).text
    assert "No sweep has run yet." in text
    assert "No stream is registered." in text
    assert "No node has announced itself yet." in text


async def test_jobs_are_shown_and_a_rest_is_said() -> None:
    """Also when the scheduler does not answer."""
    store, money, scheduler = MemoryStore(), MemoryStore(), MemoryScheduler()
    await populate(store, money, 7, NOW_S)
    clock = [NOW_S]
    app = own_api(store, money, settings(), lambda: clock[0], scheduler=scheduler)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        text = (await client.get("/")).text
        assert "<code>prober-even-0</code>" in text
        assert "The network rests" not in text
        await scheduler.switch(on=False)
        clock[0] += 20
        text = (await client.get("/")).text
        assert "The network rests" in text
        assert text.count("paused") == 2
        scheduler.is_down = True
        clock[0] += 20
        assert "The scheduler did not say" in (await client.get("/")).text


# -- lists -----------------------------------------------------------------------------------


def _network(nodes: int = 200) -> NetworkView:
    return network_of([network_document(nodes, NOW_S)], money_projection(nodes, NOW_S).tokens, 60)


_LIST = NodeList(_network(), {f"stream{n}": name for n, name in enumerate(NAMES)})


def _all_pages(asked: Asked) -> list[NodeView]:
    pages = _LIST.page(asked).pages
    return [node for n in range(pages) for node in _LIST.page(replace(asked, page=n + 1)).nodes]


@pytest.mark.parametrize("column", ["node", "status", "uptime", "check", "viewers", "tokens"])
def test_every_column_sorts_both_ways(column: str) -> None:
    """One is the other from the end."""
    one, other = _all_pages(Asked(sort=column)), _all_pages(Asked(sort=f"-{column}"))
    assert len(one) == 200
    assert one == other[::-1]


@pytest.mark.parametrize(
    ("column", "number"),
    [
        ("tokens", lambda node: node.account.earned_micros),
        ("viewers", lambda node: node.poll.viewers if node.poll else 0),
        ("uptime", lambda node: -1.0 if node.uptime is None else node.uptime),
        ("check", lambda node: node.trust.last_check_s or 0.0),
    ],
)
def test_numbers_are_sorted_largest_first(column: str, number: Callable[[NodeView], float]) -> None:
    """As one would expect of a first click."""
    numbers = [number(node) for node in _all_pages(Asked(sort=column))]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) > 2


def test_troubles_are_sorted_worst_first() -> None:
    assert _all_pages(Asked(sort="status"))[0].status is NodeStatus.FRAUD
    assert _LIST.page(Asked()).nodes[0].is_verified


@pytest.mark.parametrize(
    ("q", "matches"),
    [
        (node_id(7)[:8].upper(), lambda node: node.node_id.startswith(node_id(7)[:8])),
        ("chess", lambda node: node.slot.stream_id == "stream2"),
        ("offline", lambda node: node.status is NodeStatus.OFFLINE),
        ("connect_failed", lambda node: node.reason == "connect_failed"),
        ("example.net", lambda node: node.slot.rtmp_host.endswith("example.net")),
        ("control good", lambda node: node.control is Control.GOOD),
    ],
)
def test_a_search_finds_what_is_said_of_a_node(q: str, matches: object) -> None:
    """Id, host, stream, status, reason; in any case."""
    assert callable(matches)
    found = _all_pages(Asked(q=q))
    wanted = {node.node_id for node in _LIST.network.nodes.values() if matches(node)}
    assert wanted
    assert wanted <= {node.node_id for node in found}


def test_a_page_further_than_the_last_is_the_last() -> None:
    """Nodes may have gone since the link was made."""
    found = _LIST.page(Asked(page=99))
    assert (found.page, found.pages, found.count) == (8, 8, 200)
    assert (found.first, len(found.nodes)) == (176, NODES_A_PAGE)
    assert _LIST.page(Asked(q="zzzzz")).first == 0


# -- bars ------------------------------------------------------------------------------------


def _node(history: NodeHistory, until_hour: int = 24 * 7 + 5) -> NodeView:
    (node, *_) = _LIST.network.nodes.values()
    return replace(node, history=history, until_hour=until_hour)


def test_bars_stand_for_themselves_without_colours() -> None:
    """Wide below, thin above; a dash without a stream, a dot where nothing was measured."""
    bars = hour_bars(_node(NodeHistory("d50~-")))
    assert bars is not None
    assert bars.width == 24 * 5
    assert bars.paths == {
        "good": "M97 20V0",
        "poor": "M102 20V13",
        "lost": "M102 13V0M107 20V0",
        "idle": "M110 16h4",
        "none": "M116 19h2",
    }
    assert bars.says == (
        "Last 5 hours: 1 of 3 measured at least 99 % up, worst not up at all, "
        "1 without a live stream, 1 not measured."
    )


def test_the_present_day_is_the_last_bar_of_the_month() -> None:
    """As far as it has gone; at midnight there is none."""
    history = NodeHistory("dd", "d" * 30, NodeHour(120, 60, 0))
    bars = day_bars(_node(history))
    assert bars is not None
    assert bars.says.startswith(
        "Last 30 days: 29 of 30 measured at least 99 % up, worst 50 to 75 %"
    )
    midnight = day_bars(_node(history, until_hour=24 * 7))
    assert midnight is not None
    assert midnight.says == "Last 30 days: 30 of 30 measured at least 99 % up."


def test_without_a_past_there_are_no_bars() -> None:
    """A new node has none."""
    assert hour_bars(_node(NodeHistory())) is None
    assert day_bars(_node(NodeHistory(), until_hour=24)) is None


async def test_every_picture_is_well_formed(site: _Site) -> None:
    """And reads aloud."""
    for picture in re.findall(r"<svg.*?</svg>", await _text(site), re.DOTALL):
        root = ElementTree.fromstring(picture)  # noqa: S314 - our own output
        title = root.find("title")
        assert root.get("aria-hidden") == "true" or (title is not None and title.text)


# -- health ----------------------------------------------------------------------------------


def _snapshot(network: NetworkView, now_s: float = NOW_S) -> Snapshot:
    money = money_projection(3, NOW_S)
    return Snapshot(now_s, tuple(money.streams.values()), dict(money.balances), network)


def _states(snapshot: Snapshot, *jobs: JobState) -> dict[str, State]:
    return {part.name: part.state for part in health_of(snapshot, CALENDAR, jobs, NOW_S).parts}


def test_late_is_what_gave_no_news_for_too_long() -> None:
    """Each by its own measure."""
    network = _network(3)
    assert set(_states(_snapshot(network)).values()) == {State.WELL}
    later = _states(_snapshot(network, NOW_S + 240))
    assert (later["Sweeps"], later["Checks"]) == (State.LATE, State.LATE)
    assert later["Payouts"] is State.WELL
    assert _states(_snapshot(network, NOW_S + 7_200))["Payouts"] is State.LATE


def test_a_resting_network_is_not_late() -> None:
    """Its jobs are paused on purpose."""
    job = JobState("collector-0", True, None, None, "")
    snapshot = _snapshot(_network(3), NOW_S + 1_000)
    states = _states(snapshot, job)
    assert (states["Sweeps"], states["Checks"]) == (State.RESTING, State.RESTING)
    health = health_of(snapshot, CALENDAR, [job], NOW_S)
    assert (health.is_resting, health.troubles) == (True, [])


@pytest.mark.parametrize(
    ("due_s", "state", "says", "shown_s"),
    [
        (11, State.WELL, "Next call", 11),
        (10.5, State.WELL, "Next call", 10.5),
        (10, State.WELL, "It is called about now.", None),
        (0, State.WELL, "It is called about now.", None),
        (-60, State.WELL, "It is called about now.", None),
        (-61, State.LATE, "It was to be called", -61),
    ],
)
def test_a_next_call_is_never_past_beside_well(
    due_s: float, state: State, says: str, shown_s: float | None
) -> None:
    """Neither now nor while the page stays as it is; what is past for long is late."""
    job = JobState("payout", False, NOW_S - 70, NOW_S + due_s, "")
    line = job_line(job, NOW_S)
    at_s = None if shown_s is None else NOW_S + shown_s
    assert (line.state, line.says, line.at_s) == (state, says, at_s)
    failed = job_line(replace(job, failure="It answered 500."), NOW_S)
    assert (failed.state, failed.says) == (State.WRONG, f"It answered 500. {says}")


def test_a_paused_job_has_no_next_call() -> None:
    """And one that was never called is not late."""
    assert job_line(JobState("payout", True, None, NOW_S - 99, ""), NOW_S).at_s is None
    new = job_line(JobState("payout", False, None, None, ""), NOW_S)
    assert (new.state, new.says, new.at_s) == (State.WELL, "", None)


def test_each_shard_is_told_apart() -> None:
    """One may be late alone."""
    page = network_document(4, NOW_S)
    late = replace(page, shard=Shard(1, 2), tick=page.tick - 9)
    pages = [replace(page, shard=Shard(0, 2)), late]
    states = _states(_snapshot(network_of(pages, {}, 60)))
    assert states["Sweeps of shard 0"] is State.WELL
    assert states["Sweeps of shard 1"] is State.LATE


def test_a_control_node_that_came_out_wrong_is_a_trouble() -> None:
    """A miss or a false alarm puts everything in doubt."""
    page = network_document(4, NOW_S)
    counts = {Control.BAD: ControlCount(70, 1, 0)}
    network = network_of([replace(page, prober=replace(page.prober, counts=counts))], {}, 60)
    parts = {part.name: part for part in health_of(_snapshot(network), CALENDAR, (), NOW_S).parts}
    assert parts["Known-bad control nodes"].state is State.WRONG
    assert parts["Known-bad control nodes"].says == "1 miss in 70 checks."
    assert parts["Known-good control nodes"].state is State.NONE


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(7, "just now"), (61, "1 min ago"), (7_300, "2 h ago"), (10**6, "11 d ago")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float, says: str) -> None:
    """No more is needed."""
    assert age_of(seconds) == says
