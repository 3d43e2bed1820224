"""The locked requirements: whole, hashed, and free of any place they came from."""

import re

import pytest

from emulator.demo.options import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; [^\\\n]+)? \\$", re.MULTILINE)
"""With the machines and versions of Python that it is for, if not for all."""


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_with_hashes(name: str) -> None:
    text = (ROOT / name).read_text()
    blocks = [block for block in re.split(r"\n(?=\S)", text) if not block.startswith("#")]
    assert len(blocks) > 10
    for block in blocks:
        assert _PIN.match(block), block
        assert "--hash=sha256:" in block


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_place_to_download_from(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index|--extra|--find|--trusted)", text, re.MULTILINE)


def test_the_two_locks_agree() -> None:
    runs, checks = (dict(_PIN.findall((ROOT / name).read_text())) for name in LOCKS)
    shared = runs.keys() & checks.keys()
    assert {name: runs[name] for name in shared} == {name: checks[name] for name in shared}


@pytest.mark.parametrize("name", LOCKS)
def test_what_is_asked_for_is_locked(name: str) -> None:
    asked = (ROOT / name.replace(".txt", ".in")).read_text().splitlines()
    wanted = {line.split(";")[0] for line in asked if line and not line.startswith(("#", "-"))}
    locked = {pin.lower() for pin, _ in _PIN.findall((ROOT / name).read_text())}
    assert wanted <= locked
