"""The public record comes whole, in pages that a function may answer with."""

import random
from dataclasses import asdict, replace
from typing import Any

import pytest

from api.services.evidence import SLOTS_PAGE_MAX, runs_of
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Fields, Query, Ref
from coordinator.checking.checks import RUNS, Check, IngestState, Run, Verdict
from coordinator.projections.network_document import NetworkDocument
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.doubles.memory import MemoryStore
from tests.unit.functions.conftest import ADDRESS, NODE_ID, NOW_S, Coordinator
from tools.verify.public import PublicRecord

DRAW = TICK = 29_922_600


def _run(draw: int, nodes: int) -> Run:
    at_s = draw * 60.0
    attempt = {"started_s": at_s, "matched": 409, "lag_s": None, "a_later_number": 7}
    checks = [
        Check(f"n{at}", "s3", draw, at_s, Verdict.PASS, Reason.PASSED, attempts=(attempt,))
        for at in range(nodes)
    ]
    return Run(draw, at_s, at_s + 50, (), {"s3": IngestState.LIVE}, tuple(checks))


async def _pages(coordinator: Coordinator, draws: range) -> list[list[dict[str, Any]]]:
    pages, draw, check = [], draws.start, 0
    while draw is not None:
        asked = {"from_draw": draw, "until_draw": draws.stop, "from_check": check}
        answer = await coordinator.client.get("/runs", params=asked)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["runs"])
        draw, check = answer.json()["next_draw"], answer.json()["next_check"]
    return pages


@pytest.mark.parametrize(
    ("nodes", "sizes"), [(3, [100, 20]), (10, [30] * 4), (50, [6] * 20), (100, [3] * 40)]
)
async def test_a_page_holds_fewer_draws_of_a_larger_network(
    coordinator: Coordinator, nodes: int, sizes: list[int]
) -> None:
    """Each run once, in order; a hundred draws or three hundred checks."""
    draws = range(DRAW, DRAW + 120)
    runs = [_run(draw, nodes) for draw in draws]
    for run in runs:
        await coordinator.measured.create(Ref("probe_results", run.id), RUNS.encode(run))
    pages = await _pages(coordinator, draws)
    assert [len(page) for page in pages] == sizes
    assert [run["draw"] for page in pages for run in page] == list(draws)
    told, check = pages[0][2]["checks"][2], runs[2].checks[2]
    assert told == asdict(check) | {"attempts": list(check.attempts)}


async def test_a_run_of_many_checks_comes_in_parts(coordinator: Coordinator) -> None:
    """No answer has more than 300. Whoever puts the parts together has what was recorded."""
    late = replace(_run(DRAW + 1, 7), is_late=True)
    runs = [_run(DRAW, 700), _run(DRAW + 1, 1_500), late, _run(DRAW + 2, 0), _run(DRAW + 3, 2_000)]
    for run in runs:
        await coordinator.measured.create(Ref("probe_results", run.id), RUNS.encode(run))
    draws = range(DRAW, DRAW + 5)
    pages = await _pages(coordinator, draws)
    sizes = [[len(run["checks"]) for run in page] for page in pages]
    whole = [[300]]
    assert sizes == [*whole * 2, [100, 200], *whole * 4, [100, 7, 0, 192], *whole * 6, [8]]
    assert await PublicRecord(coordinator.client).runs(draws) == runs


