"""An api whose machine has a wrong clock dates by the database's."""

import json
import time
from datetime import datetime

import httpx
import pytest

from api.wiring import build_on, following
from coordinator.adapters.clock import ANSWER_OFF_S_MAX, SystemClock
from coordinator.adapters.store.firestore import FirestoreStore
from emulator.firestore_emulator import FirestoreEmulator
from tests.sponsors import enter
from tests.unit.functions.conftest import SPONSOR_KEY, STREAM, bearer, settings

PROJECT = "clock"


@pytest.mark.parametrize("off_s", [3_600.0, -3_600.0])
@pytest.mark.parametrize("jumps", [False, True])
async def test_an_api_that_is_an_hour_off_dates_tokens_by_the_database(
    firestore: FirestoreEmulator, capsys: pytest.CaptureFixture[str], off_s: float, jumps: bool
) -> None:
    """From its first registration on, or from the deposit that its clock jumps before. It says
    once how far off it was. One that is set back goes on as before by itself."""
    await firestore.clear(PROJECT)
    await firestore.clear(PROJECT, "money")
    wrong = [0.0 if jumps else off_s]
    clock = SystemClock(lambda: time.time() + wrong[0])
    witness = following(clock, settings())
    measured = FirestoreStore(PROJECT, witness=witness)
    money = FirestoreStore(PROJECT, "money", witness=witness)
    await enter(money, ada=SPONSOR_KEY)
    app = build_on(measured, money, settings(), clock)
    transport = httpx.ASGITransport(app=app, client=("203.0.113.7", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        made = await client.post("/streams", json=STREAM, headers=bearer(SPONSOR_KEY))
        path = f"/streams/{made.json()['stream_id']}"
        await client.get(path)  # what is shown is known by now, and is not read again
        wrong[0], body = off_s, {"amount": "7"}
        added = await client.post(f"{path}/top-ups", json=body, headers=bearer(SPONSOR_KEY))
        stream = await client.get(path)
    await measured.close()
    await money.close()
    dates = [stream.json()["created_at"], added.json()["entry"]["at"]]
    away = [abs(datetime.fromisoformat(at).timestamp() - time.time()) for at in dates]
    assert max(away) < ANSWER_OFF_S_MAX
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [line["off_s"] for line in said if line["message"] == "clock_off"]
    expected = [] if jumps and off_s < 0 else [off_s / 3_600]
    assert [round(one / 3_600) for one in told] == expected
