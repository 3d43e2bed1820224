"""What runs say of goodbyes, and rosters do not."""

from dataclasses import replace

from coordinator.checking.checks import Check, Run, Verdict
from coordinator.checking.departures import explained
from coordinator.reasons import Reason
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import WHOLE
from tests.builders import a_check, a_slot, an_attempt
from tools.verify.goodbye_audit import GoodbyeAudit

DRAW = 1_000
BEGINS_S = DRAW * 60.0
FAILED = a_check(
    BEGINS_S + 7,
    Verdict.FAIL,
    Reason.TOO_SLOW,
    attempts=(an_attempt(BEGINS_S + 7, Reason.TOO_SLOW, seconds=40.0),),
)
LEFT = explained(FAILED, BEGINS_S + 11)


def _slot(left_s: float, left_tick: int = DRAW + 1) -> Slot:
    return replace(a_slot(left_tick=left_tick), left_reason="left", changed_s=left_s)


def _audit(*slots: Slot, until_tick: int | None = None) -> GoodbyeAudit:
    return GoodbyeAudit({(WHOLE, 7): Roster(WHOLE, 7, 0.0, slots, until_tick)}, 60)


def _findings(check: Check, *slots: Slot, until_tick: int | None = None) -> list[str]:
    run = Run(DRAW, BEGINS_S, BEGINS_S + 75, (), {}, (check,))
    return list(_audit(*slots, until_tick=until_tick).findings([run]))


def test_a_goodbye_that_the_roster_took_in_is_borne_out() -> None:
    """A shorter one before it too: both lie between two sweeps."""
    assert LEFT.reason is Reason.LEFT
    assert _findings(LEFT, _slot(BEGINS_S + 11)) == []
    assert _findings(LEFT, _slot(BEGINS_S - 30)) == []


def test_a_goodbye_that_no_roster_knows_is_found() -> None:
    """A failure called so would flag nobody."""
    said = [f"draw {DRAW}: n2 says that its node left, and its roster does not"]
    assert _findings(LEFT, a_slot()) == said
    assert _findings(LEFT, _slot(BEGINS_S + 12)) == said
    assert _findings(LEFT, _slot(BEGINS_S - 300, DRAW - 4)) == said
    assert _findings(LEFT, replace(_slot(BEGINS_S + 11), left_reason="offline")) == said


def test_of_what_a_later_roster_took_in_nothing_is_said() -> None:
    """It is not among those that are looked at."""
    assert _findings(LEFT, a_slot(), until_tick=DRAW + 1) == []


def test_who_had_left_before_a_draw_may_be_spared_in_it() -> None:
    """Not who left later, nor long before it was polled last."""
    slots = {
        "before": _slot(BEGINS_S - 1, DRAW),
        "later": _slot(BEGINS_S, DRAW),
        "long ago": _slot(BEGINS_S - 200, DRAW - 3),
        "never": a_slot(),
    }
    audit = _audit(*(replace(slot, node_id=name) for name, slot in slots.items()))
    assert audit.had_left(slots, BEGINS_S, DRAW - 1) == {"before"}
