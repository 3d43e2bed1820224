"""Whether one run did what it promises: honest nodes paid, cheats not, no token lost. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.demo.cast import Member
from emulator.demo.public_api import PublicNode, PublicRow, PublicStatement, PublicStream

DUE_SHARE_MIN = 0.75
"""An epoch counts as whole although up to a quarter of its sweeps were lost by our own fault."""


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that the verdict is made of."""

    deposited_micros: int
    stream: PublicStream
    statements: Sequence[PublicStatement]
    nodes: Mapping[str, PublicNode]
    """By node id."""
    members: Sequence[Member]

    def earned_micros(self, node_id: str) -> int:
        """Over all statements."""
        return sum(row.earned_micros for row in self._rows() if row.node_id == node_id)

    def paid_micros(self) -> int:
        """To anybody, over all statements."""
        return sum(row.earned_micros for row in self._rows())

    def _rows(self) -> list[PublicRow]:
        return [row for statement in self.statements for row in statement.rows]


def warm_up_reason(statement: PublicStatement, honest_ids: Sequence[str], ticks: int) -> str:
    """Why an epoch does not count yet; empty if every honest node was up for the whole of it."""
    rows = {row.node_id: row for row in statement.rows}
    for node_id in honest_ids:
        row = rows.get(node_id)
        if row is None or row.minutes_due < ticks * DUE_SHARE_MIN:
            due = row.minutes_due if row else 0
            return f"{node_id} was there for {due} of {ticks} minutes"
        if row.minutes_up < row.minutes_due:
            return f"{node_id} was up for {row.minutes_up} of {row.minutes_due} minutes"
    return ""


def whole_epoch(
    statements: Sequence[PublicStatement], honest_ids: Sequence[str], ticks: int
) -> PublicStatement | None:
    """The first settled statement whose epoch every honest node was up for."""
    return next((s for s in statements if not warm_up_reason(s, honest_ids, ticks)), None)


def missing(result: Result, epoch: int | None) -> list[str]:
    """What keeps the run from being a success, in sentences; empty if nothing does."""
    if epoch is None:
        return ["no epoch was settled that every honest node was up for from start to end"]
    says = []
    paid = {
        row.node_id
        for statement in result.statements
        if statement.epoch == epoch
        for row in statement.rows
        if row.earned_micros > 0
    }
    for member in result.members:
        node_id = member.node_id
        if member.kind == "honest" and node_id not in paid:
            says.append(f"{member.name} ({node_id}) is honest and was not paid in epoch {epoch}")
        if member.kind != "honest" and (earned := result.earned_micros(node_id)):
            says.append(f"{member.name} ({node_id}) is {member.kind} and was paid {earned} micros")
        if node_id not in result.nodes:
            says.append(f"{member.name} is not known to the api")
    kept = result.stream.balance_micros + result.paid_micros()
    if kept != result.deposited_micros:
        says.append(
            f"tokens do not add up: deposited {result.deposited_micros} micro-tokens, but balance "
            f"{result.stream.balance_micros} and paid {result.paid_micros()} make {kept}"
        )
    return says


def report(result: Result, epoch: int | None, seconds: float) -> dict[str, Any]:
    """The run as one JSON object."""
    return {
        "stream": {
            "id": result.stream.stream_id,
            "deposited_micros": result.deposited_micros,
            "balance_micros": result.stream.balance_micros,
        },
        "epoch": epoch,
        "nodes": [_node(result, member) for member in result.members],
        "seconds": round(seconds, 1),
    }


def _node(result: Result, member: Member) -> dict[str, Any]:
    node_id = member.node_id
    node = result.nodes.get(node_id)
    return {
        "id": node_id,
        "kind": member.kind,
        "status": node.status if node else "unknown",
        "reason": node.reason if node else "unknown",
        "minutes_up": node.minutes_up if node else 0,
        "checks_passed": node.checks_passed if node else 0,
        "checks_failed": node.checks_failed if node else 0,
        "earned_micros": result.earned_micros(node_id),
    }
