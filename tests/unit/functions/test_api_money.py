"""Sponsors add tokens, close, and see what they bought; operators see their pay and why."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from api import __version__
from api.services.reports import ROWS_PAGE_MAX
from api.wire.common import timestamp
from coordinator.adapters.records.ledger import ENTRIES_PAGE_MAX
from coordinator.ledger.rows import Row
from coordinator.ledger.settlements import Draft, EpochInput
from coordinator.ledger.statements import ROWS_A_DOCUMENT_MAX
from coordinator.ledger.terms import Terms
from coordinator.money import format_tokens, parse_tokens
from coordinator.reasons import Reason
from tests.unit.functions.conftest import ADDRESS, NODE_ID, NOW_S, STREAM, Coordinator, bearer
from tests.unit.functions.sponsored import CALENDAR, EPOCH, post, serve, settle_due
from tools.verify.public import PublicRecord
from tools.verify.statements import statement_from

ANSWER_BYTES_MAX = 1_000_000
"""Of anything that anybody may ask."""


async def test_a_top_up_adds_tokens_once_for_each_key(coordinator: Coordinator) -> None:
    """Repeated and at the same time: one deposit, one entry."""
    stream_id = (await coordinator.registered())["stream_id"]
    path = f"/streams/{stream_id}/top-ups"
    answers = await asyncio.gather(
        *(post(coordinator, path, {"amount": "17"}, key="7") for _ in range(3))
    )
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert {answer.json()["entry"]["number"] for answer in answers} == {2}
    await post(coordinator, path, {"amount": "13"})
    stream = (await coordinator.client.get(f"/streams/{stream_id}")).json()
    assert (stream["balance"], stream["deposited"]) == ("1030", "1030")
    entries = await coordinator.ledger.entries(stream_id)
    assert [(e.kind, format_tokens(e.amount_micros)) for e in entries] == [
        ("deposit", "1000"),
        ("top_up", "17"),
        ("top_up", "13"),
    ]


async def test_an_idempotency_key_stands_for_one_amount(coordinator: Coordinator) -> None:
    """Another amount is a conflict, not a second deposit."""
    path = f"/streams/{(await coordinator.registered())['stream_id']}/top-ups"
    await post(coordinator, path, {"amount": "17"}, key="7")
    answer = await post(coordinator, path, {"amount": "19"}, key="7")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/idempotency-conflict")


async def test_a_top_up_is_answered_again_after_the_streams_end(coordinator: Coordinator) -> None:
    """Whoever lost the answer must not think that the tokens were not taken."""
    path = f"/streams/{(await coordinator.registered())['stream_id']}"
    first = await post(coordinator, f"{path}/top-ups", {"amount": "17"}, key="7")
    assert (await post(coordinator, f"{path}/close")).status_code == 200
    coordinator.now_s[0] += 7200
    again = await post(coordinator, f"{path}/top-ups", {"amount": "17"}, key="7")
    assert (again.status_code, again.json()) == (201, first.json())
    other = await post(coordinator, f"{path}/top-ups", {"amount": "17"}, key="8")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/stream-closed")


@pytest.mark.parametrize(
    "body",
    [{}, {"amount": "0"}, {"amount": "-7"}, {"amount": 1.5}, {"amount": "1e3"}, {"amount": None},
     {"amount": "1000000000001"}, {"amount": "7", "to": "me"}, [], None],
)  # fmt: skip
async def test_a_wrong_amount_is_refused(coordinator: Coordinator, body: Any) -> None:
    """Zero, negative, fractional as a number, beyond all bounds."""
    stream_id = (await coordinator.registered())["stream_id"]
    answer = await post(coordinator, f"/streams/{stream_id}/top-ups", body)
    assert answer.status_code in {400, 422}, answer.text
    assert (await coordinator.client.get(f"/streams/{stream_id}")).json()["balance"] == "1000"


async def test_a_stream_takes_a_trillion_tokens_in_all(coordinator: Coordinator) -> None:
    """An amount that is fine by itself is too much together with what was deposited before."""
    stream_id = (await coordinator.registered())["stream_id"]
    answer = await post(coordinator, f"/streams/{stream_id}/top-ups", {"amount": "1000000000000"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/too-many-tokens")
    assert (await coordinator.client.get(f"/streams/{stream_id}")).json()["balance"] == "1000"


async def test_two_point_zero_is_an_integer_in_json(coordinator: Coordinator) -> None:
    """A client's number type must not decide whether a request is taken."""
    stream = await coordinator.registered(token_balance=77.0, max_paid_nodes=7.0)
    assert stream["balance"] == "77"
    assert stream["max_paid_nodes"] == 7  # type: ignore[comparison-overlap]  # typed as text


