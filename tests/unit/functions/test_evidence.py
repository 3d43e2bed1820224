"""The public record comes whole, in pages that a function may answer with."""

from dataclasses import asdict
from typing import Any

import pytest

from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import RUNS, Check, IngestState, Run, Verdict
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from tests.unit.functions.conftest import Coordinator

DRAW = 29_922_600


def _run(draw: int, nodes: int) -> Run:
    at_s = draw * 60.0
    attempt = {"started_s": at_s, "matched": 409, "lag_s": None, "a_later_number": 7}
    checks = [
        Check(f"n{at}", "s3", draw, at_s, Verdict.PASS, Reason.PASSED, attempts=(attempt,))
        for at in range(nodes)
    ]
    return Run(draw, at_s, at_s + 50, (), {"s3": IngestState.LIVE}, tuple(checks))


async def _pages(coordinator: Coordinator, draws: range) -> list[list[dict[str, Any]]]:
    pages, draw = [], draws.start
    while draw is not None:
        asked = {"from_draw": draw, "until_draw": draws.stop}
        answer = await coordinator.client.get("/runs", params=asked)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["runs"])
        draw = answer.json()["next_draw"]
    return pages


@pytest.mark.parametrize(
    ("nodes", "sizes"), [(3, [100, 20]), (100, [100, 20]), (101, [*[10] * 3, 90])]
)
async def test_a_page_holds_fewer_draws_of_a_larger_network(
    coordinator: Coordinator, nodes: int, sizes: list[int]
) -> None:
    """Each run once, in order; a hundred draws or ten thousand checks."""
    draws = range(DRAW, DRAW + 120)
    runs = [_run(draw, nodes) for draw in draws]
    for run in runs:
        await coordinator.measured.create(Ref("probe_results", run.id), RUNS.encode(run))
    pages = await _pages(coordinator, draws)
    assert [len(page) for page in pages] == sizes
    assert [run["draw"] for page in pages for run in page] == list(draws)
    told, check = pages[0][7]["checks"][2], runs[7].checks[2]
    assert told == asdict(check) | {"attempts": list(check.attempts)}


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
    }


@pytest.mark.parametrize(
    "path", ["/schedule/1999-01-01", "/rosters/0", "/rosters/0of1-²", f"/rosters/0of1-{10**12}"]
)
async def test_what_is_not_on_record_is_said(coordinator: Coordinator, path: str) -> None:
    """As a problem, not as something empty."""
    answer = await coordinator.client.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] in {"/problems/unknown-day", "/problems/unknown-roster"}
