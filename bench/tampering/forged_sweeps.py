"""Sweeps and rosters: who was there, where, and since when."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.tampering.catalogue import SETTLED, tampering
from bench.tampering.forgery import FIRST_EPOCH, HOUR, Forgery
from bench.tampering.recording import CALENDAR, CAST, MIDNIGHT_S
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.protocol import Fields, Ref
from coordinator.documents.bitmaps import bitmap_bytes, bitmap_from
from coordinator.sweeping.rosters import Slot
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import sweep_id

STEADY, SHAKY, ABSENT, NEWCOMER, GUEST = (CAST[at].node_id for at in (0, 2, 3, 4, 5))
TICKS = CALENDAR.ticks_of(FIRST_EPOCH + HOUR)


async def _slot_of(forgery: Forgery, node_id: str) -> int:
    (latest,) = await Measurements(forgery.measured).latest_sweeps()
    roster = await Measurements(forgery.measured).roster(WHOLE, latest.roster_version)
    return next(at for at, slot in enumerate(roster.slots) if slot.node_id == node_id)


def _turned(fields: Fields, at: int, name: str, other: str) -> Mapping[str, Any]:
    """One slot's poll with another outcome."""
    bit = 1 << at
    one, two = bitmap_from(fields[name]) & ~bit, bitmap_from(fields[other]) | bit
    return {name: bitmap_bytes(one), other: bitmap_bytes(two)}


async def _turn(
    forgery: Forgery, ticks: range, name: str, other: str, node_id: str = STEADY
) -> None:
    at = await _slot_of(forgery, node_id)
    for tick in ticks:
        await forgery.sweep(tick, lambda fields: _turned(fields, at, name, other))
    await forgery.settle_again()


@tampering("sweeps")
async def down_for_an_hour(forgery: Forgery) -> None:
    """An honest node called down for an hour, settled again."""
    await _turn(forgery, TICKS, "up", "down")


@tampering("sweeps", SETTLED)
async def down_for_a_minute(forgery: Forgery) -> None:
    """An honest node called down in one minute without a check, settled again."""
    for tick in TICKS:
        drawn = {
            check.node_id
            for run in await forgery.runs(range(tick, tick + 3))
            for check in run.checks
        }
        if STEADY not in drawn:
            await _turn(forgery, range(tick, tick + 1), "up", "down")
            return
    raise LookupError("it was checked all the time")


@tampering("sweeps")
async def down_called_unknown(forgery: Forgery) -> None:
    """A node's first minutes down called ones that were not measured, settled again."""
    ticks = CALENDAR.tick_at(MIDNIGHT_S) + CAST[3].down.start
    forgery.epoch = CALENDAR.epoch_at(ticks * CALENDAR.sweep_seconds)
    await _turn(forgery, range(ticks, ticks + 2), "down", "unknown", ABSENT)


@tampering("lists", "lists are of now, and no record: whoever looks compares them with the checks")
async def listed_all_the_same(forgery: Forgery) -> None:
    """A node that fails its checks kept on its stream's lists"""

    def lie(said: dict[str, Any]) -> dict[str, Any]:
        nodes = [node | {"status": "healthy"} for node in said["nodes"]]
        return {**said, "nodes": nodes}

    forgery.lies[f"/streams/{forgery.stream_id}/nodes"] = lie


@tampering("sweeps")
async def two_outcomes(forgery: Forgery) -> None:
    """A node called up and down in the same minute."""
    at = await _slot_of(forgery, STEADY)
    await forgery.sweep(
        TICKS[3], lambda f: {"down": bitmap_bytes(bitmap_from(f["down"]) | 1 << at)}
    )


@tampering("sweeps")
async def not_up_before_our_fault(forgery: Forgery) -> None:
    """A node that was up said to have been down before a minute of our own fault, and not drawn."""
    at = await _slot_of(forgery, STEADY)
    for tick in range(TICKS.start - 100, TICKS.stop):
        (sweep,) = await Measurements(forgery.measured).sweep_bits(range(tick, tick + 1))
        if sweep.unknown >> at & 1:
            await forgery.sweep(
                tick,
                lambda f: {
                    "not_up_before": bitmap_bytes(bitmap_from(f["not_up_before"]) | 1 << at)
                },
            )
            return
    raise LookupError("it was measured all the time")


@tampering("sweeps")
async def sweep_removed(forgery: Forgery) -> None:
    """A sweep removed, settled again."""
    forgery.measured.forget(Ref("probe_results", sweep_id(WHOLE, TICKS[4])))
    await forgery.settle_again()


@tampering("late evidence")
async def sweep_dated_late(forgery: Forgery) -> None:
    """A sweep dated after the cut-off, settled again."""
    until_s = CALENDAR.evidence_until_s(forgery.epoch)
    await forgery.sweep(TICKS[4], lambda _: {"recorded_s": until_s + 1})
    await forgery.settle_again()


@tampering("late evidence")
async def sweep_dated_early(forgery: Forgery) -> None:
    """A sweep dated before its own minute."""
    await forgery.sweep(TICKS[4], lambda f: {"recorded_s": f["recorded_s"] - 400})


@tampering("rosters")
async def another_in_its_place(forgery: Forgery) -> None:
    """A node's place given to another node, settled again."""
    ghost = "nzzzzzzzzzzzzzzzzzzz"
    await forgery.slots(lambda s: replace(s, node_id=ghost) if s.node_id == STEADY else s)


@tampering("rosters")
async def joined_later(forgery: Forgery) -> None:
    """A node said to have joined at noon, settled again."""
    noon = CALENDAR.tick_at((FIRST_EPOCH + 12) * 3_600.0)
    await forgery.slots(lambda s: replace(s, joined_tick=noon) if s.node_id == STEADY else s)


@tampering("rosters")
async def left_earlier(forgery: Forgery) -> None:
    """A node said to have left half an hour before it did, settled again."""

    def change(slot: Slot) -> Slot:
        if slot.node_id != GUEST or slot.left_tick is None:
            return slot
        return replace(slot, left_tick=slot.left_tick - 6)

    await forgery.slots(change)


@tampering("rosters")
async def another_host(forgery: Forgery) -> None:
    """A node said to have announced another address, settled again."""
    await forgery.slots(
        lambda s: replace(s, rtmp_host=CAST[2].address) if s.node_id == STEADY else s
    )


@tampering("rosters")
async def another_stream(forgery: Forgery) -> None:
    """A node said to have served another stream, settled again."""
    other = forgery.recording.stream_ids[1]
    await forgery.slots(lambda s: replace(s, stream_id=other) if s.node_id == STEADY else s)


@tampering("first seen")
async def seen_later(forgery: Forgery) -> None:
    """A node said to be first seen an hour after it joined, settled again."""
    await forgery.slots(
        lambda s: replace(s, first_tick=s.joined_tick + 12) if s.node_id == SHAKY else s
    )


@tampering("first seen")
async def seen_earlier(forgery: Forgery) -> None:
    """A newcomer said to be known for long, so that it is checked less, settled again."""
    await forgery.slots(lambda s: replace(s, first_tick=7) if s.node_id == NEWCOMER else s)
