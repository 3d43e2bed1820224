"""Terms, rows and cut-offs: what a statement says that nothing else bears out."""

from collections.abc import Callable
from dataclasses import replace

from bench.tampering.catalogue import SETTLED, tampering
from bench.tampering.forgery import SETTINGS, Forgery
from bench.tampering.recording import CAST
from coordinator.adapters.store.protocol import Ref
from coordinator.ledger.rows import Row
from coordinator.ledger.statements import Statement, statement_id
from coordinator.reasons import Reason
from tests.doubles.memory import MemoryStore

STEADY, SHAKY, ABSENT = (CAST[at].node_id for at in (0, 2, 3))


@tampering("terms")
async def half_the_rate(forgery: Forgery) -> None:
    """Half the rate, settled again."""
    await forgery.settle_again(stream={"reward_micros_per_hour": 3_000_000})


@tampering("terms")
async def one_paid_place(forgery: Forgery) -> None:
    """One paid place instead of five, settled again."""
    await forgery.settle_again(stream={"max_paid_nodes": 1})


@tampering("terms")
async def held_for_an_hour(forgery: Forgery) -> None:
    """Earnings held for one epoch instead of five, settled again."""
    await forgery.settle_again(settings={"holding_epochs": 1})


@tampering("terms")
async def no_share_of_a_network(forgery: Forgery) -> None:
    """The rule about networks turned off, settled again."""
    await forgery.settle_again(settings={"network_percent": 100})


@tampering("terms")
async def settings_rewritten(forgery: Forgery) -> None:
    """Settings rewritten in their history, nothing settled again."""
    await forgery.fields(forgery.money, SETTINGS, {"holding_epochs": 9})


@tampering("terms")
async def settings_dated_back(forgery: Forgery) -> None:
    """New settings dated before the epoch, nothing settled again."""
    (first,) = await forgery.money.get(SETTINGS)
    starts_s = (await forgery.statement()).starts_s
    changed = {"number": 2, "since_s": starts_s - 7.0, "network_percent": 100}
    second = Ref("published_settings", f"{2:010d}")
    await forgery.money.put(second, {**(first or {}), **changed})


@tampering("terms", SETTLED)
async def settings_rewritten_and_settled(forgery: Forgery) -> None:
    """Settings rewritten in their history, everything settled again."""
    await forgery.settle_all_again(settings={"network_percent": 100})
    await forgery.fields(forgery.money, SETTINGS, {"network_percent": 100})


@tampering("terms", SETTLED)
async def settings_dated_back_and_settled(forgery: Forgery) -> None:
    """New settings dated before epochs that others settled, these settled again"""
    starts_s = (await forgery.statement()).starts_s
    changed = {"number": 2, "since_s": starts_s - 7.0, "network_percent": 100}

    async def publish(money: MemoryStore) -> None:
        (first,) = await money.get(SETTINGS)
        await money.put(Ref("published_settings", f"{2:010d}"), {**(first or {}), **changed})

    await forgery.settle_again(settings={"network_percent": 100}, before=publish)


@tampering("terms", "the sponsor holds the answer to the registration; others cannot tell")
async def registration_rewritten(forgery: Forgery) -> None:
    """The stream's rate halved where it is registered, everything settled again."""
    await forgery.settle_all_again(stream={"reward_micros_per_hour": 3_000_000})
    forgery.lies[f"/streams/{forgery.stream_id}"] = lambda said: {
        **said,
        "reward_per_node_hour": "3",
    }


@tampering("cut-off")
async def evidence_cut_off(forgery: Forgery) -> None:
    """Evidence cut off six minutes early, settled again."""
    await forgery.settle_again(settings={"grace_seconds": 60})


@tampering("rows")
async def a_micro_more(forgery: Forgery) -> None:
    """A micro-token more for one node."""
    await forgery.row(STEADY, lambda row: replace(row, earned_micros=row.earned_micros + 1))


@tampering("rows")
async def a_row_left_out(forgery: Forgery) -> None:
    """A node's row left out."""
    await forgery.state(
        lambda old: replace(old, rows=tuple(r for r in old.rows if r.node_id != ABSENT))
    )


@tampering("rows")
async def a_row_invented(forgery: Forgery) -> None:
    """A row for a node that nobody ever saw."""

    def add(old: Statement) -> Statement:
        ghost = replace(old.rows[0], node_id="nzzzzzzzzzzzzzzzzzzz")
        return replace(old, rows=(*old.rows, ghost))

    await forgery.state(add)


@tampering("rows")
async def minutes_moved(forgery: Forgery) -> None:
    """Two minutes' pay moved from one node to another."""

    def moved(row: Row, minutes: int) -> Row:
        paid = row.minutes_paid + minutes
        return replace(row, minutes_paid=paid, earned_micros=row.earned_micros + minutes * 500_000)

    await forgery.row(STEADY, lambda row: moved(row, -2))
    await forgery.row(ABSENT, lambda row: moved(row, 2))


@tampering("rows")
async def reasons_swapped(forgery: Forgery) -> None:
    """Minutes that we did not measure called down."""
    await forgery.row(SHAKY, lambda row: replace(row, unpaid=((Reason.DOWN, 1), *row.unpaid)))


@tampering("rows")
async def more_handed_on(forgery: Forgery) -> None:
    """Twenty minutes more handed on to the next statement, all later ones settled again."""

    def richer(row: Row) -> Row:
        return replace(row, carried=replace(row.carried, waiting=row.carried.waiting + 4))

    await _carry(forgery, STEADY, richer)


@tampering("rows")
async def more_held(forgery: Forgery) -> None:
    """Fifteen held minutes handed on that nothing holds, all later ones settled again."""

    def holding(row: Row) -> Row:
        return replace(row, carried=replace(row.carried, held=row.carried.held + 15))

    await _carry(forgery, STEADY, holding)


@tampering("rows")
async def longer_service(forgery: Forgery) -> None:
    """A node's first pass made older, all later ones settled again."""

    def older(row: Row) -> Row:
        return replace(row, carried=replace(row.carried, first_pass_s=7.0))

    await _carry(forgery, SHAKY, older)


@tampering("rows")
async def a_flag_handed_on(forgery: Forgery) -> None:
    """A node's flag handed on that it does not have, all later ones settled again."""

    def flagged(row: Row) -> Row:
        return replace(row, carried=replace(row.carried, flagged=True))

    await _carry(forgery, STEADY, flagged)


async def _carry(forgery: Forgery, node_id: str, change: Callable[[Row], Row]) -> None:
    """Rewrites what a row hands on, and settles all that comes after it."""
    await forgery.row(node_id, change)
    audited = Ref("statements", statement_id(forgery.stream_id, forgery.epoch))
    (forged,) = await forgery.money.get(audited)

    async def forge(money: MemoryStore) -> None:
        await money.put(audited, forged or {})

    forgery.epoch += 1
    await forgery.settle_again(before=forge)
    forgery.epoch -= 1


@tampering("rows")
async def a_statement_lost(forgery: Forgery) -> None:
    """A whole statement left out."""
    forgery.money.forget(Ref("statements", statement_id(forgery.stream_id, forgery.epoch)))
    forgery.epoch += 1


@tampering("rosters")
async def a_roster_not_named(forgery: Forgery) -> None:
    """The statement does not name who was due."""
    await forgery.state(lambda old: replace(old, roster_ids=()))
