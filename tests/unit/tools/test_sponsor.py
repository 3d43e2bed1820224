"""`make sponsor`: what it is told, and what it says when it cannot do that."""

import argparse
import re
from pathlib import Path

import httpx
import pytest
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError

from coordinator.adapters.records.sponsor_books import SponsorBooks
from coordinator.adapters.store.protocol import StoreError
from coordinator.keys import SPONSOR_KEY_PATTERN, sha256_hex
from tests.doubles.memory import MemoryStore
from tests.sponsors import entered
from tests.unit.functions.conftest import NOW_S, SPONSOR_KEY, bearer, money_store, settings
from tests.unit.functions.own_api import own_api
from tools.sponsor import issued, listed, main, revoked, sentence_of

# Its lines may break anywhere.
OPS = " ".join((Path(__file__).resolve().parents[3] / "docs" / "ops.md").read_text().split())
NOW = int(NOW_S)


def _asked(action: str, name: str = "city-radio", digits: str = "") -> argparse.Namespace:
    named = {"action": action, "name": name, "hash": digits}
    return argparse.Namespace(**named, project="my-network", database="money")


async def test_a_key_is_printed_once_and_its_hash_is_what_is_kept() -> None:
    """The key is of the form that the api takes, and new each time."""
    store = MemoryStore()
    books = SponsorBooks(store)
    first = "\n".join(await issued(books, _asked("new"), NOW))
    second = "\n".join(await issued(books, _asked("another"), NOW))
    (one,), (other,) = (re.findall(r"^  (\S{43})$", told, re.MULTILINE) for told in (first, second))
    assert one != other
    assert SPONSOR_KEY_PATTERN.fullmatch(one)
    assert first.count(one) == 1
    kept = (await books.book()).names_by_hash()
    assert kept == {sha256_hex(one): "city-radio", sha256_hex(other): "city-radio"}
    documents = repr(await store.get(*store.refs("sponsors")))
    assert one not in documents
    assert other not in documents


async def test_of_a_key_that_a_sponsor_made_nothing_but_the_hash_is_seen() -> None:
    books = SponsorBooks(MemoryStore())
    told = await issued(books, _asked("new", digits=sha256_hex(SPONSOR_KEY)), NOW)
    assert len(told) == 1
    assert (await books.book()).names_by_hash() == {sha256_hex(SPONSOR_KEY): "city-radio"}


async def test_what_a_list_calls_a_key_revokes_it() -> None:
    """And the list goes on naming who has none."""
    books = SponsorBooks(MemoryStore(entered(**{"city-radio": SPONSOR_KEY})))
    (line,) = await listed(books)
    (digits,) = re.findall(r" ([0-9a-f]{12}) of \d{4}-\d\d-\d\d$", line)
    assert "is revoked" in (await revoked(books, _asked("revoke", digits=digits), NOW))[0]
    assert (await books.book()).names_by_hash() == {}
    assert re.fullmatch(r"city-radio +no key since 2026-11-22", (await listed(books))[0])
    again = await revoked(books, _asked("revoke"), NOW)
    assert again == ["city-radio has no such key: nothing was changed."]


async def test_an_empty_book_says_so() -> None:
    assert await listed(SponsorBooks(MemoryStore())) == ["There is no sponsor yet."]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "required: action"),
        (["new", "--name", "city-radio"], "PROJECT is missing"),
        (["list"], "PROJECT is missing"),
        (["new", "--project", "p"], "NAME is missing"),
        (["revoke", "--project", "p"], "NAME is missing"),
        (["forget", "--project", "p"], "invalid choice: 'forget'"),
        (["new", "city radio", "--project", "p"], "unrecognized arguments: city radio"),
    ],
)
def test_whoever_calls_it_wrongly_is_told_a_line_that_would_do(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv, NOW)
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (64, "")
    assert says in told.err
    assert "Write: make sponsor NAME=city-radio PROJECT=" in told.err


def _failed(cause: Exception) -> StoreError:
    error = StoreError(f"Firestore: {cause}")
    error.__cause__ = cause
    return error


UNTOLD: dict[str, tuple[type[Exception], str, str]] = {
    "nobody signed in": (DefaultCredentialsError, "none", "gcloud auth application-default login"),
    "no longer": (exceptions.ServiceUnavailable, "Reauthentication is needed", "Sign in for"),
    "a session that ended": (exceptions.ServiceUnavailable, "invalid_grant: Bad", "Sign in for"),
    "no permission": (exceptions.PermissionDenied, "missing", "the role Cloud Datastore User"),
    "no database": (exceptions.NotFound, "none", "apply Terraform first, or name it by DATABASE"),
    "nobody there": (exceptions.ServiceUnavailable, "refused", "look by ACTION=list"),
    "too slow": (exceptions.DeadlineExceeded, "10 s", "may have been changed"),
    "many at once": (StoreError, "others were always faster", "look by ACTION=list"),
}


@pytest.mark.parametrize("what", UNTOLD)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_database_that_does_not_do_it_is_told_with_what_to_do(what: str, wrapped: bool) -> None:
    """And with Google's own words, which name what is missing: as they come, or from the store."""
    kind, words, says = UNTOLD[what]
    error = kind(words)
    told = sentence_of(_failed(error) if wrapped else error, _asked("new"))
    assert says in told
    assert words in told


async def test_whether_a_key_is_known_can_be_asked_without_changing_anything() -> None:
    """By the request that docs/ops.md names, and with the answers that it tells."""
    ((path, known, unknown),) = re.findall(
        r"when `GET (/\S+)` with the key says `([a-z-]+)` and no longer `([a-z-]+)`", OPS
    )
    app = own_api(MemoryStore(), money_store(), settings(), lambda: NOW_S)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        for key, kind in ((SPONSOR_KEY, known), ("another-key-of-the-tests", unknown)):
            answer = await client.get(path, headers=bearer(key))
            assert answer.json()["type"] == f"/problems/{kind}"
