"""What a function need not import before its first answer."""

import subprocess
import sys
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[3] / "functions"


@pytest.mark.parametrize(
    ("function", "later"),
    [("api", ("httpx", "google.cloud.scheduler_v1")), ("payout", ("google.cloud.scheduler_v1",))],
)
def test_what_few_instances_use_is_imported_at_its_first_use(
    function: str, later: tuple[str, ...]
) -> None:
    """Each would be a tenth of a cold start, for an instance that may never ask for it."""
    found = f"print(*(name for name in {later!r} if name in sys.modules))"
    program = f"import sys, {function}.wiring; {found}"
    done = subprocess.run(
        (sys.executable, "-c", program),
        env={"PYTHONPATH": str(FUNCTIONS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr
