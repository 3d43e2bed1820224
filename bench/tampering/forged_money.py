"""Balances, entries, accounts and receipts: tokens that are not where they went."""

from dataclasses import replace
from typing import Any

from bench.tampering.catalogue import tampering
from bench.tampering.forgery import FIRST_EPOCH, Forgery
from bench.tampering.recording import CAST
from coordinator.adapters.store.protocol import Ref
from coordinator.keys import shard_of
from coordinator.ledger.accounts import ACCOUNT_SHARDS, ACCOUNTS
from coordinator.ledger.entries import EntryKind
from coordinator.money import format_tokens, parse_tokens
from tests.doubles.memory import MemoryStore

STEADY, GUEST = CAST[0].node_id, CAST[5].node_id
CLOSED_HOUR = 21
FRAUD_HOUR = 12


async def _move(forgery: Forgery, micros: int) -> None:
    """Changes the balance before the epoch is settled, and settles again."""
    name = forgery.stream_id

    async def change(money: MemoryStore) -> None:
        (balance,) = await money.get(Ref("balances", name))
        moved = (balance or {})["balance_micros"] + micros
        await forgery.fields(money, Ref("balances", name), {"balance_micros": moved})

    await forgery.settle_again(before=change)


@tampering("balances")
async def opened_with_more(forgery: Forgery) -> None:
    """Fifty tokens more to begin with, settled again."""
    await _move(forgery, 50_000_000)


@tampering("balances")
async def opened_with_less(forgery: Forgery) -> None:
    """Five tokens taken out of the balance, settled again."""
    await _move(forgery, -5_000_000)


@tampering("balances")
async def opening_rewritten(forgery: Forgery) -> None:
    """A statement that says it began with fifty tokens more."""
    await forgery.state(
        lambda old: replace(old, balance_before_micros=old.balance_before_micros + 50_000_000)
    )


@tampering("balances")
async def a_deposit_halved(forgery: Forgery) -> None:
    """A deposit entered with half its tokens."""
    (entry,) = [e for e in forgery.money.refs("entries") if "top_up" in e.id][:1]
    await forgery.fields(forgery.money, entry, {"amount_micros": 1_500_000})


@tampering("balances")
async def a_deposit_lost(forgery: Forgery) -> None:
    """A deposit whose entry is gone."""
    forgery.money.forget(*[e for e in forgery.money.refs("entries") if "top_up" in e.id][:1])


@tampering("balances")
async def a_deposit_delayed(forgery: Forgery) -> None:
    """A deposit held back for an hour, settled again."""
    forgery.epoch = FIRST_EPOCH + 8
    entries = forgery.money.refs("entries")
    found = [(await forgery.money.get(entry))[0] or {} for entry in entries if "top_up" in entry.id]
    first = min(found, key=lambda entry: entry["at_s"])

    async def forget(money: MemoryStore) -> None:
        """It was there when the epoch was settled."""
        money.forget(*[ref for ref in money.refs("entries") if first["request"] in ref.id])
        balance = Ref("balances", forgery.stream_id)
        (was,) = await money.get(balance)
        less = {name: (was or {})[name] for name in ("balance_micros", "deposited_micros")}
        less = {name: micros - first["amount_micros"] for name, micros in less.items()}
        await forgery.fields(money, balance, {**less, "entries": (was or {})["entries"] - 1})

    await forgery.settle_again(without=first["request"], before=forget)


@tampering("balances")
async def no_refund(forgery: Forgery) -> None:
    """A closed stream's tokens kept."""
    forgery.stream_id, forgery.epoch = await _closed(forgery)
    await forgery.state(
        lambda old: replace(
            old, refunded_micros=0, balance_after_micros=old.balance_after_micros + 1
        )
    )


@tampering("balances")
async def a_refund_without_its_entry(forgery: Forgery) -> None:
    """A refund that no entry tells of."""
    forgery.stream_id, forgery.epoch = await _closed(forgery)
    forgery.money.forget(*[e for e in forgery.money.refs("entries") if "refund" in e.id])


async def _closed(forgery: Forgery) -> tuple[str, int]:
    """The stream that was closed, and the epoch whose statement refunded it."""
    name = forgery.recording.stream_ids[1]
    for ref in forgery.money.refs("entries"):
        (entry,) = await forgery.money.get(ref)
        if entry and entry["kind"] == EntryKind.REFUND and entry["stream_id"] == name:
            return name, entry["epoch"]
    raise LookupError("nothing was refunded")


async def _forfeited(forgery: Forgery) -> None:
    """Turns to the statement that took a fraud's tokens back."""
    for epoch in range(FIRST_EPOCH, FIRST_EPOCH + 24):
        forgery.epoch = epoch
        if (await forgery.statement()).forfeited_micros:
            return
    raise LookupError("nothing was forfeited")


@tampering("balances")
async def forfeits_kept(forgery: Forgery) -> None:
    """What a confirmed fraud forfeits not given back."""
    await _forfeited(forgery)
    await forgery.state(
        lambda old: replace(
            old,
            forfeited_micros=0,
            balance_after_micros=old.balance_after_micros - old.forfeited_micros,
            rows=tuple(replace(row, forfeited_micros=0) for row in old.rows),
        )
    )


@tampering("balances")
async def a_forfeit_invented(forgery: Forgery) -> None:
    """An honest node's pending tokens taken back."""
    await forgery.state(
        lambda old: replace(
            old,
            forfeited_micros=2_000_000,
            balance_after_micros=old.balance_after_micros + 2_000_000,
            rows=tuple(
                replace(row, forfeited_micros=2_000_000) if row.node_id == STEADY else row
                for row in old.rows
            ),
        )
    )


@tampering("balances")
async def less_said_to_be_paid(forgery: Forgery) -> None:
    """The sponsor's delivery says that less was paid."""

    def lie(said: dict[str, Any]) -> dict[str, Any]:
        return {**said, "paid": format_tokens(parse_tokens(said["paid"]) - 1)}

    forgery.lies["/delivery"] = lie


@tampering("accounts")
async def accounts_emptied(forgery: Forgery) -> None:
    """Every account emptied."""
    for ref in forgery.money.refs("accounts"):
        if ref.id != "applied":
            (old,) = await forgery.money.get(ref)
            emptied = replace(ACCOUNTS.decode(old or {}), nodes={})
            await forgery.money.put(ref, ACCOUNTS.encode(emptied))


@tampering("accounts")
async def more_available(forgery: Forgery) -> None:
    """A node given three tokens that no statement pays."""
    ref = Ref("accounts", str(shard_of(STEADY, ACCOUNT_SHARDS)))
    (old,) = await forgery.money.get(ref)
    accounts = ACCOUNTS.decode(old or {})
    richer = replace(
        accounts.nodes[STEADY],
        available_micros=accounts.nodes[STEADY].available_micros + 3_000_000,
    )
    changed = replace(accounts, nodes={**accounts.nodes, STEADY: richer})
    await forgery.money.put(ref, ACCOUNTS.encode(changed))


@tampering("accounts")
async def released_too_late(forgery: Forgery) -> None:
    """A node's available tokens called pending in its receipt."""

    def lie(said: dict[str, Any]) -> dict[str, Any]:
        return {**said, "pending": said["earned"], "available": "0"}

    forgery.lies[f"/nodes/{GUEST}/receipt"] = lie


@tampering("receipts")
async def a_line_left_out(forgery: Forgery) -> None:
    """A receipt that leaves a paid epoch out."""

    def lie(said: dict[str, Any]) -> dict[str, Any]:
        epochs = [line for line in said["epochs"] if line["epoch"] != FIRST_EPOCH + 5]
        return {**said, "epochs": epochs}

    forgery.lies[f"/nodes/{STEADY}/receipt"] = lie


@tampering("receipts")
async def another_reason_given(forgery: Forgery) -> None:
    """A receipt that gives another reason than the statement."""

    def lie(said: dict[str, Any]) -> dict[str, Any]:
        first, *rest = said["epochs"]
        row = {**first["row"], "reason": "down"}
        return {**said, "epochs": [{**first, "row": row}, *rest]}

    forgery.lies[f"/nodes/{STEADY}/receipt"] = lie


@tampering("receipts")
async def no_receipt(forgery: Forgery) -> None:
    """A node that was paid has an empty receipt."""

    def lie(said: dict[str, Any]) -> dict[str, Any]:
        return {**said, "earned": "0", "pending": "0", "available": "0", "epochs": []}

    forgery.lies[f"/nodes/{STEADY}/receipt"] = lie
