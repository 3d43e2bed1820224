"""docs/architecture.md walks four things through the code, by files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
WALKS = ("A heartbeat", "A sweep", "A check", "A settlement")
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


def test_every_python_file_that_the_page_names_exists() -> None:
    """Below the root, or below one of the folders that are on the path."""
    roots = [ROOT, ROOT / "functions", ROOT / "node_image"]
    named = set(re.findall(r"`([a-z_]+/[\w./]+\.py)`", PAGE))
    assert named
    assert {name for name in named if not any((root / name).is_file() for root in roots)} == set()


def test_the_readme_s_map_is_true() -> None:
    """Every folder and file of it exists."""
    readme = (ROOT / "README.md").read_text()
    (tree,) = re.findall(
        r"## Where things are\n\n```\n(.*?)^main →", readme, re.MULTILINE | re.DOTALL
    )
    assert len(tree.splitlines()) > 1
    for line in tree.splitlines():
        if not line.strip():
            continue
        parent, _ = line.split("  ", 1) if not line.startswith(" ") else ("", "")
        for path in _alternatives(parent):
            assert (ROOT / path).exists(), line


def _alternatives(written: str) -> list[str]:
    """`functions/api|payout/` stands for two folders, `a, b` for two files."""
    found = []
    for each in written.split(", "):
        folder, slash, names = each.rstrip("/").rpartition("/")
        found += [f"{folder}{slash}{name}" for name in names.split("|") if name]
    return found
