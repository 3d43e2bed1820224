"""Accounts follow statements, and can be followed again."""

from collections.abc import Mapping

import pytest

from coordinator.adapters.store.limits import check_document
from coordinator.adapters.store.protocol import Ref
from coordinator.keys import shard_of
from coordinator.ledger.accounts import ACCOUNT_SHARDS, ACCOUNTS, Accounts, by_shard
from coordinator.ledger.rows import Row
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason

TERMS = Terms(1, 1, 60, holding_epochs=2)


def _statement(
    epoch: int,
    earned: Mapping[str, int],
    forfeited: Mapping[str, int] | None = None,
    stream_id: str = "s3",
    terms: Terms = TERMS,
) -> Statement:
    back = forfeited or {}
    rows = tuple(
        Row(
            node_id=node_id,
            minutes_due=60,
            minutes_up=60,
            minutes_idle=0,
            minutes_unknown=0,
            minutes_waiting_before=0,
            minutes_paid=60,
            unpaid=(),
            earned_micros=micros,
            short_micros=0,
            forfeited_micros=back.get(node_id, 0),
            reason=Reason.OK,
            voided_by=(),
        )
        for node_id, micros in earned.items()
    )
    paid, lost = sum(earned.values()), sum(back.values())
    return Statement(
        stream_id, epoch, 0, 0, terms, rows, paid, lost, 0, 100, 100 - paid + lost, False
    )


def _together(accounts: Accounts) -> Accounts:
    return Accounts.together([accounts], accounts.applied)


def test_earnings_are_pending_first_and_available_after_the_holding_time() -> None:
    """Two epochs here: what epoch 5 earned is free once epoch 7 is settled."""
    accounts = Accounts()
    for epoch, micros in ((5, 13), (6, 17)):
        accounts = accounts.applying(_statement(epoch, {"n2": micros}))
    assert _together(accounts).nodes["n2"].pending_micros == 30
    accounts = accounts.applying(_statement(7, {"n5": 3}))
    later = _together(accounts).nodes["n2"]
    assert (later.available_micros, later.pending_micros, later.earned_micros) == (13, 17, 30)


def test_holding_times_are_counted_by_stream() -> None:
    """Another stream that is settled further frees nothing of this one."""
    accounts = Accounts().applying(_statement(5, {"n2": 13}))
    accounts = accounts.applying(_statement(50, {"n2": 17}, stream_id="s5"))
    assert _together(accounts).nodes["n2"].pending_micros == 30
    assert accounts.nodes["n2"].services["s5"].first_epoch == 50


def test_without_a_holding_time_earnings_are_available_at_once() -> None:
    """A setting of zero."""
    accounts = Accounts().applying(_statement(5, {"n2": 13}, terms=Terms(1, 1, 60, 0)))
    assert _together(accounts).nodes["n2"].available_micros == 13


def test_a_forfeit_takes_what_is_pending_of_its_stream() -> None:
    """Not what is available, and not what another stream paid."""
    accounts = Accounts()
    for epoch, micros in ((5, 13), (6, 17), (7, 19)):
        accounts = accounts.applying(_statement(epoch, {"n2": micros}))
    accounts = accounts.applying(_statement(7, {"n2": 23}, stream_id="s5"))
    account = accounts.applying(_statement(8, {"n2": 0}, {"n2": 36})).nodes["n2"]
    assert (account.available_micros, account.pending_micros) == (13, 23)
    assert account.forfeited_micros == 36


def test_a_part_of_what_is_pending_is_the_newest() -> None:
    """A failed check voids back to an instant: what was earned before stays, and is released."""
    accounts = Accounts()
    for epoch, micros in ((5, 13), (6, 17), (7, 19)):
        accounts = accounts.applying(_statement(epoch, {"n2": micros}))
    accounts = accounts.applying(_statement(8, {"n2": 0}, {"n2": 24}))
    service = accounts.nodes["n2"].services["s3"]
    assert [(held.epoch, held.micros) for held in service.held] == [(6, 12)]
    assert accounts.nodes["n2"].forfeited_micros == 24


def test_a_forfeit_of_more_than_is_pending_is_an_error_of_ours() -> None:
    """Totals must match, or nothing is written."""
    accounts = Accounts().applying(_statement(5, {"n2": 13}))
    with pytest.raises(ValueError, match="forfeits 14, of which 1 are not pending"):
        accounts.applying(_statement(6, {"n2": 0}, {"n2": 14}))


def test_applying_twice_changes_nothing() -> None:
    """A crash between settling and applying is repaired by applying again."""
    once = Accounts().applying(_statement(5, {"n2": 13}))
    assert once.applying(_statement(5, {"n2": 13})) == once


def test_accounts_survive_their_document() -> None:
    """And an absent one is empty."""
    accounts = Accounts().applying(_statement(5, {"n2": 13, "n5": 17}))
    assert ACCOUNTS.decode(ACCOUNTS.encode(accounts)) == accounts


def test_who_never_earned_has_no_account() -> None:
    """Keys cost nothing, and accounts are kept for ever."""
    accounts = Accounts().applying(_statement(5, {"n2": 13, "n3": 0}))
    assert accounts.nodes.keys() == {"n2"}
    accounts = accounts.applying(_statement(6, {"n2": 0, "n3": 17}))
    assert (accounts.nodes["n2"].services["s3"].last_epoch, len(accounts.nodes)) == (6, 2)


def test_a_shard_takes_only_its_own_nodes() -> None:
    """All shards together are everyone, once."""
    statement = _statement(5, {f"n{n}": n + 1 for n in range(211)})
    shards = by_shard(statement)
    assert sorted(shards) == list(range(ACCOUNT_SHARDS))
    parts = [Accounts().applying(statement, rows) for rows in shards.values()]
    assert sum(len(part.nodes) for part in parts) == 211
    whole = Accounts.together(parts, {"s3": 5})
    assert sum(account.earned_micros for account in whole.nodes.values()) == statement.paid_micros


def test_a_shard_of_ten_thousand_nodes_fits_its_document() -> None:
    """With a whole day pending, every amount another one."""
    nodes = [f"n{n:019d}" for n in range(10_000)]
    mine = [node_id for node_id in nodes if shard_of(node_id, ACCOUNT_SHARDS) == 3]
    accounts = Accounts()
    for epoch in range(24):
        earned = {node_id: 7_919 * (at + 1) * (epoch + 13) for at, node_id in enumerate(mine)}
        statement = _statement(epoch, earned, terms=Terms(1, 1, 60, 24))
        accounts = accounts.applying(statement)
    fields = ACCOUNTS.encode(accounts)
    check_document(Ref("accounts", "3"), fields)
    assert len(fields["nodes"]) < 200_000
