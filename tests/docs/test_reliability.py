"""docs/reliability.md promises nothing that no test and no verb holds."""

import re

import pytest

from tests.project import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| promise ")
]
VERBS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE)
}
MEASURED = re.findall(r"^##+ .*", (ROOT / "docs" / "benchmarks.md").read_text(), re.MULTILINE)
TELLS = {"audit", "verify", "verify-schedule", "images", "pin", "pip-audit"}
"""Verbs that say yes or no, or make something, and have no figures."""
_HELD = re.compile(r"`(make [a-z-]+|tests/[\w./-]+\.py|test_\w+)`")


def test_the_page_promises_something() -> None:
    assert len(ROWS) >= 15


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_promise_is_held_by_what_can_be_run(row: list[str]) -> None:
    """By nothing else, and each exists."""
    promise, held = row
    assert promise.endswith(".")
    assert not _HELD.sub("", held).strip(" ,"), held
    found = _HELD.findall(held)
    assert found, promise
    assert [each for each in found if not _exists(each)] == []


def test_every_verb_that_measures_has_its_figures() -> None:
    """Under a heading that names it."""
    named = {verb for _, held in ROWS for verb in re.findall(r"`make ([a-z-]+)`", held)}
    headings = " ".join(MEASURED)
    assert named - TELLS
    assert [v for v in named - TELLS if not re.search(rf"[ `]{v}[ `]", headings)] == []


def _exists(each: str) -> bool:
    if each.startswith("make "):
        return each.removeprefix("make ") in VERBS
    return (ROOT / each).is_file() if each.startswith("tests/") else each in TESTS


def test_what_does_not_exist_is_found() -> None:
    """Whatever kind it is of."""
    for each in ("make nothing", "tests/unit/test_nothing.py", "test_nothing_at_all"):
        assert not _exists(each)
