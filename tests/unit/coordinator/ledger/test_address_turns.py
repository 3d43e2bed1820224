"""Whose turn it is at one address: who kept its word for longest, was there, and did not fail."""

from dataclasses import replace

from coordinator.ledger.address_turns import Earner, left_behind, out_of_turn
from coordinator.ledger.epoch_minutes import EpochMinutes
from coordinator.ledger.kept_words import Spell

START_S = 7200.0
EPOCH = EpochMinutes(7200, 10_800, 60)
HOUR = (1 << 60) - 1
PLACE = "203.0.114.7"


def _minutes(first: int, last: int) -> int:
    return (1 << last + 1) - (1 << first)


def _earner(node_id: str, since_s: float) -> Earner:
    """Up, and verified, in every minute."""
    return Earner(node_id, since_s, PLACE, HOUR, HOUR)


def test_longer_service_holds_the_place() -> None:
    """Many identities on one machine earn what one does."""
    earners = [_earner(f"n{n}", 17_000.0 - 3600 * n) for n in range(5)]
    assert out_of_turn(earners, EPOCH) == {f"n{n}": HOUR for n in range(4)}


def test_of_those_proven_within_ten_minutes_the_last_holds_the_place() -> None:
    """Many identities must not be a way to be proven sooner."""
    earners = [_earner(f"n{n}", 3600.0 + 60 * n) for n in range(5)]
    assert out_of_turn(earners, EPOCH) == {f"n{n}": HOUR for n in range(4)}


def test_of_those_proven_just_now_nobody_is_paid_before_the_last() -> None:
    """The first of eight identities passes a check sooner than the only one of an honest node."""
    since = {"n2": 3, "n3": 9}
    earners = [
        Earner(name, START_S + 60 * at, PLACE, HOUR >> at + 1 << at + 1, HOUR)
        for name, at in since.items()
    ]
    assert out_of_turn(earners, EPOCH) == {"n2": HOUR >> 4 << 4}
    later = [*earners, Earner("n5", 3600.0, PLACE, 0b111 << 20, 0b111 << 20)]
    assert out_of_turn(later, EPOCH)["n3"] == 0b111 << 20


def test_who_is_proven_later_in_the_epoch_costs_the_first_nothing() -> None:
    """One identity proven at an epoch's end would take its neighbour's whole first hour."""
    first = Earner("n2", START_S + 180, PLACE, _minutes(4, 59), HOUR)
    rival = Earner("n3", START_S + 3400, PLACE, _minutes(57, 59), HOUR)
    assert out_of_turn([first, rival], EPOCH) == {"n3": _minutes(57, 59)}


def test_who_claims_to_be_up_holds_its_address_whether_it_keeps_its_word_or_not() -> None:
    """Else each of many identities were paid for the minutes that another one failed."""
    holder = Earner("n2", 1.0, PLACE, takes=0, claims=0b0111)
    twin = Earner("n3", 3700.0, PLACE, takes=0b1111, claims=0b1111)
    assert out_of_turn([holder, twin], EPOCH) == {"n3": 0b0111}


def _failed(at_s: float) -> Earner:
    """The first of its address, until then."""
    return Earner("n2", 1.0, PLACE, 0, HOUR, (Spell(1.0, START_S + at_s, failed=True),))


def test_who_fails_a_check_has_its_turn_no_more() -> None:
    """And who comes after it begins with a passed check, as that one would have to."""
    failed, passes_s = _failed(600), (START_S + 1200, START_S + 1900)
    behind = Earner("n3", 3700.0, PLACE, HOUR, HOUR, None, passes_s)
    assert out_of_turn([failed, behind], EPOCH) == {"n3": _minutes(0, 20)}
    assert left_behind([failed, behind], EPOCH) == frozenset()


def test_who_failed_goes_to_the_end_of_the_row() -> None:
    """However long it had served before: a rival cannot fail again and again."""
    spells = (Spell(1.0, START_S - 1, failed=True), Spell(START_S + 59))
    again = Earner("n2", 1.0, PLACE, HOUR, HOUR, spells)
    assert out_of_turn([again, _earner("n3", 3700.0)], EPOCH) == {"n2": HOUR}


