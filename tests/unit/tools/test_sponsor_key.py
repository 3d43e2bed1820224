"""A sponsor's key is made here, printed once, and known to the network by its hash alone."""

import re
from pathlib import Path

import httpx
import pytest

from api.http.callers import sponsor_of
from api.http.problems import Problem, ProblemKind
from coordinator.keys import SPONSOR_KEY_PATTERN, sha256_hex
from tests.doubles.memory import MemoryStore
from tests.unit.functions.conftest import NOW_S, SPONSOR_KEY, bearer, settings
from tests.unit.functions.own_api import own_api
from tools.sponsor_key import lines_for, main

# Its lines may break anywhere.
OPS = " ".join((Path(__file__).resolve().parents[3] / "docs" / "ops.md").read_text().split())


def _made(capsys: pytest.CaptureFixture[str], name: str) -> tuple[str, str, str]:
    """(key, entry of SPONSOR_KEY_HASHES, everything printed)."""
    assert main([name]) == 0
    told = capsys.readouterr().out
    (key,) = re.findall(r"^  ([A-Za-z0-9_-]{43})$", told, re.MULTILINE)
    (entry,) = re.findall(r"^  SPONSOR_KEY_HASHES=(\S+)$", told, re.MULTILINE)
    return key, entry, told


def test_what_is_printed_is_what_the_api_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """The key opens, under its name; it is printed once, its hash in both forms."""
    key, entry, told = _made(capsys, "city-radio")
    assert SPONSOR_KEY_PATTERN.fullmatch(key)
    assert told.count(key) == 1
    assert f'sponsor_key_hashes = {{ "city-radio" = ["{sha256_hex(key)}"] }}' in told
    hashes = settings(SPONSOR_KEY_HASHES=entry).sponsor_key_hashes
    assert sponsor_of(f"Bearer {key}", hashes) == ("city-radio", key)


def test_a_sponsor_has_several_keys_and_loses_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is revoked by taking its hash out; the others stay."""
    made = [_made(capsys, "city-radio") for _ in range(3)]
    assert len({key for key, _, _ in made}) == 3
    both = settings(SPONSOR_KEY_HASHES=",".join(entry for _, entry, _ in made[:2]))
    for key, _, _ in made[:2]:
        assert sponsor_of(f"Bearer {key}", both.sponsor_key_hashes) == ("city-radio", key)
    with pytest.raises(Problem) as refused:
        sponsor_of(f"Bearer {made[2][0]}", both.sponsor_key_hashes)
    assert refused.value.kind is ProblemKind.KEY_UNKNOWN


@pytest.mark.parametrize(
    "name",
    ["", "City-Radio", "7up", "-radio", "city radio", "city:radio", "a,b", "café", "a" * 41, "a\n"],
)
def test_an_odd_name_is_refused_with_the_rule(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a key is made, with a name that would do."""
    assert main([name]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "1 to 40 lower-case letters, digits and hyphens" in told.err
    assert "city-radio" in told.err


def test_nothing_but_a_name_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """Two words are one odd name; none is missing."""
    assert main(["city", "radio"]) == 2
    assert "'city radio'" in capsys.readouterr().err
    assert main([]) == 2
    assert "NAME is missing" in capsys.readouterr().err


async def test_whether_a_key_is_known_can_be_asked_without_changing_anything() -> None:
    """By the request that docs/ops.md names, and with the answers that it tells."""
    ((path, known, unknown),) = re.findall(
        r"when `GET (/\S+)` with the key says `([a-z-]+)` and no longer `([a-z-]+)`", OPS
    )
    app = own_api(MemoryStore(), MemoryStore(), settings(), lambda: NOW_S)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        for key, kind in ((SPONSOR_KEY, known), ("another-key-of-the-tests", unknown)):
            answer = await client.get(path, headers=bearer(key))
            assert answer.json()["type"] == f"/problems/{kind}"


def test_a_key_never_stands_in_what_is_kept() -> None:
    """Only its hash, which does not contain it."""
    kept = "\n".join(lines_for("opera", "a-key-of-the-tests-that-is-long")[5:])
    assert "a-key-of-the-tests" not in kept
