"""A stream on its way to its last statement: what is waited for, and what must come out."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.wire.common import example_of
from api.wire.example_names import STREAM_ID
from api.wire.money import DeliveryOut
from api.wire.statements import StatementOut
from tests.applied_cloud import START_S, TOLD, StoodIn, refusal
from tools.smoke.kept import Kept
from tools.smoke.patience import Patience
from tools.smoke.results import NotToldError, WrongError
from tools.smoke.settling import WAIT_S_MAX, Settling

STREAM = f"GET /streams/{STREAM_ID}"
STATEMENTS, DELIVERY = f"{STREAM}/statements", f"{STREAM}/delivery"
ENDS = {STREAM: TOLD[STREAM] | {"ends_at": "2026-11-22T16:00:00Z"}}
"""Two hours after it is asked first; its statement is due 535 s later."""
FIRST = example_of(StatementOut)
LAST = FIRST | {"epoch": FIRST["epoch"] + 1, "closes": True, "balance_after": "0"}
SETTLED = example_of(DeliveryOut) | {
    "deposited": "1", "returned": "0", "paid": "0.25", "refunded": "0.75", "balance": "0",
}  # fmt: skip


def _followed(api: Mapping[str, Any]) -> tuple[str, list[str], float]:
    """What is found, what was said meanwhile, and how long it took."""
    stood_in, said = StoodIn(api={**ENDS, **api}), list[str]()
    patience = Patience(stood_in.clock, stood_in.sleep, WAIT_S_MAX)
    settling = Settling(stood_in.network(), STREAM_ID, patience, said.append)
    return settling.paid(), said, stood_in.now_s - START_S


def test_a_stream_is_followed_to_the_statement_that_closes_it() -> None:
    """It says when that will be, and each statement once."""
    answers = [{"statements": []}, {"statements": [FIRST]}, {"statements": [FIRST]},
               {"statements": [FIRST, LAST]}]  # fmt: skip
    found, said, took_s = _followed({STATEMENTS: lambda _: answers.pop(0), DELIVERY: SETTLED})
    assert "0.25 tokens paid, 0.75 refunded" in found
    assert "due after 2026-11-22 16:08:55 UTC" in said[0]
    assert len([each for each in said if each.startswith("settled:")]) == 2
    assert took_s == 90.0


def test_an_answer_that_does_not_come_is_asked_for_again() -> None:
    """Hours are long."""
    answers: list[Any] = [httpx.ReadTimeout("slow"), {"statements": [LAST]}]
    found, said, _ = _followed({STATEMENTS: lambda _: answers.pop(0), DELIVERY: SETTLED})
    assert found
    assert "gives no answer" in said[1]


def test_a_statement_that_never_comes_is_missed_half_an_hour_after_it_was_due() -> None:
    """No sooner, and no later."""
    stood_in = StoodIn(api=ENDS | {STATEMENTS: {"statements": [FIRST]}})
    patience = Patience(stood_in.clock, stood_in.sleep, WAIT_S_MAX)
    with pytest.raises(WrongError, match="look at the payout's log") as missed:
        Settling(stood_in.network(), STREAM_ID, patience, lambda _: None).paid()
    assert missed.value.code == "statement-late"
    assert stood_in.now_s - START_S == 7200 + 535 + 1800


@pytest.mark.parametrize("name", ["deposited", "returned", "paid", "refunded", "balance"])
def test_a_token_more_or_less_is_wrong(name: str) -> None:
    """Whichever of them it is."""
    odd = SETTLED | {name: str(Decimal(SETTLED[name]) + Decimal("0.000001"))}
    with pytest.raises(WrongError) as lost:
        _followed({STATEMENTS: {"statements": [LAST]}, DELIVERY: odd})
    assert lost.value.code == "tokens-lost"


def test_what_is_left_although_it_is_closed_is_wrong() -> None:
    """Also where the sum is right."""
    kept = SETTLED | {"refunded": "0.5", "balance": "0.25"}
    with pytest.raises(WrongError, match=r"0\.25 are left"):
        _followed({STATEMENTS: {"statements": [LAST]}, DELIVERY: kept})


def test_a_stream_that_the_api_does_not_know_is_told() -> None:
    """Another network has its address now."""
    with pytest.raises(NotToldError, match="run it without WAIT") as gone:
        _followed({STREAM: refusal(404, "unknown-stream")})
    assert gone.value.code == "stream-gone"


def test_a_network_that_has_published_no_settings_goes_by_the_defaults() -> None:
    """Its payout has not been called yet."""
    empty: dict[str, Any] = {"GET /config": {"current": None, "history": []}}
    found, said, _ = _followed(empty | {STATEMENTS: {"statements": [LAST]}, DELIVERY: SETTLED})
    assert found
    assert "16:08:55" in said[0]


def test_the_stream_of_each_network_is_kept_until_it_is_settled(tmp_path: Path) -> None:
    """In a file that holds no key, and that may be missing or odd."""
    kept = Kept(tmp_path / "build" / "kept.json")
    assert kept.stream_of("https://one") == ""
    kept.keep("https://one", "s1")
    kept.keep("https://two", "s2")
    kept.keep("https://one", "s3")
    assert (kept.stream_of("https://one"), kept.stream_of("https://two")) == ("s3", "s2")
    kept.forget("https://one")
    assert (kept.stream_of("https://one"), kept.stream_of("https://two")) == ("", "s2")
    (tmp_path / "build" / "kept.json").write_text("[]")
    assert kept.stream_of("https://two") == ""