def test_who_has_passed_no_check_since_is_behind_in_the_next_epoch_too() -> None:
    failed = _failed(3000)
    behind = Earner("n3", 3700.0, PLACE, HOUR, HOUR, None, (START_S + 1200,))
    assert out_of_turn([failed, behind], EPOCH)["n3"] == _minutes(21, 59)
    assert left_behind([failed, behind], EPOCH) == {"n3"}
    now = [replace(failed, spells=()), replace(behind, is_behind=True)]
    assert out_of_turn(now, EPOCH) == {"n3": _minutes(0, 20)}
    assert left_behind(now, EPOCH) == frozenset()


def test_who_fails_has_taken_nothing_that_others_had_passed_for_since_it_passed_last() -> None:
    """By hand: it passes in minute 10 and fails in 50, its neighbour passes in 30 and 55. From 11
    to 30 one machine has served, whoever it was. From 31 on nobody can tell."""
    failed = replace(_failed(3000), passes_s=(START_S + 610,))
    other = Earner("n3", 3700.0, PLACE, HOUR, HOUR, None, (START_S + 1830, START_S + 3330))
    assert out_of_turn([failed, other], EPOCH) == {"n3": _minutes(0, 10) | _minutes(31, 55)}
    before = replace(other, passes_s=(START_S + 530, START_S + 3330))
    assert out_of_turn([failed, before], EPOCH) == {"n3": _minutes(0, 55)}


def test_those_minutes_are_the_next_ones_in_the_row_whether_it_has_passed_or_not() -> None:
    """Else of many keys on one machine one would have passed, and be paid, for each rest."""
    failed = _failed(3000)
    claims = Earner("n3", 3700.0, PLACE, 0, HOUR)
    third = Earner("n5", 5700.0, PLACE, HOUR, HOUR, None, (START_S + 1830, START_S + 3330))
    assert out_of_turn([failed, claims, third], EPOCH) == {"n5": HOUR}


def test_a_failure_out_of_turn_costs_nobody_else() -> None:
    failed = replace(_failed(600), node_id="n3", first_pass_s=3700.0)
    failed = replace(failed, spells=(Spell(3700.0, START_S + 600, failed=True),))
    earners = [_earner("n2", 1.0), failed]
    assert out_of_turn(earners, EPOCH) == {}
    assert left_behind(earners, EPOCH) == frozenset()


def test_who_was_away_comes_after_everybody_else() -> None:
    """Its neighbour goes on at once: nobody has failed. It is paid again where nobody else is."""
    spells = (
        Spell(1.0, START_S + 599),
        Spell(START_S + 599, START_S + 1800, is_loose=True),
        Spell(START_S + 1800),
    )
    back = Earner("n2", 1.0, PLACE, HOUR, HOUR, spells)
    other = Earner("n3", 3700.0, PLACE, _minutes(0, 39), _minutes(0, 39), None, (START_S + 2000,))
    assert out_of_turn([back, other], EPOCH) == {"n2": _minutes(10, 39), "n3": _minutes(0, 9)}
    assert left_behind([back, other], EPOCH) == frozenset()


def test_of_two_without_a_turn_it_is_who_lost_it_last() -> None:
    """A router that starts anew takes both away, and nobody is paid twice. Who has passed no check
    at once for long takes nothing of a neighbour that failed to do so once."""
    long_ago = Earner("n2", 1.0, PLACE, HOUR, HOUR, (Spell(START_S - 7000, is_loose=True),))
    spells = (
        Spell(3700.0, START_S + 599),
        Spell(START_S + 599, START_S + 1200, is_loose=True),
        Spell(START_S + 1200),
    )
    lately = Earner("n3", 3700.0, PLACE, HOUR, HOUR, spells)
    assert out_of_turn([long_ago, lately], EPOCH) == {"n2": HOUR}
    together = (Spell(START_S - 300, is_loose=True),)
    both = [replace(one, spells=together) for one in (long_ago, lately)]
    assert out_of_turn(both, EPOCH) == {"n3": HOUR}


def test_who_fails_a_check_before_it_has_passed_one_again_holds_nothing() -> None:
    """Whoever was away and claims would else hold its place until it is caught, and after that."""
    spells = (Spell(START_S, START_S + 600, failed=True, is_loose=True),)
    away = Earner("n2", 1.0, PLACE, 0, HOUR, spells)
    both = [away, _earner("n3", 3700.0)]
    assert out_of_turn(both, EPOCH) == {}
    assert left_behind(both, EPOCH) == frozenset()
