"""A published statement read back into the rules' own types, without loss."""

from datetime import datetime
from operator import itemgetter
from typing import Any

from coordinator.ledger.rows import Carried, Row, Voided
from coordinator.ledger.statements import Statement
from coordinator.ledger.terms import Terms
from coordinator.money import parse_tokens
from coordinator.reasons import Reason

_OF_A_PART = {"rows": None, "next_row_token": None}
"""What differs from part to part."""


def statement_from(found: dict[str, Any], *more: dict[str, Any]) -> Statement:
    """The statement that `GET /streams/{id}/statements/{epoch}` answers with, if need be in several
    parts: their rows are one statement's, by node id. Parts that contradict each other are an
    error."""
    rows = list(found["rows"])
    for part in more:
        if {**part, **_OF_A_PART} != {**found, **_OF_A_PART}:
            raise ValueError(f"the parts of statement {found['epoch']} contradict each other")
        rows += part["rows"]
    rows.sort(key=itemgetter("node_id"))
    return Statement(
        stream_id=found["stream_id"],
        epoch=found["epoch"],
        starts_s=_whole_s(found["starts_at"]),
        ends_s=_whole_s(found["ends_at"]),
        terms=Terms(
            parse_tokens(found["reward_per_node_hour"]),
            found["max_paid_nodes"],
            found["minute_seconds"],
            found["holding_epochs"],
            found["network_percent"],
            found["network_nodes_free"],
            found["unknown_minutes_max"],
        ),
        rows=tuple(map(row_from, rows)),
        paid_micros=parse_tokens(found["paid"]),
        forfeited_micros=parse_tokens(found["forfeited"]),
        refunded_micros=parse_tokens(found["refunded"]),
        balance_before_micros=parse_tokens(found["balance_before"]),
        balance_after_micros=parse_tokens(found["balance_after"]),
        closes=found["closes"],
        check_seconds=found["check_seconds"],
        evidence_until_s=found["evidence_until_s"],
        roster_ids=tuple(found["roster_ids"]),
    )


def row_from(row: dict[str, Any]) -> Row:
    """One node in a statement or in a receipt."""
    return Row(
        node_id=row["node_id"],
        minutes_due=row["minutes_due"],
        minutes_up=row["minutes_up"],
        minutes_idle=row["minutes_idle"],
        minutes_unknown=row["minutes_unknown"],
        minutes_waiting_before=row["minutes_waiting_before"],
        minutes_paid=row["minutes_paid"],
        unpaid=tuple((Reason(why["reason"]), why["minutes"]) for why in row["unpaid"]),
        earned_micros=parse_tokens(row["earned"]),
        short_micros=parse_tokens(row["short"]),
        forfeited_micros=parse_tokens(row["forfeited"]),
        reason=Reason(row["reason"]),
        voided_by=tuple(
            Voided(check["draw"], check["due_s"], check["minutes"], Reason(check["reason"]))
            for check in row["voided_by"]
        ),
        carried=Carried(**row["carried"]),
        paid_bits=int(row["paid_bits"], 16),
        forfeited_from_s=row["forfeited_from_s"],
        minutes_forfeited=row["minutes_forfeited"],
        minutes_held_back=row["minutes_held_back"],
    )


def _whole_s(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp())
