"""What is read out of the machine that the demo runs on."""

import pytest

from emulator.machine import NEEDS, java_major


@pytest.mark.parametrize(
    ("told", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_412"', 8),
        ("", 0),
        ("no Java here", 0),
    ],
)
def test_javas_major_version_is_read(told: str, major: int) -> None:
    assert java_major(told) == major


def test_this_machine_has_what_the_demo_needs() -> None:
    assert [need.choices for need in NEEDS if not need.is_met()] == []