@pytest.mark.parametrize("verb", ["top-ups", "close"])
async def test_only_its_own_sponsor_moves_a_streams_tokens(
    coordinator: Coordinator, verb: str
) -> None:
    """Nobody without a key, and no other sponsor."""
    stream_id = (await coordinator.registered())["stream_id"]
    path, body = f"/streams/{stream_id}/{verb}", {"amount": "7"}
    assert (await coordinator.client.post(path, json=body)).status_code == 401
    unknown = await coordinator.client.post(path, json=body, headers=bearer("x" * 24))
    assert unknown.status_code == 403
    stored = await coordinator.measurements.stream(stream_id)
    assert stored is not None
    await coordinator.measurements.end_stream("none", NOW_S)
    other = stored.model_copy(update={"stream_id": "s5", "sponsor": "bea"})
    await coordinator.measurements.create_stream(other)
    answer = await post(coordinator, f"/streams/s5/{verb}", body)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-your-stream")
    missing = await post(coordinator, f"/streams/s7/{verb}", body)
    assert missing.json()["type"] == "/problems/unknown-stream"


async def test_closing_ends_a_stream_and_refunds_what_is_left(coordinator: Coordinator) -> None:
    """With the epoch after the one in which that is asked; asking again changes nothing."""
    stream_id = (await coordinator.registered(reward_per_node_hour="6"))["stream_id"]
    await serve(coordinator, stream_id)
    coordinator.now_s[0] = CALENDAR.epoch_bounds_s(EPOCH)[0] + 3000.0
    first = (await post(coordinator, f"/streams/{stream_id}/close", key="7")).json()
    coordinator.now_s[0] += 3000  # in the next epoch: it would end with the one after
    again = (await post(coordinator, f"/streams/{stream_id}/close", key="7")).json()
    assert first == again
    assert (first["refund_epoch"], first["balance"]) == (EPOCH + 1, "1000")
    ends_s = CALENDAR.epoch_bounds_s(EPOCH + 1)[1]
    assert (first["ends_at"], first["refund_after"]) == (
        timestamp(ends_s),
        timestamp(CALENDAR.settled_s(EPOCH + 1)),
    )
    assert await _status(coordinator, stream_id) == "active"
    coordinator.now_s[0] = ends_s + 300.0
    assert await _status(coordinator, stream_id) == "closed"
    late = await post(coordinator, f"/streams/{stream_id}/top-ups", {"amount": "7"})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/stream-closed")
    coordinator.now_s[0] += 3600
    await settle_due(coordinator)
    delivery = (await coordinator.client.get(f"/streams/{stream_id}/delivery")).json()
    assert (delivery["paid"], delivery["balance"]) == ("4.5", "0")
    assert delivery["refunded"] == "995.5"
    assert [entry["kind"] for entry in delivery["entries"]] == ["deposit", "refund"]
    unpaid = [each for hour in delivery["hours"] for each in hour["unpaid"]]
    assert {each["reason"]: each["minutes"] for each in unpaid} == {
        "before_first_pass": 1,
        "lapsed": 14,
    }


async def _status(coordinator: Coordinator, stream_id: str) -> str:
    return str((await coordinator.client.get(f"/streams/{stream_id}")).json()["status"])


async def test_a_deposit_that_meets_the_refund_is_refused(coordinator: Coordinator) -> None:
    """A race between a top-up and the last statement loses no token: the ledger itself says no."""
    stream_id = (await coordinator.registered())["stream_id"]
    await post(coordinator, f"/streams/{stream_id}/close")
    coordinator.now_s[0] += 3 * 3600
    await settle_due(coordinator)
    (balance,) = await coordinator.ledger.balances([stream_id])
    assert balance is not None
    assert (balance.is_closed, balance.balance_micros) == (True, 0)
    coordinator.measured._documents.clear()  # a reader that has not seen the end yet
    with pytest.raises(Exception, match=stream_id):
        await coordinator.ledger.top_up(stream_id, 7, NOW_S, "7")


