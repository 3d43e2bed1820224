"""Anyone can recompute a statement from public data, and try other terms on it."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from coordinator.adapters.store.protocol import Ref
from coordinator.checking.checks import RUNS, Check, IngestState, Run, TrustChange, Verdict
from coordinator.ledger.epoch_records import draws_of
from coordinator.ledger.published_settings import RULES, PublishedSettings
from coordinator.ledger.statements import statement_id
from coordinator.reasons import Reason
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import Sweep
from tests.builders import an_attempt
from tests.stored_records import closed, opened
from tests.unit.functions.conftest import Coordinator, coordinator
from tests.unit.functions.sponsored import CALENDAR, EPOCH, post, serve, settle_due
from tools.verify.derivation import Derivation
from tools.verify.public import PublicRecord
from tools.verify.recompute import (
    BELIEVED,
    DIFFERENT,
    EQUAL,
    UNTOLD,
    differences,
    dry_run,
    statement_differences,
    verify_statement,
)

__all__ = ["coordinator"]


async def _stream(coordinator: Coordinator, epochs: int) -> str:
    stream_id = (await coordinator.registered(reward_per_node_hour="6"))["stream_id"]
    await serve(coordinator, stream_id, epochs)
    return stream_id


async def test_every_statement_is_recomputed(
    coordinator: Coordinator, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the stream's first epoch on, over the public routes alone."""
    stream_id = await _stream(coordinator, 2)
    await settle_due(coordinator)
    record = PublicRecord(coordinator.client)
    for epoch in range(EPOCH, EPOCH + 3):
        assert await verify_statement(record, stream_id, epoch, coordinator.now_s[0]) == EQUAL
    assert "equal: 1 nodes, 60 minutes, 6 tokens" in capsys.readouterr().out
    assert await verify_statement(record, stream_id, EPOCH + 3, coordinator.now_s[0]) == UNTOLD


