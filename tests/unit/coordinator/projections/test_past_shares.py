"""The last day and the last month, as one figure each."""

import pytest

from coordinator.projections.history import History, NodeHistory, away_since
from coordinator.projections.past_shares import NO_SHARES, PastShares, percent, shares_of
from coordinator.reasons import Reason
from coordinator.sweeping.rollups import NodeHour, rolled_up
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE

UP, DOWN, HALF = NodeHour(60, 60, 0), NodeHour(60, 0, 0), NodeHour(60, 30, 0)
MIDNIGHT = 24 * 20_000


def _lived(*hours: NodeHour, begins: int = MIDNIGHT) -> History:
    history = History(begins)
    for hour in hours:
        history = history.after({("n2", "s3"): hour}, {"n2"})
    return history


def _shares(history: History) -> PastShares:
    return shares_of(history.nodes["n2"], history.until_hour)


def test_a_node_without_a_past_has_no_shares() -> None:
    assert shares_of(NodeHistory(), MIDNIGHT) == NO_SHARES


def test_hours_that_nobody_measured_do_not_count() -> None:
    ours, idle = NodeHour(60, 0, 60), NodeHour(60, 0, 0, 60)
    assert _shares(_lived(UP, ours, idle, DOWN)) == PastShares(0.5, 0.5)


def test_a_month_weighs_its_days_by_their_hours() -> None:
    """A day that is not over counts as far as it has come."""
    history = _lived(*[UP] * 24, *[DOWN] * 12)
    assert _shares(history) == PastShares(0.5, 24 / 36)


def test_an_hour_away_is_an_hour_not_up() -> None:
    """A slot that was left tells the roll-up: its node was heard of before."""
    ticks = range(600, 660)
    left = Slot("n2", "s3", "http://h/", "h", 1935, 500, 1.0, 640, Reason.LEFT.value, 500)
    back = Slot("n2", "s3", "http://h/", "h", 1935, 650, 1.0, first_tick=500)
    new = Slot("n3", "s3", "http://h/", "h", 1935, 650, 1.0, first_tick=650)
    roster = Roster(WHOLE, 500, 0.0, (left, back, new))
    found = rolled_up(WHOLE, 10, ticks, {(WHOLE, 500): roster}, []).nodes
    assert {node_id: hour.due for (node_id, _), hour in found.items()} == {"n2": 60, "n3": 10}
    gone = Roster(WHOLE, 500, 0.0, (left,))
    after = rolled_up(WHOLE, 11, range(660, 720), {(WHOLE, 500): gone}, []).nodes
    assert after == {("n2", "s3"): NodeHour(60, 0, 0)}


def test_who_comes_back_after_its_slot_was_dropped_was_away_until_then() -> None:
    """Or a day's absence would be a day of 100 %."""
    first, back = MIDNIGHT - 30, MIDNIGHT + 2
    history = History(back).after({("n2", "s3"): UP}, {"n2"}, {"n2": away_since(first, back, 60)})
    assert history.nodes["n2"] == NodeHistory("0" * 23 + "d", "00", NodeHour(180, 60, 0))
    known = History(back, {"n2": NodeHistory("d", "d")})
    kept = known.after({("n2", "s3"): UP}, {"n2"}, {"n2": away_since(first, back, 60)})
    assert kept.nodes["n2"].hours == "dd"


@pytest.mark.parametrize(
    ("share", "shown"),
    [(1.0, "100.0"), (300 / 309, "97.0"), (0.9996, "99.9"), (0.57, "57.0"), (0.0, "0.0")],
)
def test_a_share_is_rounded_down(share: float, shown: str) -> None:
    """100 means every minute."""
    assert percent(share) == shown