async def test_the_delivery_accounts_for_every_token(coordinator: Coordinator) -> None:
    """Tokens into verified minutes, hour by hour, and until when they last."""
    stream_id = (await coordinator.registered(reward_per_node_hour="6"))["stream_id"]
    await serve(coordinator, stream_id, epochs=3)
    await settle_due(coordinator)
    path = f"/streams/{stream_id}/delivery"
    delivery = (await coordinator.client.get(path)).json()
    hours = delivery["hours"]
    assert [hour["node_minutes_paid"] for hour in hours] == [0, 45, 60, 60]
    assert [hour["paid"] for hour in hours] == ["0", "4.5", "6", "6"]
    assert [reason["reason"] for reason in hours[1]["unpaid"]] == [
        "awaiting_check",
        "before_first_pass",
    ]
    kept = sum(parse_tokens(delivery[name]) for name in ("paid", "refunded", "balance"))
    assert kept == parse_tokens(delivery["deposited"]) + parse_tokens(delivery["returned"])
    # 983.5 tokens at 6 an hour, less 14 minutes that wait, and the two that are not settled yet
    lasts_s = 983_500_000 * 3600 // 6_000_000 - 14 * 60 - 120
    assert delivery["balance_lasts_seconds"] == lasts_s
    assert delivery["balance_says"] == "The balance lasts 6 d 19 h at the present rate."
    assert delivery["used_up_at"] > delivery["settled_until"]
    page = (await coordinator.client.get(path, params={"page_size": 3})).json()
    assert page["next_page_token"] == str(EPOCH + 3)
    rest = await coordinator.client.get(path, params={"page_token": page["next_page_token"]})
    assert rest.json()["hours"] == hours[3:]


async def test_a_heartbeat_is_told_what_the_node_has_and_when_it_was_checked(
    coordinator: Coordinator,
) -> None:
    """For the operator's own page; before the first statement there is nothing of it."""
    stream_id = (await coordinator.registered(reward_per_node_hour="6"))["stream_id"]
    said = (await _beat(coordinator, stream_id)).json()
    assert (said["stream_name"], said["newest_agent"]) == (STREAM["name"], __version__)
    assert (said["pending"], said["available"], said["next_release_at"]) == ("0", "0", None)
    assert (said["last_check_at"], said["last_check_reason"]) == (None, None)
    await serve(coordinator, stream_id, epochs=3, node_id=NODE_ID)
    await settle_due(coordinator)
    said = (await _beat(coordinator, stream_id)).json()
    assert (said["earned"], said["pending"], said["available"]) == ("16.5", "16.5", "0")
    release_s = CALENDAR.epoch_bounds_s(EPOCH + 1 + 24)[1] + CALENDAR.grace_seconds
    assert said["next_release_at"] == timestamp(release_s)
    last = CALENDAR.ticks_of(EPOCH + 3).stop - 15
    assert said["last_check_at"] == timestamp(last * 60.0 + 30)
    assert said["last_check_reason"] == Reason.PASSED.value


async def test_a_receipt_explains_every_minute_of_a_node(coordinator: Coordinator) -> None:
    """Newest first, with what is pending and when the next of it is released."""
    stream_id = (await coordinator.registered(reward_per_node_hour="6"))["stream_id"]
    await serve(coordinator, stream_id, epochs=3)
    await settle_due(coordinator)
    receipt = (await coordinator.client.get("/nodes/n2/receipt")).json()
    assert (receipt["earned"], receipt["pending"], receipt["available"]) == ("16.5", "16.5", "0")
    assert [line["epoch"] for line in receipt["epochs"]] == [EPOCH + 3, EPOCH + 2, EPOCH + 1]
    release_s = CALENDAR.epoch_bounds_s(EPOCH + 1 + 24)[1] + CALENDAR.grace_seconds
    assert receipt["next_release"]["amount"] == "4.5"
    assert receipt["next_release"]["at"].startswith(_day_of(release_s))
    for line in receipt["epochs"]:
        row = line["row"]
        unpaid = sum(reason["minutes"] for reason in row["unpaid"])
        assert row["minutes_paid"] + unpaid == row["minutes_due"] + row["minutes_waiting_before"]
        assert all(reason["says"].endswith(".") for reason in row["unpaid"])
    page = (await coordinator.client.get("/nodes/n2/receipt", params={"page_size": 2})).json()
    assert [line["epoch"] for line in page["epochs"]] == [EPOCH + 3, EPOCH + 2]
    rest = await coordinator.client.get(
        "/nodes/n2/receipt", params={"page_token": page["next_page_token"]}
    )
    assert [line["epoch"] for line in rest.json()["epochs"]] == [EPOCH + 1]


