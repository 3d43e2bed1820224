"""docs/operator.md says what the code does: every status, reason, exit code and setting."""

import re
from pathlib import Path

import pytest

from agent.doctor.findings import FindingKind
from agent.settings import VARIABLES
from agent.versions import UPDATE
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import NodeStatus

PAGE = (Path(__file__).parents[3] / "docs" / "operator.md").read_text()


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_told_with_its_fix(reason: Reason) -> None:
    """In the words of functions/coordinator/reasons.py."""
    assert f"| `{reason.value}` | {reason.says} | {reason.fix or 'Nothing.'} |\n" in PAGE


def test_no_reason_and_no_status_is_told_that_does_not_exist() -> None:
    """One that was removed from the code is removed here."""
    told = set(re.findall(r"^\| `([a-z_:]+)` \|", PAGE, re.MULTILINE))
    assert told == {r.value for r in Reason} | {s.value for s in NodeStatus}


def test_every_exit_code_of_the_doctor_is_told() -> None:
    """0 and 2 are those of every start."""
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert told == {0, 2, *(int(kind) for kind in FindingKind)}


def test_the_command_that_updates_is_told_as_nodes_tell_it() -> None:
    """In one command, whatever its lines."""
    assert UPDATE in " ".join(PAGE.replace("\\\n", " ").split())


def test_only_settings_that_exist_are_named() -> None:
    """The full list is the image's own help."""
    section = PAGE.split("## Settings")[1]
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", section))
    assert named
    assert named <= {variable.name for variable in VARIABLES}
