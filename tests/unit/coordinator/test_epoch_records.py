"""What counts of everything that is on record for an epoch."""

from coordinator.checks import Check, Control, Run, Verdict
from coordinator.epoch_records import EpochRecord
from coordinator.epochs import Calendar
from coordinator.reasons import Reason

CALENDAR = Calendar(sweep_seconds=60, check_seconds=60, epoch_seconds=3600, grace_seconds=120)


def _check(node_id: str, due_s: float) -> Check:
    return Check(node_id, "s3", int(due_s // 60), due_s, Verdict.PASS, Reason.PASSED)


def test_checks_of_control_nodes_pay_nobody() -> None:
    """Without a passed check a node stays unproven, and nothing of it is ever paid."""
    checks = (_check("n2", 3_607.0), _check("n-good", 3_611.0))
    run = Run(60, 3_600.0, 3_613.0, (), {}, checks, controls={"n-good": Control.GOOD})
    record = EpochRecord.of(1, CALENDAR, 7_320.0, [], [run])
    assert [check.node_id for check in record.checks()] == ["n2"]


def test_a_run_that_was_recorded_late_is_left_out_and_counted() -> None:
    """What was settled is settled."""
    run = Run(60, 3_600.0, 7_321.0, (), {}, (_check("n2", 3_607.0),))
    record = EpochRecord.of(1, CALENDAR, 7_320.0, [], [run])
    assert (record.checks(), record.late) == ([], 1)