async def test_a_receipt_reaches_back_over_a_long_absence(coordinator: Coordinator) -> None:
    """Epochs without a row of the node end nothing: every line is on one page, newest first."""
    streams = [(await coordinator.registered())["stream_id"] for _ in range(2)]
    served = {(EPOCH, streams[0]), (EPOCH + 11, streams[0])}
    served |= {(epoch, streams[1]) for epoch in range(EPOCH + 3, EPOCH + 8)}
    for epoch in range(EPOCH, EPOCH + 12):
        for stream_id in streams:
            nodes = ["n2"] if (epoch, stream_id) in served else []
            await _settled_with(coordinator, stream_id, epoch, nodes)
    seen: list[tuple[int, str]] = []
    token: str | None = ""
    while token is not None:
        params: dict[str, str | int] = {"page_size": 3, "page_token": token}
        page = (await coordinator.client.get("/nodes/n2/receipt", params=params)).json()
        assert len(page["epochs"]) <= 3
        seen += [(line["epoch"], line["stream_id"]) for line in page["epochs"]]
        token = page["next_page_token"]
    assert seen == sorted(served, reverse=True)


async def _statement_pages(coordinator: Coordinator, stream_id: str) -> list[dict[str, Any]]:
    """Each answer of a whole list, by its tokens."""
    pages: list[dict[str, Any]] = []
    token: str | None = ""
    while token is not None:
        path = f"/streams/{stream_id}/statements"
        answer = await coordinator.client.get(path, params={"page_token": token})
        assert len(answer.content) < ANSWER_BYTES_MAX
        pages.append(answer.json())
        token = pages[-1]["next_page_token"]
    return pages


async def test_statements_of_many_nodes_come_on_shorter_pages(coordinator: Coordinator) -> None:
    """However many nodes a stream has, and whatever it began with: an answer is bounded."""
    stream_id = (await coordinator.registered())["stream_id"]
    nodes = [f"n{n}" for n in range(240)]
    for epoch in range(EPOCH, EPOCH + 6):
        await _settled_with(coordinator, stream_id, epoch, nodes if epoch > EPOCH else ["n7"])
    pages = [
        [(one["epoch"] - EPOCH, len(one["rows"])) for one in page["statements"]]
        for page in await _statement_pages(coordinator, stream_id)
    ]
    assert pages == [
        [(0, 1), (1, 240), (2, 240), (3, 119)],
        [(3, 121), (4, 240), (5, 239)],
        [(5, 1)],
    ]


async def test_a_statement_of_many_nodes_is_read_in_parts_without_loss(
    coordinator: Coordinator,
) -> None:
    """From its own route and from the list: each row once, whatever documents it lies in."""
    stream_id = (await coordinator.registered())["stream_id"]
    nodes = [f"n{n}" for n in range(ROWS_A_DOCUMENT_MAX + 7)]
    await _settled_with(coordinator, stream_id, EPOCH, nodes)
    await _settled_with(coordinator, stream_id, EPOCH + 1, ["n7"])
    record = PublicRecord(coordinator.client)
    published = [
        await record.statement(stream_id, EPOCH),
        await record.statement(stream_id, EPOCH + 1),
    ]
    settled = await coordinator.ledger.statements(stream_id, EPOCH, 7)
    assert published == settled == await record.statements(stream_id)
    pages = await _statement_pages(coordinator, stream_id)
    sizes = [sum(len(one["rows"]) for one in page["statements"]) for page in pages]
    assert max(sizes) == ROWS_PAGE_MAX
    assert sum(sizes) == len(nodes) + 1
    tokens = [one["next_row_token"] for page in pages for one in page["statements"]]
    assert tokens[-2:] == [None, None]
    assert None not in tokens[:-2]


async def test_parts_of_a_statement_that_contradict_each_other_are_none(
    coordinator: Coordinator,
) -> None:
    """Who reads them is told: the coordinator would have shown two statements as one."""
    stream_id = (await coordinator.registered())["stream_id"]
    await _settled_with(coordinator, stream_id, EPOCH, ["n2", "n3"])
    path = f"/streams/{stream_id}/statements/{EPOCH}"
    whole = (await coordinator.client.get(path)).json()
    parts = [{**whole, "rows": [row]} for row in whole["rows"]]
    assert statement_from(*reversed(parts)) == statement_from(whole)
    with pytest.raises(ValueError, match="contradict"):
        statement_from(parts[0], {**parts[1], "paid": "7"})


