"""What docs/payouts.md says about money is what the rules do."""

import json
import re
from pathlib import Path
from typing import Any

from coordinator.checking.checks import Check, Verdict
from coordinator.ledger.rows import Carried
from coordinator.ledger.settlements import EpochInput, settle
from coordinator.ledger.terms import Terms
from coordinator.ledger.unpaid import UNPAID_REASONS
from coordinator.money import format_tokens, parse_tokens
from coordinator.reasons import Reason
from coordinator.sweeping.minutes import Minutes

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "payouts.md").read_text()


def _example() -> dict[str, Any]:
    return dict(json.loads(re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)[0]))


def test_the_worked_example_is_recomputed() -> None:
    """Every figure of it."""
    example = _example()
    terms = Terms(parse_tokens(example["rate"]), 100, 60)
    minutes, carried, checks = {}, {}, []
    for node_id, node in example["nodes"].items():
        first, end = node["up"]
        bits = (1 << end) - (1 << first)
        minutes[node_id] = Minutes(due=bits, up=bits)
        proven_s = 1.0 if node["proven"] else None
        carried[node_id] = Carried(proven_s, waiting=node["waiting_before"])
        for minute, verdict in node["checks"]:
            at_s = 3600 + minute * 60 + 30.0
            checks.append(
                Check(node_id, "s3", 60 + minute, at_s, Verdict(verdict), Reason.NO_STREAM)
            )
    counted = [node_id for node_id, node in example["nodes"].items() if node["proven"]]
    evidence = EpochInput("s3", 1, 3600, 7200, terms, minutes, checks, carried, counted=counted)
    statement = settle(evidence, parse_tokens(example["balance"]))
    assert format_tokens(statement.balance_after_micros) == example["balance_after"]
    assert sum(row.earned_micros for row in statement.rows) == parse_tokens(example["balance"])
    for row in statement.rows:
        told = example["nodes"][row.node_id]
        assert format_tokens(row.earned_micros) == told["earned"]
        assert format_tokens(row.short_micros) == told["short"]
        assert format_tokens(row.earned_micros + row.short_micros) == told["owed"]
        assert row.minutes_paid == told["minutes_paid"]
        assert {reason.value: count for reason, count in row.unpaid} == told["unpaid"]


def test_every_reason_for_an_unpaid_minute_is_in_the_table() -> None:
    """With its sentence."""
    for reason in UNPAID_REASONS:
        assert f"| `{reason.value}` | {reason.says} |" in TEXT
