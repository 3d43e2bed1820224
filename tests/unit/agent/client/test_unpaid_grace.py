"""For how long a node serves a stream that pays nothing."""

from agent.client.unpaid_grace import UnpaidGrace


def test_the_time_runs_from_the_first_word_of_it() -> None:
    """However often it is repeated."""
    grace = UnpaidGrace(70.0)
    for at_s in (100.0, 130.0, 160.0):
        grace = grace.after("exhausted", at_s)
    assert [grace.is_over(at_s) for at_s in (100.0, 169.0, 170.0)] == [False, False, True]


def test_a_stream_that_pays_again_ends_it() -> None:
    """And the next time it runs anew."""
    grace = UnpaidGrace(70.0).after("exhausted", 100.0).after("active", 150.0)
    assert not grace.is_over(1_000.0)
    assert not grace.after("exhausted", 1_000.0).is_over(1_069.0)


def test_without_a_grace_it_is_over_at_once() -> None:
    assert UnpaidGrace(0.0).after("exhausted", 100.0).is_over(100.0)
