"""One number says how long a check takes at most; everything else that waits follows from it."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

from coordinator.adapters.media import joint_reader, rtmp_reader, second_reader
from coordinator.adapters.media.play_connection import CONNECT_S_MAX
from coordinator.adapters.media.reference_window import SETTLE_S
from coordinator.adapters.outbound.replies import LIMITS
from coordinator.adapters.settings import ProberSettings
from coordinator.adapters.store.firestore import SECONDS_MAX as STORE_S_MAX
from coordinator.checking.lengths import (
    AROUND_S_MAX,
    CONTROL_S_MAX,
    GRACE_S_MIN,
    GRACE_SECONDS,
    LAST_RECORD_S_MAX,
    LATE_S_MAX,
    LONGEST_S,
    RECORD_S_MAX,
    RETEST_WITHIN_S,
    RUN_S_MAX,
    VERY_LONG_S,
)
from coordinator.checking.sealed_days import LotteryDay
from coordinator.epochs import COMMIT_SECONDS_MAX
from coordinator.proof import captures
from coordinator.proof.parameters import ProofParameters

ROOT = Path(__file__).resolve().parents[4]
PROOF = ProofParameters()
REFERENCE_S = PROOF.grace_s + captures.LATE_S_MAX + SETTLE_S
TOGETHER_S = joint_reader.GATHER_S + joint_reader.SECONDS_MAX
READ_S = max(second_reader.SECONDS_MAX, TOGETHER_S + second_reader.AGAIN_SECONDS_MAX)
JUDGED_S = max(rtmp_reader.LATE_S_MAX, REFERENCE_S) + READ_S
"""A capture's late end, the reference's last packets, and what the second reader makes of it."""


def test_no_step_of_a_check_lasts_longer_than_its_sum_says() -> None:
    """A limit that is raised in one place alone would make the longest checks late."""
    named_s = 2 * LIMITS.resolve_seconds
    owned_s = LIMITS.resolve_seconds + LIMITS.total_seconds
    assert named_s + JUDGED_S + owned_s <= AROUND_S_MAX
    assert PROOF.capture_max_s + JUDGED_S <= CONTROL_S_MAX
    assert max(PROOF.capture_max_s, CONNECT_S_MAX) + PROOF.doubt_s <= VERY_LONG_S
    connections_s = 2 * (VERY_LONG_S + AROUND_S_MAX + CONTROL_S_MAX)
    assert LATE_S_MAX + connections_s + RETEST_WITHIN_S == LONGEST_S


def test_what_waits_for_checks_waits_for_the_longest() -> None:
    """The statement, the day's secret and the caller; each with time for the record."""
    assert GRACE_S_MIN == LONGEST_S + 60
    assert ProberSettings.model_fields["grace_seconds"].default == GRACE_SECONDS >= GRACE_S_MIN
    assert LONGEST_S + STORE_S_MAX + COMMIT_SECONDS_MAX <= GRACE_SECONDS
    assert 2 * STORE_S_MAX < RECORD_S_MAX
    assert RUN_S_MAX == 60 + LAST_RECORD_S_MAX


def test_a_days_secret_is_opened_after_its_last_retest() -> None:
    """It tells when a retest comes: whoever refused the first call would be there in time."""
    day = LotteryDay(date(2026, 11, 22), "c" * 64, 60, 4, 0.0)
    ends_s = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
    assert not day.may_open(ends_s + LONGEST_S)
    assert day.may_open(ends_s + RUN_S_MAX)


def test_the_payout_is_called_at_the_full_minute_after_the_grace_period() -> None:
    """Called sooner it settles nothing, and everybody waits for the call after."""
    jobs = json.loads((ROOT / "terraform" / "jobs.json").read_text())["jobs"]
    minute = int(jobs["payout"]["schedule"].partition("-")[0])
    assert (minute - 1) * 60 < GRACE_SECONDS < minute * 60