async def test_a_fraud_and_the_end_of_a_stream_are_recomputed(coordinator: Coordinator) -> None:
    """What came back, what was refunded, and the statements after the end."""
    stream_id = await _stream(coordinator, 3)
    at_s = CALENDAR.epoch_bounds_s(EPOCH + 3)[0] + 607.0
    attempts = (an_attempt(at_s, Reason.NO_STREAM, address="203.0.114.7"),)
    caught = Check(
        "n2",
        stream_id,
        int(at_s // 60),
        at_s,
        Verdict.FAIL,
        Reason.NO_STREAM,
        event=TrustChange.CONFIRMED,
        attempts=attempts,
        voids_from_s=CALENDAR.epoch_bounds_s(EPOCH + 3)[0] + 30,
    )
    run = Run(int(at_s // 60), at_s, at_s + 7, (), {stream_id: IngestState.LIVE}, (caught,))
    await coordinator.measured.put(Ref("probe_results", run.id), RUNS.encode(run))
    await post(coordinator, f"/streams/{stream_id}/close")
    coordinator.now_s[0] += 30 * 3600
    await settle_due(coordinator)
    statements = await coordinator.ledger.statements(stream_id, 0, 50)
    assert sum(statement.forfeited_micros for statement in statements) > 0
    assert sum(statement.refunded_micros for statement in statements) > 0
    public = PublicRecord(coordinator.client)
    for statement in statements:
        assert (
            await verify_statement(public, stream_id, statement.epoch, coordinator.now_s[0])
            == EQUAL
        )


async def test_what_is_too_old_to_tell_is_not_called_wrong(
    coordinator: Coordinator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Measurements are kept for 90 days, statements for ever."""
    stream_id = await _stream(coordinator, 1)
    await settle_due(coordinator)
    record, epoch = PublicRecord(coordinator.client), EPOCH + 1
    last_s = CALENDAR.epoch_bounds_s(epoch)[0] + 90 * 86_400
    assert await verify_statement(record, stream_id, epoch, last_s) == EQUAL
    assert await verify_statement(record, stream_id, epoch, last_s + 1) == UNTOLD
    assert await dry_run(record, stream_id, range(epoch, epoch + 1), {}, last_s + 1) == UNTOLD
    assert capsys.readouterr().out.count("its evidence was kept for 90 days") == 2


async def test_a_statement_that_does_not_follow_is_found(
    coordinator: Coordinator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Evidence that says something else, or was recorded too late to count."""
    stream_id = await _stream(coordinator, 1)
    await settle_due(coordinator)
    tick = CALENDAR.ticks_of(EPOCH + 1).start + 20
    sweep = (await coordinator.measurements.sweeps(range(tick, tick + 1)))[0]
    ref = Ref("probe_results", sweep.id)
    (fields,) = await coordinator.measured.get(ref)
    assert fields is not None
    await coordinator.measured.put(ref, {**fields, "up": b"", "down": b"\x01"})
    record = PublicRecord(coordinator.client)
    assert await verify_statement(record, stream_id, EPOCH + 1, coordinator.now_s[0]) == DIFFERENT
    assert "minutes_up: published 60, recomputed 59" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ({"event": TrustChange.FLAGGED}, "is flagged by a check, and its checks make it"),
        ({"voids_from_s": 7}, "has a check that voids from 7 on, and its checks say None"),
    ],
    ids=["flagged for nothing", "voids for nothing"],
)
async def test_what_no_check_can_have_caused_is_found(
    coordinator: Coordinator,
    capsys: pytest.CaptureFixture[str],
    said: dict[str, Any],
    finding: str,
) -> None:
    """By the statement's own epoch; how its nodes stood before it is believed, and said to be.

    The first pass may have been of a suspended node, which is flagged by it."""
    stream_id = await _stream(coordinator, 1)
    draws = draws_of(EPOCH + 1, CALENDAR)
    runs = await coordinator.measurements.runs(draws)
    run = [run for run in runs if any(c.verdict is Verdict.PASS for c in run.checks)][-1]
    (check, *others) = run.checks
    lie = replace(run, checks=(replace(check, **said), *others))
    await coordinator.measured.put(Ref("probe_results", run.id), RUNS.encode(lie))
    await settle_due(coordinator)
    record = PublicRecord(coordinator.client)
    assert await verify_statement(record, stream_id, EPOCH + 1, coordinator.now_s[0]) == DIFFERENT
    assert finding in capsys.readouterr().out
    assert await verify_statement(record, stream_id, EPOCH, coordinator.now_s[0]) == EQUAL
    assert BELIEVED in capsys.readouterr().out


async def test_differences_name_the_field(coordinator: Coordinator) -> None:
    """A row too many, a total that is not the sum."""
    stream_id = await _stream(coordinator, 1)
    await settle_due(coordinator)
    found = await coordinator.ledger.statement(stream_id, EPOCH + 1)
    assert found is not None
    assert list(differences(found, found)) == []
    assert list(differences(found, replace(found, rows=()))) == ["n2 has a row only in it"]
    (said,) = differences(found, replace(found, paid_micros=7))
    assert said == "paid_micros: published 4500000, recomputed 7"


async def test_a_dry_run_settles_under_other_terms_and_writes_nothing(
    coordinator: Coordinator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twice the rate is twice the pay, epoch by epoch."""
    stream_id = await _stream(coordinator, 2)
    await settle_due(coordinator)
    before = dict(coordinator.money._documents)
    epochs = range(EPOCH + 1, EPOCH + 3)
    record = PublicRecord(coordinator.client)
    assert (
        await dry_run(
            record, stream_id, epochs, {"rate_micros_per_hour": 12_000_000}, coordinator.now_s[0]
        )
        == EQUAL
    )
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [
        [str(EPOCH + 1), "4.5", "9", "991"],
        [str(EPOCH + 2), "6", "12", "979"],
    ]
    assert coordinator.money._documents == before


async def _rewritten(coordinator: Coordinator, stream_id: str, **changed: Any) -> str:
    """What is said of a statement whose document was changed; a dict changes single fields."""
    ref = Ref("statements", statement_id(stream_id, EPOCH + 1))
    (fields,) = await coordinator.money.get(ref)
    assert fields is not None
    for name, value in changed.items():
        fields[name] = {**fields[name], **value} if isinstance(value, dict) else value
    await coordinator.money.put(ref, fields)
    derivation = await Derivation.of(PublicRecord(coordinator.client), stream_id)
    openings, wrong = await derivation.openings()
    published = await coordinator.ledger.statement(stream_id, EPOCH + 1)
    assert published is not None
    said = [each async for each in statement_differences(derivation, published, openings)]
    return "\n".join([*said, *wrong])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"terms": {"rate_micros_per_hour": 3_000_000}}, "recomputed 6000000"),
        ({"terms": {"max_paid_nodes": 1}}, "terms max_paid_nodes: published 1, recomputed 100"),
        ({"terms": {"holding_epochs": 23}}, "terms holding_epochs: published 23, recomputed 24"),
        ({"terms": {"network_percent": 7}}, "terms network_percent: published 7, recomputed 20"),
        ({"terms": {"network_nodes_free": 1}}, "network_nodes_free: published 1, recomputed 3"),
        ({"terms": {"minute_seconds": 30}}, "terms minute_seconds: published 30, recomputed 60"),
        ({"evidence_until_s": 1_795_312_800.0}, "evidence_until_s: published 1795312800.0"),
        ({"check_seconds": 30}, "check_seconds: published 30, recomputed 60"),
        ({"roster_ids": []}, "roster_ids: published (), recomputed ('0of1-1',)"),
        ({"closes": True}, "closes: published True, recomputed False"),
        ({"balance_before_micros": 1_050_000_000}, "balance_before_micros: published 1050000000"),
        ({"balance_after_micros": 995_500_001}, "begins with 1000.000001, and 1000 was there"),
        ({"paid_micros": 4_000_000}, "paid: published 4.5, entries and hours 4"),
    ],
)
async def test_nothing_of_a_statement_is_believed(
    coordinator: Coordinator, changed: dict[str, Any], says: str
) -> None:
    """Terms, cut-off, rosters and balances come from elsewhere."""
    stream_id = await _stream(coordinator, 1)
    before = Sweep(WHOLE, CALENDAR.ticks_of(EPOCH).stop - 1, 1, {})  # or a week is looked through
    await coordinator.measurements.create_sweep(before, before.tick * 60.0)
    await settle_due(coordinator)
    assert await _rewritten(coordinator, stream_id) == ""
    assert says in await _rewritten(coordinator, stream_id, **changed)


async def test_whose_turn_it_was_is_not_believed(coordinator: Coordinator) -> None:
    """A node said to have been away would go behind its neighbours in the next epoch."""
    stream_id = await _stream(coordinator, 1)
    await settle_due(coordinator)
    ref = Ref("statements", statement_id(stream_id, EPOCH + 1))
    (fields,) = await coordinator.money.get(ref)
    rows = opened(fields or {})["rows"]
    rows["table"]["carried.lost_turn"] = [True]
    said = await _rewritten(coordinator, stream_id, **closed({"rows": rows}))
    assert "carried lost_turn: published True, recomputed False" in said


async def test_what_was_settled_by_other_rules_cannot_be_told(
    coordinator: Coordinator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor can anything before settings are published."""
    stream_id = await _stream(coordinator, 1)
    record = PublicRecord(coordinator.client)
    assert await verify_statement(record, stream_id, EPOCH + 1, coordinator.now_s[0]) == UNTOLD
    other = replace(PublishedSettings.of(CALENDAR), rules=RULES + 1)
    await coordinator.ledger.settings.publish(other, 7.0)
    await settle_due(coordinator)
    record = PublicRecord(coordinator.client)
    assert await verify_statement(record, stream_id, EPOCH + 1, coordinator.now_s[0]) == UNTOLD
    said = capsys.readouterr().out
    assert "no settings are published yet" in said
    assert f"settled by rules {RULES + 1}, and this program has rules {RULES}" in said


async def test_whoever_asks_too_often_waits_as_long_as_is_said() -> None:
    """And then goes on."""
    late = httpx.Response(429, headers={"Retry-After": "7"})
    answers = [late, httpx.Response(200, json={"history": []})]
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    transport = httpx.MockTransport(lambda _: answers[len(waited)])
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        assert await PublicRecord(client, sleep).settings() == []
    assert waited == [7.0]
