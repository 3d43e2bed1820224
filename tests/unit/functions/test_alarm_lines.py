"""What ops are called for, out of one run."""

import json

import pytest

from coordinator.adapters.log import Log
from coordinator.checking.checks import Check, Run, Verdict
from coordinator.reasons import Reason
from prober.alarms import raise_alarms


@pytest.mark.parametrize(
    ("reason", "is_told"),
    [
        (Reason.UNKNOWN_CAPACITY, True),
        (Reason.UNKNOWN_BUSY, True),
        (Reason.UNKNOWN_REFERENCE, False),
    ],
)
def test_more_work_than_there_are_processors_is_told(
    reason: Reason, is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """No place was left, or what had one was read late."""
    check = Check("n1", "s3", 7, 7.0, Verdict.UNKNOWN, reason)
    raise_alarms(Run(7, 0.0, 60.0, (), {}, (check, check)), Log("prober", "INFO"))
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counts = [line["checks"] for line in said if line["message"] == "checks_without_place"]
    assert counts == [2] * is_told
