"""What a container may use of its machine."""

import os
from pathlib import Path

import pytest

from coordinator.adapters.processors import processors


@pytest.mark.parametrize(
    ("says", "share"),
    [("50000 100000\n", 0.5), ("100000 100000\n", 1.0)],
)
def test_a_quota_counts(tmp_path: Path, says: str, share: float) -> None:
    (tmp_path / "cpu.max").write_text(says)
    assert processors(tmp_path / "cpu.max") == share


@pytest.mark.parametrize("says", ["max 100000\n", "99999999999 100000\n", "", "rubbish\n"])
def test_without_a_quota_it_is_what_the_process_may_run_on(tmp_path: Path, says: str) -> None:
    (tmp_path / "cpu.max").write_text(says)
    assert processors(tmp_path / "cpu.max") == len(os.sched_getaffinity(0))
    assert processors(tmp_path / "nothing") == len(os.sched_getaffinity(0))