class _CountedStore(MemoryStore):
    """Notes how many documents each question found."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[int] = []

    async def find(self, query: Query) -> list[tuple[str, Fields]]:
        found = await super().find(query)
        self.found.append(len(found))
        return found


async def test_a_page_of_runs_is_read_in_few_questions() -> None:
    """Each is a way to the database and back. None is for more than may fit on the page."""
    store = _CountedStore()
    for draw in range(DRAW, DRAW + 100):
        run = _run(draw, 25)
        await store.create(Ref("probe_results", run.id), RUNS.encode(run))
    page = await runs_of(range(DRAW, DRAW + 100), 0, Measurements(store))
    assert (sum(len(run.checks) for run in page.runs), page.next_draw) == (300, DRAW + 12)
    assert store.found == [4, 8]


async def test_a_draw_without_a_run_is_no_end(coordinator: Coordinator) -> None:
    """Nor is a range without any draw an error."""
    await coordinator.measurements.record_run(_run(DRAW + 150, 1), (DRAW + 150) * 60.0)
    pages = await _pages(coordinator, range(DRAW, DRAW + 201))
    assert [[run["draw"] for run in page] for page in pages] == [[], [DRAW + 150], []]
    assert await _pages(coordinator, range(DRAW, DRAW)) == [[]]
    assert await _pages(coordinator, range(DRAW, DRAW - 7)) == [[]]


async def test_a_roster_names_every_slot_with_all_of_it(coordinator: Coordinator) -> None:
    """In the order of the bitmaps."""
    slots = tuple(
        Slot(f"n{at}", "s3", f"http://203.0.114.{at}/s.json", f"203.0.114.{at}", 1935, 7, 1.5)
        for at in (3, 2)
    )
    await coordinator.measurements.put_roster(Roster(WHOLE, 7, 1.0, slots))
    answer = await coordinator.client.get("/rosters/0of1-7")
    assert answer.json() == {
        "roster_id": "0of1-7",
        "until_tick": None,
        "slots": [asdict(slot) for slot in slots],
        "next_slot": None,
    }


async def test_a_roster_of_many_slots_comes_in_parts(coordinator: Coordinator) -> None:
    """Two thousand slots at a time, each at its own number."""
    slots = tuple(
        Slot(f"n{at}", "s3", f"http://10.0.0.7/{at}.json", "10.0.0.7", 1935, 7, 1.5)
        for at in range(2 * SLOTS_PAGE_MAX + 3)
    )
    await coordinator.measurements.put_roster(Roster(WHOLE, 7, 1.0, slots))
    answer = (await coordinator.client.get("/rosters/0of1-7?from_slot=2000")).json()
    assert (len(answer["slots"]), answer["next_slot"]) == (2_000, 4_000)
    assert answer["slots"][0]["node_id"] == "n2000"
    record = PublicRecord(coordinator.client)
    assert (await record.roster(WHOLE, 7)).slots == slots


async def test_a_large_network_s_sweeps_come_on_shorter_pages(coordinator: Coordinator) -> None:
    """Each sweep has bits for all of its slots: at 5,000 nodes a page has fifty sweeps."""
    slots = tuple(
        Slot(f"n{at}", "s3", "http://10.0.0.7/s.json", "10.0.0.7", 1935, 7, 1.5)
        for at in range(5_000)
    )
    page = NetworkDocument(WHOLE, 9, 1.0, slots, {})
    await coordinator.measurements.put_network_document(page)
    ticks = range(TICK, TICK + 120)
    for tick in ticks:
        polls = dict.fromkeys(range(7), Poll(Outcome.UP, Reason.OK, 77, 77))
        await coordinator.measurements.create_sweep(Sweep(WHOLE, tick, 7, polls), tick * 60.0)
    asked = {"from_tick": ticks.start, "until_tick": ticks.stop}
    answer = (await coordinator.client.get("/sweeps", params=asked)).json()
    assert (len(answer["sweeps"]), answer["next_tick"]) == (50, TICK + 50)
    found = await PublicRecord(coordinator.client).sweeps(ticks)
    assert [sweep.tick for sweep in found] == list(ticks)


@pytest.mark.parametrize(
    "path", ["/schedule/1999-01-01", "/rosters/0", "/rosters/0of1-²", f"/rosters/0of1-{10**12}"]
)
async def test_what_is_not_on_record_is_said(coordinator: Coordinator, path: str) -> None:
    """As a problem, not as something empty."""
    answer = await coordinator.client.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] in {"/problems/unknown-day", "/problems/unknown-roster"}


async def test_a_node_s_checks_of_a_large_network_come_on_pages_that_look_at_fewer_draws(
    coordinator: Coordinator,
) -> None:
    """Each check once, newest first; no page reads through all draws of everybody."""
    stream_id = (await coordinator.registered())["stream_id"]
    place = {"stats_port": 8080, "rtmp_port": 1935, "address": ADDRESS}
    beat = {"stream_id": stream_id, **place}
    joined = await coordinator.client.post("/nodes/heartbeat", json=beat, auth=coordinator.signed())
    assert joined.status_code == 200, joined.text
    first, chance = int(NOW_S // 60) + 1, random.Random(7)
    others = [
        replace(check, node_id=f"n{chance.getrandbits(95):x}", due_s=chance.random() * 1e9)
        for check in _run(first, 2_000).checks
    ]
    for draw in range(first, first + 40):
        own = [replace(others[0], node_id=NODE_ID, draw=draw)] if draw % 3 == 0 else []
        run = replace(_run(draw, 0), checks=(*others, *own))
        await coordinator.measured.create(Ref("probe_results", run.id), RUNS.encode(run))
    coordinator.now_s[0] += 41 * 60.0
    pages: list[list[int]] = []
    token: str | None = ""
    while token is not None:
        asked: dict[str, str | int] = {"page_token": token, "page_size": 200}
        answer = (await coordinator.client.get(f"/nodes/{NODE_ID}/checks", params=asked)).json()
        pages.append([check["draw"] for check in answer["checks"]])
        token = answer["next_page_token"]
    drawn = [draw for draw in range(first, first + 40) if draw % 3 == 0]
    assert [draw for page in pages for draw in page] == drawn[::-1]
    assert len(pages) > 1
    assert max(map(len, pages)) < len(drawn)
