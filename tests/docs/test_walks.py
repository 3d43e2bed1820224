"""docs/architecture.md walks five things through the code, by files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
WALKS = ("A heartbeat", "A packet", "A sweep", "A check", "A settlement")
STEPS_MIN = 5


def _steps(heading: str) -> list[str]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\d+\. (.+?)(?=^\d+\. |\Z)", section, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("walk", WALKS)
def test_each_step_of_a_walk_names_files_that_exist(walk: str) -> None:
    """With their whole paths, so that they can be opened."""
    steps = _steps(walk)
    assert len(steps) >= STEPS_MIN
    for step in steps:
        named = re.findall(r"`([\w./]+\.py)`", step)
        assert named, step
        assert [name for name in named if not (ROOT / name).is_file()] == []


def _pages() -> list[Path]:
    """Of today: what a superseded decision names may be gone."""
    found = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    return [path for path in found if "**Status**: superseded" not in path.read_text()]


@pytest.mark.parametrize("page", _pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_file_that_a_page_names_exists(page: Path) -> None:
    """With its whole path, or from one of the folders that it is imported from."""
    roots = [ROOT / part for part in ("", "functions", "node_image", "functions/coordinator")]
    named = set(re.findall(r"`([a-z_]+/[\w./]+\.py)`", page.read_text()))
    assert {name for name in named if not any((root / name).is_file() for root in roots)} == set()


def test_every_test_that_a_page_names_exists() -> None:
    """What an attack is "shown by" can be run."""
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    named = {
        name for page in _pages() for name in re.findall(r"`(test_[a-z_0-9]+)`", page.read_text())
    }
    assert named
    assert named - defined == set()


def test_the_readme_s_map_is_true() -> None:
    """Every folder and file of it exists."""
    readme = (ROOT / "README.md").read_text()
    (tree,) = re.findall(
        r"## Where things are\n\n```\n(.*?)^bench >", readme, re.MULTILINE | re.DOTALL
    )
    assert len(tree.splitlines()) > 1
    for line in tree.splitlines():
        if not line.strip():
            continue
        written = line.strip().split("  ", 1)[0]
        inside = "functions/coordinator/" if line.startswith(" ") else ""
        for path in _alternatives(written):
            assert (ROOT / inside / path).exists(), line


def _alternatives(written: str) -> list[str]:
    """`functions/api|payout/` stands for two folders, and so does `a/ b/`."""
    found = []
    for each in written.replace(",", "").split(" "):
        folder, slash, names = each.rstrip("/").rpartition("/")
        found += [f"{folder}{slash}{name}" for name in names.split("|") if name]
    return found
