"""An epoch's minutes as letters, and letters as what is drawn."""

from coordinator.projections.minute_letters import counted, letters_of, overlaid, stretches_of
from coordinator.sweeping.minutes import Minutes
from coordinator.sweeping.polls import Outcome


def test_every_outcome_has_its_letter() -> None:
    """The first bit is the first letter; what was not due is a gap, what nobody saw is ours."""
    minutes = Minutes(
        due=0b0_1111_1111,
        up=1,
        idle=1 << 1,
        down=1 << 2,
        invalid=1 << 3,
        stalled=1 << 4,
        blocked=1 << 5,
        unknown=1 << 6,
    )
    assert letters_of(minutes, 9) == "uidnsb??-"


def test_of_two_outcomes_the_one_that_pay_goes_by_is_shown() -> None:
    """A node that stood at two slots: not measured comes first, then up."""
    assert letters_of(Minutes(due=7, up=7, unknown=2, down=4), 3) == "u?u"


def test_nothing_due_is_a_line_of_gaps() -> None:
    """Outcomes outside of what was due count for nothing."""
    assert letters_of(Minutes(up=0b101), 3) == "---"
    assert letters_of(Minutes(), 0) == ""


def test_stretches_cover_the_line() -> None:
    """Each with its first minute and its length."""
    found = [(s.outcome, s.start, s.length) for s in stretches_of("uu--du")]
    assert found == [
        (Outcome.UP, 0, 2),
        (None, 2, 2),
        (Outcome.DOWN, 4, 1),
        (Outcome.UP, 5, 1),
    ]


def test_two_streams_of_one_node_make_one_line() -> None:
    """It served one after the other."""
    assert overlaid(["uu--", "--dd"]) == "uudd"


def test_minutes_are_counted_by_outcome() -> None:
    """Gaps are nobody's minutes."""
    assert counted("uu-d?") == {Outcome.UP: 2, Outcome.DOWN: 1, Outcome.UNKNOWN: 1}
