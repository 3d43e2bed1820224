"""Examples of what is told about tokens: a node relays for an hour, all but one minute is paid."""

from typing import Any

from api.wire.example_names import ENDS_AT, EPOCH, NODE_ID, STARTS_AT, STREAM_ID, TICK
from coordinator.reasons import Reason

_UNPAID = {
    "reason": Reason.STREAM_IDLE.value,
    "minutes": 1,
    "says": Reason.STREAM_IDLE.says,
}
_DEPOSIT = {
    "number": 1,
    "kind": "deposit",
    "amount": "1000",
    "at": STARTS_AT,
    "epoch": None,
    "balance_after": "1000",
}
_TOP_UP = {
    "number": 2,
    "kind": "top_up",
    "amount": "12.5",
    "at": "2026-11-22T14:20:00Z",
    "epoch": None,
    "balance_after": "1012.5",
}
_TIME = {"epoch": EPOCH, "starts_at": STARTS_AT, "ends_at": ENDS_AT}
_ROW = {
    "node_id": NODE_ID,
    "minutes_due": 60,
    "minutes_up": 59,
    "minutes_idle": 1,
    "minutes_unknown": 0,
    "minutes_waiting_before": 0,
    "minutes_paid": 59,
    "unpaid": [_UNPAID],
    "minutes_unproven": 0,
    "minutes_voided": 0,
    "minutes_beyond": 0,
    "minutes_waiting": 0,
    "earned": "1.475",
    "short": "0",
    "forfeited": "0",
    "reason": _UNPAID["reason"],
    "says": _UNPAID["says"],
    "voided_by": [],
    "carried": {
        "first_pass_s": 1_795_356_067.25,
        "waiting": 0,
        "last_up": True,
        "flagged": False,
        "fraud": False,
        "parked": 0,
        "absent": 0,
        "address": "198.51.100.7",
        "failed": False,
    },
}
_STATEMENT = {
    "stream_id": STREAM_ID,
    **_TIME,
    "minute_seconds": 60,
    "reward_per_node_hour": "1.5",
    "max_paid_nodes": 100,
    "holding_epochs": 24,
    "network_percent": 20,
    "network_nodes_free": 3,
    "rows": [_ROW],
    "paid": "1.475",
    "forfeited": "0",
    "refunded": "0",
    "balance_before": "1012.5",
    "balance_after": "1011.025",
    "closes": False,
    "check_seconds": 60,
    "evidence_until_s": 1_795_359_720.0,
    "roster_ids": [f"0-{TICK}"],
}
_HOUR = {
    **_TIME,
    "nodes_paid": 1,
    "node_minutes_paid": 59,
    "paid": "1.475",
    "unpaid": [_UNPAID],
    "forfeited": "0",
    "refunded": "0",
    "balance_after": "1011.025",
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "TopUpIn": {"amount": "12.5"},
    "TopUpOut": {
        "stream_id": STREAM_ID,
        "entry": _TOP_UP,
        "balance": "1012.5",
        "deposited": "1012.5",
    },
    "ClosedOut": {
        "stream_id": STREAM_ID,
        "ends_at": "2026-11-22T15:30:00Z",
        "balance": "1011.025",
        "refund_epoch": EPOCH + 1,
        "refund_after": "2026-11-22T16:02:00Z",
        "says": "No minute after ends_at is paid; what the last statement leaves is refunded.",
    },
    "StatementOut": _STATEMENT,
    "StatementsOut": {"statements": [_STATEMENT], "next_page_token": None},
    "DeliveryOut": {
        "stream_id": STREAM_ID,
        "deposited": "1012.5",
        "returned": "0",
        "paid": "1.475",
        "refunded": "0",
        "balance": "1011.025",
        "balance_lasts_seconds": 2_426_460,
        "balance_says": "The balance lasts 28 d 2 h at the present rate.",
        "used_up_at": "2026-12-20T17:01:00Z",
        "settled_until": ENDS_AT,
        "hours": [_HOUR],
        "entries": [_DEPOSIT, _TOP_UP],
        "next_page_token": None,
    },
    "ReceiptOut": {
        "node_id": NODE_ID,
        "earned": "1.475",
        "pending": "1.475",
        "available": "0",
        "forfeited": "0",
        "next_release": {"at": "2026-11-23T15:02:00Z", "amount": "1.475"},
        "epochs": [
            {
                "stream_id": STREAM_ID,
                **_TIME,
                "minute_seconds": 60,
                "reward_per_node_hour": "1.5",
                "available_with_epoch": EPOCH + 24,
                "row": _ROW,
            }
        ],
        "next_page_token": None,
    },
}
