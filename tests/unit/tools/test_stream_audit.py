"""All of a stream's life, held against itself: statements, tokens, receipts and days."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import pytest

from coordinator.adapters.store.protocol import Ref
from coordinator.ledger.statements import statement_id
from tests.unit.functions.conftest import NOW_S, Coordinator, coordinator
from tests.unit.functions.sponsored import EPOCH, serve, settle_due
from tools.verify.public import PublicRecord
from tools.verify.schedule import AGREES, DISAGREES, TOO_EARLY
from tools.verify.stream_audit import Whole

__all__ = ["coordinator"]
DAY = datetime.fromtimestamp(NOW_S, UTC).date()


async def _lived(coordinator: Coordinator) -> str:
    stream_id = (await coordinator.registered(reward_per_node_hour="6"))["stream_id"]
    await serve(coordinator, stream_id, 2)
    await settle_due(coordinator)
    return stream_id


async def _no_pause(_: float) -> None:
    """Nothing follows."""


async def _whole(
    coordinator: Coordinator, stream_id: str, pause: Callable[[float], Awaitable[None]] = _no_pause
) -> tuple[int, str]:
    whole = Whole(PublicRecord(coordinator.client, pause), coordinator.now_s[0])
    await whole.stream(stream_id)
    return whole.verdict(), "\n".join([*whole.findings, *whole.untold])


async def _day(coordinator: Coordinator, day: date) -> tuple[int, str]:
    whole = Whole(PublicRecord(coordinator.client), coordinator.now_s[0])
    await whole.day(day)
    await whole.statements_of_day(day)
    return whole.verdict(), "\n".join(whole.findings)


async def test_an_honest_life_agrees(
    coordinator: Coordinator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three epochs; its day is not over, and so says nothing yet."""
    stream_id = await _lived(coordinator)
    assert await _whole(coordinator, stream_id) == (AGREES, "")
    said = capsys.readouterr().out
    assert f"{DAY}: no secret is published yet: who was drawn or flagged is not looked at" in said
    assert "3 statements and days recomputed, 0 findings" in said


async def test_a_day_holds_the_statements_of_all_streams(coordinator: Coordinator) -> None:
    """And a day without any says that it cannot tell."""
    await _lived(coordinator)
    assert await _day(coordinator, DAY) == (AGREES, "")
    assert await _day(coordinator, date(2026, 11, 20)) == (TOO_EARLY, "")


async def test_accounts_that_are_no_sum_of_statements_are_found(coordinator: Coordinator) -> None:
    """Emptied, the node's receipt ends with nothing; and its lines are gone."""
    stream_id = await _lived(coordinator)
    coordinator.money.forget(*coordinator.money.refs("accounts"))
    verdict, said = await _whole(coordinator, stream_id)
    assert verdict == DISAGREES
    assert "n2: earned: the receipt says 0, the statements 10.5" in said
    assert f"n2: the receipt's line of {stream_id}, epoch {EPOCH + 1} is missing" in said


async def test_accounts_that_have_not_followed_yet_are_looked_at_again(
    coordinator: Coordinator,
) -> None:
    """They follow a statement some seconds later; long after it nobody waits for them."""
    stream_id = await _lived(coordinator)
    refs = coordinator.money.refs("accounts")
    kept = dict(zip(refs, await coordinator.money.get(*refs), strict=True))
    coordinator.money.forget(*refs)
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)
        for ref, fields in kept.items():
            await coordinator.money.put(ref, fields or {})

    assert await _whole(coordinator, stream_id, pause) == (AGREES, "")
    coordinator.money.forget(*refs)
    coordinator.now_s[0] += 3600
    verdict, _ = await _whole(coordinator, stream_id, pause)
    assert (verdict, waited) == (DISAGREES, [10.0])


async def test_a_statement_that_is_gone_is_missed(coordinator: Coordinator) -> None:
    """By its number, and by the balance of the next one."""
    stream_id = await _lived(coordinator)
    coordinator.money.forget(Ref("statements", statement_id(stream_id, EPOCH + 1)))
    verdict, said = await _whole(coordinator, stream_id)
    assert verdict == DISAGREES
    assert f"{stream_id}, epoch {EPOCH + 1}: its statement is missing" in said
    assert "begins with 995.5, and 1000 was there" in said


async def test_a_day_names_the_statement_that_does_not_follow(coordinator: Coordinator) -> None:
    """Its stream and its epoch."""
    stream_id = await _lived(coordinator)
    ref = Ref("statements", statement_id(stream_id, EPOCH + 2))
    (fields,) = await coordinator.money.get(ref)
    assert fields is not None
    terms = {**fields["terms"], "max_paid_nodes": 1}
    await coordinator.money.put(ref, {**fields, "terms": terms})
    verdict, said = await _day(coordinator, DAY)
    assert verdict == DISAGREES
    assert (
        said == f"{stream_id}, epoch {EPOCH + 2}: terms max_paid_nodes: published 1, recomputed 100"
    )


async def test_expired_and_unpublished_things_are_told_apart(
    coordinator: Coordinator, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is older than the evidence is counted; without settings nothing can be told."""
    stream_id = await _lived(coordinator)
    coordinator.now_s[0] += 90 * 86_400
    verdict, said = await _whole(coordinator, stream_id)
    assert (verdict, said) == (TOO_EARLY, "")
    assert "3 epochs are older than 90 days" in capsys.readouterr().out
    coordinator.money.forget(*coordinator.money.refs("published_settings"))
    verdict, said = await _whole(coordinator, stream_id)
    assert verdict == TOO_EARLY
    assert "no settings are published yet" in said
