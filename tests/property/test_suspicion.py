"""What degraded checks alone can do to a node: a rival who floods its line may cause some."""

from hypothesis import given
from hypothesis import strategies as st

from coordinator.checking.checks import TrustChange, Verdict
from coordinator.checking.suspicion import DEGRADED_OF, NOBODY, PUBLISHED, observe
from coordinator.reasons import Reason
from tests.builders import a_check

IN_A_ROW = 8
"""By their score."""
OUTCOMES = {True: (Verdict.DEGRADED, Reason.DEGRADED), False: (Verdict.PASS, Reason.PASSED)}
stretches = st.lists(st.tuples(st.integers(0, IN_A_ROW), st.integers(0, 30)), max_size=30)


@given(stretches)
def test_degraded_checks_alone_flag_by_their_share_or_eight_in_a_row(
    stretches: list[tuple[int, int]],
) -> None:
    """However many passed between them, their score never adds up to a flag by itself."""
    state, seen = NOBODY, list[bool]()
    for degraded, passed in stretches:
        for is_degraded in [True] * degraded + [False] * passed:
            seen.append(is_degraded)
            state, event = observe(state, a_check(60.0 * len(seen), *OUTCOMES[is_degraded]))
            many = sum(seen[-DEGRADED_OF:]) >= PUBLISHED.degraded_flags_at
            in_a_row = len(seen) >= IN_A_ROW and all(seen[-IN_A_ROW:])
            assert (event is TrustChange.FLAGGED) == (many or in_a_row)
            if event is not None:
                return
