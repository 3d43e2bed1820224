"""What counts of everything that is on record for an epoch."""

from dataclasses import replace

from coordinator.checking.checks import Check, Control, IngestState, Run, TrustChange, Verdict
from coordinator.epochs import Calendar
from coordinator.ledger.epoch_records import EpochRecord
from coordinator.ledger.terms import Terms
from coordinator.reasons import Reason
from coordinator.streams import Stream
from coordinator.sweeping.rosters import Roster
from coordinator.sweeping.shards import WHOLE
from coordinator.sweeping.sweeps import SweepBits
from tests.builders import a_check, a_slot

CALENDAR = Calendar()


STREAM = Stream(
    stream_id="s3",
    name="Main stage",
    sponsor="ada",
    reward_micros_per_hour=7,
    max_paid_nodes=5,
    created_s=0.0,
    key_hash="",
    request_hash="",
)


def _check(node_id: str, due_s: float) -> Check:
    return a_check(due_s, node_id=node_id)


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


def test_what_other_streams_checks_made_of_a_node_is_evidence_too() -> None:
    """Its trust is one, whatever it relays; a fraud is told apart, and strangers are left out."""
    own, other = _check("n2", 3_607.0), replace(_check("n2", 3_611.0), stream_id="s7")
    cleared = replace(other, due_s=3_613.0, event=TrustChange.CLEARED)
    fraud = replace(other, node_id="n3", due_s=3_617.0, event=TrustChange.CONFIRMED)
    run = Run(60, 3_600.0, 3_619.0, (), {}, (own, other, cleared, fraud))
    record = EpochRecord.of(1, CALENDAR, 7_320.0, [], [run])
    given = record.epoch_input(STREAM, Terms(7, 5, 60), {}, None, [])
    assert (list(given.checks), list(given.elsewhere)) == ([own], [other, cleared])
    assert given.frauds == {"n3"}


def test_a_stream_is_unverified_in_an_epoch_in_which_nobody_could_pass() -> None:
    """Because of what was published, and for no other reason."""
    passed, failed = _check("n2", 3_607.0), a_check(3_609.0, Verdict.FAIL)
    undecided = a_check(3_611.0, Verdict.UNKNOWN, Reason.UNKNOWN_REFERENCE)
    ours = a_check(3_613.0, Verdict.UNKNOWN, Reason.UNKNOWN_CAPACITY)
    elsewhere = replace(undecided, stream_id="s7")
    for checks, unverified in (
        ((undecided, failed), True),
        ((undecided, passed), False),
        ((failed, ours, elsewhere), False),
        ((), False),
    ):
        run = Run(60, 3_600.0, 3_619.0, (), {}, checks)
        record = EpochRecord.of(1, CALENDAR, 7_320.0, [], [run])
        assert record.epoch_input(STREAM, Terms(7, 5, 60), {}, None, []).unverified is unverified


def test_an_epoch_goes_by_what_its_runs_read_of_the_ingest() -> None:
    """Who waited while a stream was interrupted was idle, and down while it was not."""
    sweeps = [SweepBits(WHOLE, t, 1, 1, up=0, unknown=0, down=1, waiting=1) for t in (60, 61, 62)]
    read = {60: ("s3",), 61: (), 62: ("s5",)}
    live = {"s3": IngestState.LIVE}
    runs = [Run(d, d * 60, d * 60, (), live, (), interrupted=gone) for d, gone in read.items()]
    record = EpochRecord.of(1, CALENDAR, 7_320.0, sweeps, runs)
    rosters = {(WHOLE, 1): Roster(WHOLE, 1, 0.0, (a_slot(stream_id="s3", joined_tick=7),))}
    (minutes,) = record.minutes(STREAM, rosters).values()
    assert (minutes.idle, minutes.down, minutes.interrupted) == (0b001, 0b110, 0b001)
