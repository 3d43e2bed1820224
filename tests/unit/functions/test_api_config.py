"""`GET /config`: what epochs are settled by, dated, and never written again."""

from typing import Any

import pytest

from coordinator.adapters.log import Log
from coordinator.epochs import Calendar
from coordinator.ledger.published_settings import LengthsChangedError
from payout.settler import Settler
from tests.unit.functions.conftest import Coordinator, coordinator
from tests.unit.functions.sponsored import CALENDAR, EPOCH, serve, settle_due

__all__ = ["coordinator"]


async def _settle(
    coordinator: Coordinator, holding: int, percent: int = 20, calendar: Calendar = CALENDAR
) -> dict[str, Any]:
    """By a deployment that is set so."""
    settler = Settler(
        coordinator.measurements,
        coordinator.ledger,
        calendar,
        holding,
        lambda: coordinator.now_s[0],
        Log("payout", "ERROR"),
        percent,
        checks_per_hour=7,
    )
    return await settler.settle_due()


async def _config(coordinator: Coordinator) -> dict[str, Any]:
    return dict((await coordinator.client.get("/config")).json())


async def test_it_is_published_by_the_first_settling(coordinator: Coordinator) -> None:
    assert await _config(coordinator) == {"current": None, "history": []}
    await _settle(coordinator, 24)
    found = await _config(coordinator)
    assert found["history"] == [found["current"]]
    assert found["current"] == {
        "number": 1,
        "since": "2026-11-22T00:00:37Z",
        "since_s": 1_795_305_637.0,
        "sweep_seconds": 60,
        "check_seconds": 60,
        "epoch_seconds": 3600,
        "grace_seconds": 120,
        "checks_per_hour": 7,
        "holding_epochs": 24,
        "network_percent": 20,
        "network_nodes_free": 3,
        "unknown_minutes_max": 5,
        "rules": found["current"]["rules"],
    }


async def test_the_same_settings_are_not_published_again(coordinator: Coordinator) -> None:
    await _settle(coordinator, 24)
    before = await _config(coordinator)
    coordinator.now_s[0] += 600
    await _settle(coordinator, 24)
    assert await _config(coordinator) == before


async def test_a_change_counts_for_epochs_that_begin_after_it(coordinator: Coordinator) -> None:
    """The epoch that had begun is settled as it began, whenever it is settled."""
    stream_id = (await coordinator.registered(reward_per_node_hour="6"))["stream_id"]
    await settle_due(coordinator)
    first = await _config(coordinator)
    began_s = CALENDAR.epoch_bounds_s(EPOCH + 1)[0]
    await serve(coordinator, stream_id, 2)
    settled_s, coordinator.now_s[0] = coordinator.now_s[0], began_s + 1.0
    await _settle(coordinator, 3, 50)
    coordinator.now_s[0] = settled_s
    await _settle(coordinator, 3, 50)
    statements = await coordinator.ledger.statements(stream_id, 0, 9)
    assert [(s.epoch - EPOCH, s.terms.holding_epochs) for s in statements] == [
        (0, 24),
        (1, 24),
        (2, 3),
    ]
    assert [s.terms.network_percent for s in statements] == [20, 20, 50]
    history = (await _config(coordinator))["history"]
    assert history[:1] == first["history"]
    assert [(each["number"], each["since_s"]) for each in history[1:]] == [(2, began_s + 1.0)]


async def test_an_epoch_waits_for_the_grace_that_it_began_with(coordinator: Coordinator) -> None:
    """A shorter one cuts off nothing that its nodes could still bring."""
    await coordinator.registered()
    await settle_due(coordinator)
    shorter = Calendar(grace_seconds=30)
    coordinator.now_s[0] = CALENDAR.epoch_bounds_s(EPOCH)[1] + 60.0
    assert (await _settle(coordinator, 24, calendar=shorter))["settled"] == []
    coordinator.now_s[0] += 60.0
    (line,) = (await _settle(coordinator, 24, calendar=shorter))["settled"]
    assert line["epoch"] == EPOCH


async def test_lengths_that_number_documents_are_refused(coordinator: Coordinator) -> None:
    await _settle(coordinator, 24)
    with pytest.raises(LengthsChangedError):
        await _settle(coordinator, 24, calendar=Calendar(epoch_seconds=1800))
    assert len((await _config(coordinator))["history"]) == 1
