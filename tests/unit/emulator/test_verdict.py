"""When a run counts as a success, and what is said when it does not."""

from dataclasses import replace
from typing import Any

import pytest

from emulator.demo.cast import Member
from emulator.demo.public_api import PublicNode, PublicStatement, PublicStream
from emulator.demo.verdict import Result, missing, report, warm_up_reason, whole_epoch

HONEST, DEAD = Member("node-1", "honest", 2, 3), Member("dead-1", "dead", 5, 7)
N1, N2 = HONEST.node_id, DEAD.node_id
TICKS = 12
PAID = "0.916666"
EPOCH = 29


def _row(node_id: str, due: int, up: int, earned: str) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "minutes_due": due,
        "minutes_up": up,
        "minutes_paid": 11,
        "earned": earned,
        "reason": "ok",
    }


def _statement(epoch: int, *rows: dict[str, Any]) -> PublicStatement:
    return PublicStatement.model_validate(
        {
            "stream_id": "s",
            "epoch": epoch,
            "starts_at": "2026-11-22T14:00:00Z",
            "ends_at": "2026-11-22T14:01:00Z",
            "rows": list(rows),
            "paid": "0",
            "balance_after": "0",
        }
    )


def _stream(balance: str) -> PublicStream:
    return PublicStream.model_validate(
        {
            "stream_id": "s",
            "status": "active",
            "ingest_url": "rtmp://h/live/s",
            "play_url": "http://h/streams/s/playlist.m3u",
            "balance": balance,
        }
    )


def _node(node_id: str, status: str) -> PublicNode:
    return PublicNode.model_validate(
        {
            "node_id": node_id,
            "stream_id": "s",
            "status": status,
            "reason": "ok",
            "minutes_up": 17,
            "checks_passed": 13,
            "checks_failed": 11,
        }
    )


GOOD = Result(
    deposited_micros=1_000_000_000,
    stream=_stream("999.083334"),
    statements=[
        _statement(EPOCH - 1, _row(N1, 5, 4, "0"), _row(N2, 3, 3, "0")),
        _statement(EPOCH, _row(N1, 12, 12, PAID), _row(N2, 12, 12, "0")),
    ],
    nodes={N1: _node(N1, "healthy"), N2: _node(N2, "fraud")},
    members=[HONEST, DEAD],
)


def test_a_good_run_misses_nothing() -> None:
    assert missing(GOOD, EPOCH) == []


def test_the_report_has_exactly_the_promised_shape() -> None:
    assert report(GOOD, EPOCH, 123.456) == {
        "stream": {"id": "s", "deposited_micros": 1_000_000_000, "balance_micros": 999_083_334},
        "epoch": EPOCH,
        "nodes": [
            {
                "id": N1,
                "kind": "honest",
                "status": "healthy",
                "reason": "ok",
                "minutes_up": 17,
                "checks_passed": 13,
                "checks_failed": 11,
                "earned_micros": 916_666,
            },
            {
                "id": N2,
                "kind": "dead",
                "status": "fraud",
                "reason": "ok",
                "minutes_up": 17,
                "checks_passed": 13,
                "checks_failed": 11,
                "earned_micros": 0,
            },
        ],
        "seconds": 123.5,
    }


def test_an_honest_node_that_was_not_paid_is_a_failure() -> None:
    unpaid = [GOOD.statements[0], _statement(EPOCH, _row(N1, 12, 12, "0"))]
    says = missing(replace(GOOD, statements=unpaid, stream=_stream("1000")), EPOCH)
    assert says == [f"node-1 ({N1}) is honest and was not paid in epoch {EPOCH}"]


def test_a_cheat_that_was_paid_in_any_epoch_is_a_failure() -> None:
    warm_up = _statement(EPOCH - 1, _row(N2, 3, 3, "0.000002"))
    result = replace(GOOD, statements=[warm_up, GOOD.statements[1]], stream=_stream("999.083332"))
    assert missing(result, EPOCH) == [f"dead-1 ({N2}) is dead and was paid 2 micros"]


def test_a_control_node_is_never_to_be_paid() -> None:
    control = replace(DEAD, name="control-good", kind="control-good")
    warm_up = _statement(EPOCH - 1, _row(N2, 3, 3, "0.000002"))
    result = replace(
        GOOD,
        members=[HONEST, control],
        statements=[warm_up, GOOD.statements[1]],
        stream=_stream("999.083332"),
    )
    assert missing(result, EPOCH) == [f"control-good ({N2}) is control-good and was paid 2 micros"]


@pytest.mark.parametrize("balance", ["999.083333", "999.083335", "1000"])
def test_tokens_that_do_not_add_up_are_a_failure(balance: str) -> None:
    (says,) = missing(replace(GOOD, stream=_stream(balance)), EPOCH)
    assert says.startswith("tokens do not add up")


def test_a_member_that_never_showed_up_is_a_failure() -> None:
    says = missing(replace(GOOD, nodes={N1: GOOD.nodes[N1]}), EPOCH)
    assert says == ["dead-1 is not known to the api"]


def test_a_run_without_a_whole_epoch_is_a_failure() -> None:
    (says,) = missing(GOOD, None)
    assert says.startswith("no epoch was settled")


def test_epochs_that_a_node_joined_late_or_was_down_in_are_warm_ups() -> None:
    late = _statement(1, _row("n1", 12, 12, PAID), _row("n3", 8, 8, PAID))
    down = _statement(2, _row("n1", 12, 12, PAID), _row("n3", 12, 11, PAID))
    absent = _statement(3, _row("n1", 12, 12, PAID))
    whole = _statement(4, _row("n1", 12, 12, PAID), _row("n3", 12, 12, "0"))
    honest = ["n1", "n3"]
    assert warm_up_reason(late, honest, TICKS) == "n3 was there for 8 of 12 minutes"
    assert warm_up_reason(down, honest, TICKS) == "n3 was up for 11 of 12 minutes"
    assert warm_up_reason(absent, honest, TICKS) == "n3 was there for 0 of 12 minutes"
    assert whole_epoch([late, down, absent], honest, TICKS) is None
    assert whole_epoch([late, down, absent, whole], honest, TICKS) == whole


def test_an_epoch_with_a_sweep_or_two_lost_by_our_own_fault_is_whole() -> None:
    statement = _statement(1, _row("n1", 11, 11, PAID))
    assert warm_up_reason(statement, ["n1"], TICKS) == ""
