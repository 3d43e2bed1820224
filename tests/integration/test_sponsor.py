"""`make sponsor` as ops run it, beside the real api, on Firestore's emulator."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from api.services.known_sponsors import RENEWED_SECONDS
from api.wiring import build_on
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.keys import sha256_hex
from emulator.firestore_emulator import FirestoreEmulator
from tests.ports import free_port
from tests.sponsors import make_sponsor
from tests.unit.functions.conftest import NOW_S, STREAM, bearer, settings
from tools.sponsor import main

PROJECT = "sponsors"
AT = ("--project", PROJECT)
RADIO = ("--name", "city-radio", *AT)


@pytest.fixture(autouse=True)
async def _databases(firestore: FirestoreEmulator) -> None:
    for name in ("(default)", "money"):
        await firestore.clear(PROJECT, name)


@asynccontextmanager
async def _api(now_s: list[float]) -> AsyncIterator[httpx.AsyncClient]:
    """One instance, by the clock of a test."""
    stores = FirestoreStore(PROJECT), FirestoreStore(PROJECT, "money")
    transport = httpx.ASGITransport(app=build_on(*stores, settings(), lambda: now_s[0]))
    async with httpx.AsyncClient(transport=transport, base_url="http://api", timeout=30) as client:
        yield client
    for store in stores:
        await store.close()


def _key(told: str) -> str:
    (key,) = re.findall(r"^  (\S{43})$", told, re.MULTILINE)
    return str(key)


async def test_a_key_opens_and_is_revoked_while_the_api_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each within a minute, and without a start of anything; streams go on."""
    now_s = [NOW_S]
    async with _api(now_s) as client:

        async def status(key: str) -> int:
            now_s[0] += RENEWED_SECONDS
            answer = await client.post("/streams", json=STREAM, headers=bearer(key))
            return answer.status_code

        assert await status("n" * 43) == 403
        made = await asyncio.to_thread(make_sponsor, "new", *RADIO)
        assert (made.returncode, "not in Google's cloud" in made.stderr) == (0, True), made.stderr
        key = _key(made.stdout)
        assert await status(key) == 201
        assert await asyncio.to_thread(main, ("revoke", *RADIO), int(NOW_S)) == 0
        assert "go on, and are published and paid as before" in capsys.readouterr().out
        assert await status(key) == 403
        streams = (await client.get("/streams")).json()["streams"]
        assert [stream["status"] for stream in streams] == ["active"]
        assert await asyncio.to_thread(main, ("another", *RADIO), int(NOW_S)) == 0
        now_s[0] += RENEWED_SECONDS
        path = f"/streams/{streams[0]['stream_id']}/close"
        closed = await client.post(path, headers=bearer(_key(capsys.readouterr().out)))
        assert closed.status_code == 200, closed.text


def test_a_name_is_given_once_and_nobody_is_revoked_for_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a sentence, with nothing printed that looks like a key, and nothing changed."""
    assert main(["new", *RADIO], int(NOW_S)) == 0
    assert main(["list", *AT], int(NOW_S)) == 0
    before = capsys.readouterr().out.splitlines()[-1:]
    for words, says in (
        (("new", *RADIO), "The name city-radio is taken"),
        (("new", "--name", "City Radio", *AT), "is no name for a sponsor"),
        (("another", "--name", "opera", *AT), "No sponsor is called opera"),
        (("revoke", "--name", "opera", *AT), "No sponsor is called opera"),
        (("new", "--name", "opera", "--hash", "k" * 43, *AT), "never the key itself"),
    ):
        assert main(words, int(NOW_S)) == 1
        told = capsys.readouterr()
        assert told.out == "", words
        assert says in told.err
        assert len(told.err.splitlines()) == 1
    assert main(["list", *AT], int(NOW_S)) == 0
    assert capsys.readouterr().out.splitlines() == before


async def test_two_who_enter_sponsors_at_once_lose_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Each writes the whole book."""
    names = ("opera", "harbour-tv", "city-radio")

    def enter(name: str) -> int:
        argv = ("new", "--name", name, "--hash", sha256_hex(name), *AT)
        return main(argv, int(NOW_S))

    assert await asyncio.gather(*(asyncio.to_thread(enter, name) for name in names)) == [0, 0, 0]
    capsys.readouterr()
    assert await asyncio.to_thread(main, ("list", *AT), int(NOW_S)) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == sorted(names)


def test_a_database_that_is_not_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And no key is printed that would open nothing."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    assert main(["new", *RADIO], int(NOW_S)) == 1
    told = capsys.readouterr()
    (sentence,) = told.err.splitlines()
    assert (told.out, "was not reached" in sentence) == ("", True)


def test_who_is_not_signed_in_is_told_how(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Google's own client finds nobody: no file, no account of the CLI, no machine of theirs."""
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    nowhere = str(tmp_path_factory.mktemp("config"))
    for name in ("CLOUDSDK_CONFIG", "HOME"):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    assert main(["list", *AT], int(NOW_S)) == 1
    told = capsys.readouterr()
    assert (told.out, "gcloud auth application-default login" in told.err) == ("", True)
