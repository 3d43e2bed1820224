"""What the queues of a relay may take: strangers must not have a small machine end it."""

import os
from pathlib import Path

import pytest

from agent.relay.restream.admission import MEMORY_BYTES_MAX, Admission
from agent.relay.restream.memory import room_for_queues

MACHINE_BYTES = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
UNLIMITED = min(MEMORY_BYTES_MAX, MACHINE_BYTES // 4)


@pytest.mark.parametrize(
    ("limit", "room"),
    [
        ("max\n", UNLIMITED),
        ("", UNLIMITED),
        (f"{192 << 20}\n", 48 << 20),
        (f"{1 << 60}\n", UNLIMITED),
    ],
)
def test_a_quarter_of_a_small_container_is_for_queues(
    tmp_path: Path, limit: str, room: int
) -> None:
    """And of a large machine no more than ever."""
    (tmp_path / "memory.max").write_text(limit)
    assert room_for_queues(tmp_path / "memory.max") == room


def test_without_a_container_the_machines_memory_counts(tmp_path: Path) -> None:
    """There is no such file then."""
    assert room_for_queues(tmp_path / "none") == UNLIMITED


def test_who_comes_is_turned_away_by_the_machines_own_bound() -> None:
    """Not by that of larger ones."""
    admission = Admission(memory_bytes_max=7)
    admission.memory_bytes = 8
    assert not admission.admit("203.0.113.1", 0.0)
    assert admission.refused == {"memory": 1}
