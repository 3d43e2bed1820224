"""Published evidence read back into the rules' own types, without loss."""

import base64
from datetime import date, datetime
from typing import Any

from coordinator.checking.checks import Check, Control, IngestState, Run, TrustChange, Verdict
from coordinator.checking.lengths import Length
from coordinator.checking.sealed_days import LotteryDay
from coordinator.documents.bitmaps import bitmap_from
from coordinator.ledger.entries import Entry, EntryKind
from coordinator.ledger.published_settings import PublishedSettings
from coordinator.money import parse_tokens
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.polls import Outcome
from coordinator.sweeping.rosters import Roster, Slot
from coordinator.sweeping.shards import Shard
from coordinator.sweeping.sweeps import SweepBits


def settings_from(found: dict[str, Any]) -> list[PublishedSettings]:
    """The history that `GET /config` answers with, oldest first."""
    return [
        PublishedSettings(**{name: each[name] for name in each if name != "since"})
        for each in found["history"]
    ]


def stream_from(found: dict[str, Any]) -> Stream:
    """A stream, as far as settling depends on it."""
    return Stream(
        stream_id=found["stream_id"],
        name=found["name"],
        sponsor="",
        reward_micros_per_hour=parse_tokens(found["reward_per_node_hour"]),
        max_paid_nodes=found["max_paid_nodes"],
        created_s=unix_s(found["created_at"]),
        ends_s=unix_s(found["ends_at"]) if found["ends_at"] else None,
        key_hash="",
        request_hash="",
    )


def entry_from(stream_id: str, found: dict[str, Any]) -> Entry:
    """A movement of tokens, to the millisecond."""
    return Entry(
        stream_id=stream_id,
        number=found["number"],
        kind=EntryKind(found["kind"]),
        amount_micros=parse_tokens(found["amount"]),
        at_s=unix_s(found["at"]),
        balance_after_micros=parse_tokens(found["balance_after"]),
        epoch=found["epoch"],
    )


def day_from(day: date, found: dict[str, Any]) -> LotteryDay:
    """A day's commitment and, after the day, its secret."""
    secret = found["secret"]
    return LotteryDay(
        day,
        found["commitment"],
        found["check_seconds"],
        found["checks_per_hour"],
        unix_s(found["sealed_at"]),
        bytes.fromhex(secret) if secret else None,
        _controls_from(found["controls"]),
    )


def roster_from(shard: Shard, version: int, found: dict[str, Any]) -> Roster:
    """Who stood at which slot."""
    slots = tuple(Slot(**row) for row in found["slots"])
    return Roster(shard, version, 0.0, slots, found["until_tick"])


def run_from(row: dict[str, Any]) -> Run:
    """A run as it comes over the wire."""
    checks = tuple(
        Check(
            **{
                **check,
                "verdict": Verdict(check["verdict"]),
                "reason": Reason(check["reason"]),
                "event": TrustChange(check["event"]) if check["event"] else None,
                "attempts": tuple(check["attempts"]),
                "length": Length(check["length"]),
            }
        )
        for check in row["checks"]
    )
    return Run(
        row["draw"],
        row["started_s"],
        row["ended_s"],
        tuple(row["sweep_ids"]),
        {name: IngestState(state) for name, state in row["streams"].items()},
        checks,
        dict(row["excluded"]),
        _controls_from(row["controls"]) or {},
        row.get("partition", 0),  # an api of before there were parts says neither
        row.get("partitions", 1),
        row["is_late"],
        tuple(row["put_off"]),
        tuple(row.get("interrupted", ())),  # an api of before says none
    )


def _controls_from(found: dict[str, str] | None) -> dict[str, Control] | None:
    """Of a day that was sealed without them: None."""
    return None if found is None else {name: Control(kind) for name, kind in found.items()}


def bits_from(row: dict[str, Any]) -> SweepBits:
    """A sweep's bitmaps."""
    bitmaps = {name: bitmap_from(base64.b64decode(row[name])) for name in ("probed", *Outcome)}
    return SweepBits(
        Shard.parse(row["shard"]),
        row["sweep_tick"],
        row["roster_version"],
        **bitmaps,
        since_tick=row["since_tick"],
        recorded_s=row["recorded_s"],
        # An api of before there were these bitmaps says none.
        not_up_before=bitmap_from(base64.b64decode(row.get("not_up_before", ""))),
        waiting=bitmap_from(base64.b64decode(row.get("waiting", ""))),
    )


def unix_s(timestamp: str) -> float:
    """An instant, in Unix seconds."""
    return datetime.fromisoformat(timestamp).timestamp()
