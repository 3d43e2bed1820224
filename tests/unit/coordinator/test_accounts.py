"""Accounts follow statements, and can be followed again."""

from coordinator.accounts import Accounts
from coordinator.reasons import Reason
from coordinator.statements import Carried, Row, Statement, Terms


def _statement(epoch: int, **earned: int) -> Statement:
    rows = tuple(
        Row(node_id, 60, 60, 0, 0, 60, 0, 0, 0, 0, micros, 0, Reason.OK, (), Carried())
        for node_id, micros in earned.items()
    )
    paid = sum(earned.values())
    return Statement("s3", epoch, 0, 0, Terms(1, 1, 60), rows, paid, 100, 100 - paid)


def test_earnings_are_pending_first_and_available_after_the_holding_time() -> None:
    """Two epochs here."""
    accounts = Accounts()
    for epoch, micros in ((5, 13), (6, 17), (7, 19)):
        accounts = accounts.applying(_statement(epoch, n2=micros), holding_epochs=2)
    assert accounts.nodes["n2"].pending_micros == 49
    later = accounts.applying(_statement(8, n5=3), holding_epochs=2)
    assert (later.nodes["n2"].available_micros, later.nodes["n2"].pending_micros) == (13, 36)
    assert later.nodes["n2"].earned_micros == 49


def test_applying_twice_changes_nothing() -> None:
    """A crash between settling and applying is repaired by applying again."""
    once = Accounts().applying(_statement(5, n2=13), holding_epochs=2)
    assert once.applying(_statement(5, n2=13), holding_epochs=2) == once


def test_accounts_survive_their_document() -> None:
    """And an absent one is empty."""
    accounts = Accounts().applying(_statement(5, n2=13, n5=17), holding_epochs=2)
    assert Accounts.from_fields(accounts.to_fields()) == accounts
    assert Accounts.from_fields(None) == Accounts()
