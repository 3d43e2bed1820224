"""Many checks in one packed field, column by column: numbers of one kind compress well together.

Less than half the size of a list of objects, which decides how many checks a document can hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from coordinator.checking.checks import Check, Event, Verdict
from coordinator.documents.packing import pack, unpack
from coordinator.reasons import Reason

_PLAIN = ("node_id", "stream_id", "draw", "caused_by_s")
_STARTED = "started_s"


def pack_checks(checks: Iterable[Check]) -> bytes:
    """The checks in the order of node and draw; an attempt's missing numbers and Nones are one."""
    ordered = sorted(checks, key=lambda check: (check.node_id, check.draw))
    table: dict[str, list[Any]] = {
        name: [getattr(check, name) for check in ordered] for name in _PLAIN
    }
    table["verdict"] = [check.verdict.value for check in ordered]
    table["reason"] = [check.reason.value for check in ordered]
    table["event"] = [check.event.value if check.event else None for check in ordered]
    table["attempts"] = [len(check.attempts) for check in ordered]
    dues_s = [check.due_s for check in ordered]
    table["due_s"] = _after(dues_s, [dues_s[0]] * len(dues_s)) if dues_s else []
    table["first_s"] = dues_s[:1]
    columns = _columns([attempt for check in ordered for attempt in check.attempts])
    if _STARTED in columns:
        own_s = [check.due_s for check in ordered for _ in check.attempts]
        columns[_STARTED] = _after(columns[_STARTED], own_s)
    return pack([table, columns])


def unpack_checks(packed: bytes, node_id: str | None = None) -> list[Check]:
    """The checks that `pack_checks` wrote; of one node if asked, which makes only those."""
    table, columns = unpack(packed)
    ends = [0, *accumulate(table["attempts"])]
    found = []
    for at, whose in enumerate(table["node_id"]):
        if node_id not in (None, whose):
            continue
        due_s = _since(table["due_s"][at], table["first_s"][0])
        found.append(
            Check(
                **{name: table[name][at] for name in _PLAIN},
                due_s=due_s,
                verdict=Verdict(table["verdict"][at]),
                reason=Reason(table["reason"][at]),
                event=Event(table["event"][at]) if table["event"][at] else None,
                attempts=tuple(_attempt(columns, n, due_s) for n in range(ends[at], ends[at + 1])),
            )
        )
    return found


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = sorted({name for row in rows for name in row})
    return {name: [row.get(name) for row in rows] for name in names}


def _attempt(columns: Mapping[str, Sequence[Any]], at: int, due_s: float) -> dict[str, Any]:
    found = {name: column[at] for name, column in columns.items() if column[at] is not None}
    if _STARTED in found:
        found[_STARTED] = _since(found[_STARTED], due_s)
    return found


def _after(instants: Sequence[Any], others: Sequence[float]) -> list[Any]:
    """Each instant as milliseconds after the other one: a few digits and not fourteen.

    One that would not come back exactly stays as it is, in a list of its own."""
    found: list[Any] = []
    for instant, other in zip(instants, others, strict=True):
        after_ms = None if instant is None else round(instant * 1000) - round(other * 1000)
        if after_ms is None or _since(after_ms, other) == instant:
            found.append(after_ms)
        else:
            found.append([instant])
    return found


def _since(after_ms: Any, other_s: float) -> Any:
    if isinstance(after_ms, list):
        return after_ms[0]
    return (round(other_s * 1000) + after_ms) / 1000
