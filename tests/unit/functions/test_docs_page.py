"""The reader of the API's page: pinned, served by ourselves, under the policy of every page."""

import gzip
import hashlib

import pytest

from api.site.docs import FOLDER, READER_PATH, SHA256, VERSION
from tests.unit.functions.conftest import Coordinator

BUNDLE = f"{READER_PATH}/swagger-ui-bundle.js"


@pytest.mark.parametrize("name", SHA256)
def test_a_vendored_file_is_the_one_that_was_pinned(name: str) -> None:
    """Nobody changes it by hand: a change of its version changes both."""
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == SHA256[name]


def test_the_reader_comes_with_its_licences() -> None:
    """Its own, and those of what is packed into it."""
    assert "Apache License" in (FOLDER / "LICENSE.txt").read_text()
    assert "SmartBear" in (FOLDER / "NOTICE.txt").read_text()
    assert "MIT" in (FOLDER / "swagger-ui-bundle.js.LICENSE.txt").read_text()


async def test_the_page_names_files_of_ours_alone(coordinator: Coordinator) -> None:
    """Under the same policy as all pages: nothing inline, nothing from elsewhere."""
    docs, about = [await coordinator.client.get(path) for path in ("/docs", "/about")]
    policy = docs.headers["content-security-policy"]
    assert policy == about.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "data:" not in policy
    for name in SHA256:
        assert f'"{READER_PATH}/{name}"' in docs.text
    assert VERSION in READER_PATH


async def test_the_reader_is_packed_for_whoever_takes_that(coordinator: Coordinator) -> None:
    """A quarter of the bytes; the others get the same file, and nobody the wrong one of both."""
    plain = await coordinator.client.get(BUNDLE, headers={"Accept-Encoding": "identity"})
    request = coordinator.client.build_request("GET", BUNDLE, headers={"Accept-Encoding": "gzip"})
    packed = await coordinator.client.send(request, stream=True)
    raw = b"".join([part async for part in packed.aiter_raw()])
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(raw) == plain.content == (FOLDER / "swagger-ui-bundle.js").read_bytes()
    assert len(raw) < len(plain.content) / 3
    assert "max-age=31536000" in plain.headers["cache-control"]


async def test_a_small_file_is_sent_as_it_is(coordinator: Coordinator) -> None:
    """And asked for again after minutes: its path names no version."""
    answer = await coordinator.client.get("/docs.js", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.headers["cache-control"] == "public, max-age=300"
