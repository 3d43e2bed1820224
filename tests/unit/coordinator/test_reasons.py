"""Every reason can be shown to a person, and is used."""

import re
from pathlib import Path

import pytest

from coordinator.reasons import Reason

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_a_sentence(reason: Reason) -> None:
    """With a code that stays, and ends like a sentence."""
    assert re.fullmatch(r"(unknown:)?[a-z_]+", reason.value)
    assert reason.says.endswith(".")
    assert not reason.fix or reason.fix.endswith(".")
    assert Reason(reason.value) is reason


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_used_somewhere(reason: Reason) -> None:
    """A row that nothing gives would be a promise without a program."""
    sources = [
        path.read_text() for path in (ROOT / "functions").rglob("*.py") if path.name != "reasons.py"
    ]
    assert any(f"Reason.{reason.name}" in source or f'"{reason.value}"' in source
               for source in sources)  # fmt: skip