@pytest.mark.parametrize(
    ("path", "token"),
    [
        ("statements", "x"),
        ("statements", "7.n2"),
        ("statements", "7.0.n 2"),
        ("statements/7", "7"),
        ("statements/7", "99999.n2"),
    ],
)
async def test_a_token_that_nobody_gave_is_refused(
    coordinator: Coordinator, path: str, token: str
) -> None:
    """With what is wrong about it."""
    stream_id = (await coordinator.registered())["stream_id"]
    answer = await coordinator.client.get(
        f"/streams/{stream_id}/{path}", params={"page_token": token}
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")
    assert "page_token" in answer.text


@pytest.mark.parametrize(("report", "name"), [("statements", "statements"), ("delivery", "hours")])
async def test_the_largest_page_is_not_the_last_one(
    coordinator: Coordinator, report: str, name: str
) -> None:
    """Whoever asks for as much at once as may be is told of the rest all the same."""
    stream_id = (await coordinator.registered())["stream_id"]
    for epoch in range(EPOCH, EPOCH + 203):
        await _settled_with(coordinator, stream_id, epoch, [])
    path, params = f"/streams/{stream_id}/{report}", {"page_size": "200"}
    page = (await coordinator.client.get(path, params=params)).json()
    assert (len(page[name]), page["next_page_token"]) == (200, str(EPOCH + 200))
    params["page_token"] = page["next_page_token"]
    rest = (await coordinator.client.get(path, params=params)).json()
    assert (len(rest[name]), rest["next_page_token"]) == (3, None)


async def test_of_many_deposits_the_latest_are_shown(coordinator: Coordinator) -> None:
    """With the balance after each, so that the last one leads to the balance now."""
    stream_id = (await coordinator.registered())["stream_id"]
    for number in range(ENTRIES_PAGE_MAX + 2):
        await coordinator.ledger.top_up(stream_id, 7, NOW_S, str(number))
    delivery = (await coordinator.client.get(f"/streams/{stream_id}/delivery")).json()
    numbers = [entry["number"] for entry in delivery["entries"]]
    assert numbers == list(range(4, ENTRIES_PAGE_MAX + 4))
    assert delivery["entries"][-1]["balance_after"] == delivery["balance"]


async def _settled_with(
    coordinator: Coordinator, stream_id: str, epoch: int, nodes: list[str]
) -> None:
    """An epoch in which these nodes have a row, with a minute that is paid."""
    bounds_s = CALENDAR.epoch_bounds_s(epoch)
    evidence = EpochInput(stream_id, epoch, *bounds_s, Terms(1_500_000, 100, 60), {}, ())
    rows = [
        Row(node, 1, 1, 0, 0, 0, 1, (), 0, 0, 0, Reason.OK, voided_by=()) for node in sorted(nodes)
    ]
    draft = Draft(evidence, tuple(rows))
    assert await coordinator.ledger.settle(draft, bounds_s[1] + 120.0, is_last=False)
    assert await coordinator.ledger.follow(stream_id, 7)


def _day_of(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()[:16]


async def test_an_unknown_node_has_no_receipt(coordinator: Coordinator) -> None:
    """404 with a sentence."""
    answer = await coordinator.client.get("/nodes/n404/receipt")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-node")


async def test_a_rate_that_exhausts_the_balance_in_one_epoch_pays_all_of_it(
    coordinator: Coordinator,
) -> None:
    """To the last micro-token; nodes are told before, and a top-up revives the stream."""
    asked = {"reward_per_node_hour": "1000", "token_balance": "700.000007"}
    stream_id = (await coordinator.registered(**asked))["stream_id"]
    await serve(coordinator, stream_id, epochs=2)
    coordinator.now_s[0] = CALENDAR.epoch_bounds_s(EPOCH + 1)[0] + 60.0
    await settle_due(coordinator)
    said = (await _beat(coordinator, stream_id)).json()
    assert said["balance_lasts_seconds"] is not None
    assert said["balance_says"].startswith("The balance ")
    coordinator.now_s[0] = CALENDAR.epoch_bounds_s(EPOCH + 3)[0] + 120.0
    await settle_due(coordinator)
    stream = (await coordinator.client.get(f"/streams/{stream_id}")).json()
    assert (stream["balance"], stream["status"]) == ("0", "exhausted")
    (first, second) = await coordinator.ledger.statements(stream_id, EPOCH + 1, 7)
    assert first.paid_micros == 700_000_007
    assert first.rows[0].minutes_paid == 42
    assert dict(first.rows[0].unpaid)[Reason.BALANCE_EXHAUSTED] == 3
    assert (second.paid_micros, second.rows[0].reason) == (0, Reason.BALANCE_EXHAUSTED)
    said = (await _beat(coordinator, stream_id)).json()
    assert (said["stream_status"], said["balance_lasts_seconds"]) == ("exhausted", 0)
    await post(coordinator, f"/streams/{stream_id}/top-ups", {"amount": "3000"})
    assert (await _beat(coordinator, stream_id)).json()["stream_status"] == "active"


async def _beat(coordinator: Coordinator, stream_id: str) -> httpx.Response:
    return await coordinator.client.post(
        "/nodes/heartbeat",
        json={"stream_id": stream_id, "stats_port": 8080, "rtmp_port": 1935, "address": ADDRESS},
        auth=coordinator.signed(),
    )
